/** What the executors' tests run: every way in which a task can behave. */
import { existsSync, mkdtempSync } from "node:fs"
import { markAsUntransferable, threadId } from "node:worker_threads"
import type { Task, TaskContext } from "../../src/Task.ts"

export const increment = (n: number): number => n + 1
export const echo = <A>(value: A): A => value
export const later = async (ms: number, value: number): Promise<number> => {
  await new Promise((wake) => setTimeout(wake, ms))
  return value
}
/** Runs for `ms`, whatever anybody says. */
export const spin = (ms: number): number => {
  const end = performance.now() + ms
  let rounds = 0
  while (performance.now() < end) rounds++
  return rounds
}
/** Runs until it is cancelled, and says how often it asked in `asked`. */
export function spinUntilCancelled(this: TaskContext, asked?: Int32Array): string {
  let rounds = 0
  while (!this.cancelled()) {
    rounds++
    if (asked !== undefined) Atomics.store(asked, 0, rounds)
  }
  return "obeyed"
}
export async function waitForSignal(this: TaskContext): Promise<string> {
  await new Promise((resolve) => this.signal.addEventListener("abort", resolve, { once: true }))
  return "obeyed"
}
/** Waits for `ms` and gives them. */
export const waited = (ms: number): Promise<number> => later(ms, ms)
let partner: (() => void) | undefined
/** Ends when it runs on its worker at the same time as another one. */
export const meet = async (): Promise<void> => {
  partner?.()
  if (partner === undefined) await new Promise<void>((met) => (partner = met))
  partner = undefined
}
export const never = (): Promise<never> => new Promise(() => {})
export const fail = (message: string): never => {
  throw new TypeError(message, { cause: new RangeError("inner") })
}
export const reject = async (message: string): Promise<never> => {
  throw new RangeError(message)
}
export const failAt = (n: number): number => {
  if (n === 13) throw new RangeError("thirteen")
  return n
}
export const exit = (code: number): never => process.exit(code)
export const exitAt = (n: number): number => (n === 13 ? process.exit(7) : n)
export const exitOrWait = (n: number): number | Promise<number> => (n < 0 ? never() : exitAt(n))
export const abort = (): void => process.abort()
export const abortAt = (n: number): number => (n === 13 ? process.abort() : n)
export const throwLater = (): Promise<never> => {
  setTimeout(() => {
    throw new Error("out of nowhere")
  }, 0)
  return new Promise(() => {})
}
/** Gives a result; its worker dies when it has nothing to do. */
export const throwAfterwards = (): number => {
  setTimeout(() => {
    throw new TypeError("nobody waits for this")
  }, 5)
  return 1
}
/** What is thrown need not be an error. */
export const throwNothingAfterwards = (): number => {
  setTimeout(() => {
    // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- that is the point
    throw null
  }, 5)
  return 1
}
export const rejectAfterwards = (): number => {
  setTimeout(() => void Promise.reject(new TypeError("nobody waits for this")), 5)
  return 1
}
export const complain = (text: string): never => {
  process.stderr.write(text)
  return process.exit(9)
}
export const devour = (): number => {
  const all: Array<unknown> = []
  for (;;) all.push(Array.from({ length: 1000 }, () => all.length))
}
export const unclonable = (): unknown => ({ deep: [{ callback: () => 0 }] })
export const whoAmI = (): string => `${process.pid} ${threadId}`
export const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7)
const given: Record<string, Uint8Array> = {
  whole: new Uint8Array(8),
  part: new Uint8Array(8).subarray(4),
  fixed: new Uint8Array(8)
}
markAsUntransferable(given["fixed"]!.buffer)
export const give = (name: string): unknown => ({ data: given[name] })
/** How many bytes it has left of what it gave. */
export const left = (name: string): number => given[name]!.buffer.byteLength
export const sum = (data: Uint8Array): number => data.reduce((total, byte) => total + byte, 0)
export const flip = (data: ArrayBuffer): ArrayBuffer => data
export const environment = (name: string): string | undefined => process.env[name]
export const folder = (): string => process.cwd()
export const flags = (): ReadonlyArray<string> => process.execArgv

