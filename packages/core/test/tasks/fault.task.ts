// oxlint-disable unicorn/no-thenable -- results that look like promises are among the faults
/** Every place where a task's value or error can fail by itself, as what it throws or by ending its worker. */
import { collect } from "../collect.ts"

type Fault = "throws" | "throws null" | "exits"
const strike = (fault: Fault): never => {
  if (fault === "exits") return process.exit(6)
  throw fault === "throws" ? new RangeError("struck") : null
}

export const running = (fault: Fault): never => strike(fault)
export const rejecting = async (fault: Fault): Promise<never> => strike(fault)
/** A result that fails while it is copied. */
export const copied = (fault: Fault): unknown => ({
  get part() {
    return strike(fault)
  }
})
/** A result that is asked whether it is a promise. */
export const askedForThen = (fault: Fault): unknown => ({
  get then() {
    return strike(fault)
  }
})
export const awaited = (fault: Fault): unknown => ({ then: () => strike(fault) })
/** A result whose keys cannot be listed, so that nobody can search it. */
export const listed = (fault: Fault): unknown => new Proxy({}, { ownKeys: () => strike(fault) })
/** An error that fails while it is taken apart. */
export const described = (fault: Fault): never => {
  throw Object.defineProperty(new Error("described"), "part", { get: () => strike(fault), enumerable: true })
}
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
export const givesRevoked = (): object => revoked()
export const throwsRevoked = (): never => {
  throw revoked()
}
export const throwsUnprintable = (): never => {
  throw { toString: 1 }
}
export class Registered extends Error {
  override readonly name = "Registered"
}
export const throwsRegistered = (): never => {
  throw new Registered("registered")
}
export const sharedMemory = (): SharedArrayBuffer => new SharedArrayBuffer(8)
export const blobAt = (n: number): unknown => (n === 3 ? { part: [new Blob(["text"])] } : n)
export const functionAt = (n: number): unknown => (n === 3 ? () => n : n)
export function* functionAfter(n: number): Generator {
  for (let i = 0; i < n; i++) yield i
  yield () => n
}
/** Talks to its parent as a child process does, past the executor. */
export const speaksOutOfTurn = (): number => {
  process.send?.(null)
  process.send?.({ type: "ready" })
  return 1
}
export const deafToTerm = (): number => {
  process.on("SIGTERM", () => {})
  for (;;);
}
export const rejectWith = async (value: object): Promise<never> => {
  throw Object.assign(new Error("with a value"), { value })
}
export const exits = (): never => process.exit(4)
export const one = (): number => 1

let held: WeakRef<object> | undefined
/** Remembers its argument weakly. */
export const hold = (value: object): object => {
  held = new WeakRef(value)
  return { result: true }
}
/** Whether something keeps the argument that `hold` was given. */
export const holds = async (): Promise<boolean> => {
  for (let round = 0; round < 20 && held?.deref() !== undefined; round++) {
    await new Promise((wake) => setImmediate(wake))
    collect()
  }
  return held?.deref() !== undefined
}
/** Leaves something else in the place of `process`. */
export const loseProcess = (): string => {
  globalThis.process = {} as NodeJS.Process
  return typeof process.send
}