const seen = new Map<string, number>()
export const count = (key: string): number => {
  seen.set(key, (seen.get(key) ?? 0) + 1)
  return seen.get(key)!
}

/** Tells that it has begun, then does as `spin`, `later` or `spinUntilCancelled`. */
export function begin(this: TaskContext, then: "spin" | "wait" | "obey", ms: number): unknown {
  this.progress("begun")
  if (then === "wait") return later(ms, ms)
  return then === "spin" ? spin(ms) : spinUntilCancelled.call(this)
}

export function* upTo(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i
}
/** Tells in `made` how far it is, and in `made[1]` that it was returned. */
export async function* counted(made: Int32Array): AsyncGenerator<number> {
  try {
    for (let i = 0; ; i++) {
      Atomics.store(made, 0, i + 1)
      yield i
    }
  } finally {
    Atomics.store(made, 1, 1)
  }
}
export async function* failing(n: number): AsyncGenerator<number> {
  yield* upTo(n)
  throw new RangeError("the generator failed")
}
export function report(this: TaskContext, n: number): string {
  for (let i = 0; i < n; i++) this.progress(i)
  return "done"
}
let lingering: Promise<string> | undefined
/** Ends before what it has begun, which goes on as `afterLingering` asks. */
export function lingers(this: TaskContext): void {
  lingering = later(0, 0).then(async () => {
    this.progress("late")
    const state = this.cancelled() && this.signal.aborted ? "cancelled" : "wanted"
    const submitted = this.submit({ url: import.meta.url, name: "increment" } as Task<readonly [number], number>, 1)
    return submitted.then(
      () => `${state}, ran`,
      () => `${state}, refused`
    )
  })
}
export const afterLingering = (): Promise<string> | undefined => lingering
/** Submits a function that is no task, and gives what it is told. */
export async function nestsNone(this: TaskContext): Promise<string> {
  try {
    return String(await this.submit(increment as never))
  } catch (error) {
    return (error as Error).message
  }
}
export function deadline(this: TaskContext): number {
  return this.deadline
}
/** Splits itself in two until nothing is left: a full pool must not wait for itself. */
export async function tree(
  this: TaskContext,
  depth: number,
  self: Task<readonly [number, unknown], number>
): Promise<number> {
  if (depth === 0) return 1
  const { url, name } = self
  const half = () => this.submit({ url, name } as typeof self, depth - 1, self)
  const [left, right] = await Promise.all([half(), half()])
  return left + right
}
/** Submits one task after the other, whoever wants it, until one is refused. */
export async function nestsUntilRefused(this: TaskContext): Promise<string> {
  this.progress("begun")
  for (;;) await this.submit({ url: import.meta.url, name: "increment" } as Task<readonly [number], number>, 1)
}
export async function nestedFailure(this: TaskContext, url: string): Promise<string> {
  try {
    await this.submit({ url, name: "fail" } as Task<readonly [string], never>, "nested")
    return "no failure"
  } catch (error) {
    return (error as Error).message
  }
}

let setUp = 0
export const setup = (): void => void setUp++
export const wasSetUp = (): number => setUp
export const failingSetup = (): never => {
  throw new Error("no database")
}
/** Fails once there is a file at `SIMUL_BROKEN`. */
export const setupUnlessBroken = (): void => {
  if (existsSync(process.env["SIMUL_BROKEN"]!)) throw new Error("no database any more")
}
/** Leaves something in the folder `SIMUL_TORN_DOWN`. */
export const tearDown = (): void => void mkdtempSync(`${process.env["SIMUL_TORN_DOWN"]!}/worker-`)
export const notAFunction = 42
