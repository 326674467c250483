/**
 * Workers and time that a test moves by hand, in an order that a seed chooses: the
 * engine's whole life without a thread. Between any two steps of a worker (taking a
 * command, beginning a job, replying, dying) anything else may happen, as it does
 * between threads; messages of one worker keep their order.
 */
import { boardBytes, memoryBoard, memoryWorkerBoard } from "../../src/executor/Board.ts"
import type { Command, Reply } from "../../src/executor/Protocol.ts"
import type { Timers } from "../../src/executor/Timers.ts"
import type { Spawn, WorkerEvents } from "../../src/executor/WorkerHandle.ts"

type Run = Extract<Command, readonly ["run" | "chunk" | "stream", ...unknown[]]>

/** What a simulated task does, by its first parameter. */
export type Behaviour = "returns" | "throws" | "crashes" | "hangs" | "obeys" | "asks"

export class SimulatedWorkers {
  now = 0
  /** Whether the next workers fail to start. */
  failing = false
  readonly #timers: Array<{ readonly at: number; readonly call: () => void; stopped: boolean }> = []
  readonly #soon: Array<() => void> = []
  readonly live = new Set<SimulatedWorker>()
  holds = 0
  /** Jobs that began, by their number: each begins once, or again after a death. */
  readonly begun: Array<number> = []
  /** Jobs that are marked as started and have not looked yet whether they are wanted, or were not, which nobody has heard. */
  readonly beginning = new Set<number>()

  readonly timers: Timers = {
    now: () => this.now,
    after: (ms, call) => {
      const timer = { at: this.now + ms, call, stopped: false }
      this.#timers.push(timer)
      return () => void (timer.stopped = true)
    },
    soon: (call) => void this.#soon.push(call),
    hold: () => {
      this.holds++
      return () => void this.holds--
    }
  }

  readonly spawn: Spawn = (_, __, events) => {
    const worker = new SimulatedWorker(this, events, this.failing)
    this.live.add(worker)
    return worker.handle
  }

  /** What may happen next, besides time passing. */
  steps(): Array<() => void> {
    return [...this.live].flatMap((worker) => worker.steps())
  }

  /** Runs what was to be called at the end of the turn. */
  settle(): void {
    for (let call; (call = this.#soon.shift()) !== undefined;) call()
  }

  /** Time passes to the next timer; false where there is none. */
  advance(): boolean {
    const waiting = this.#timers.filter(({ at, stopped }) => !stopped && at < Infinity)
    if (waiting.length === 0) return false
    const next = waiting.reduce((first, other) => (other.at < first.at ? other : first))
    this.now = Math.max(this.now, next.at)
    next.stopped = true
    next.call()
    return true
  }
}

class SimulatedWorker {
  readonly #world: SimulatedWorkers
  readonly #events: WorkerEvents
  readonly #fails: boolean
  readonly #memory = new ArrayBuffer(boardBytes)
  readonly #words = new Int32Array(this.#memory)
  readonly #board = memoryWorkerBoard(this.#memory)
  readonly #inbox: Array<ReadonlyArray<Command>> = []
  readonly #outbox: Array<Reply> = []
  readonly #waiting: Array<Run> = []
  #booted = false
  #beginning: Run | undefined
  /** Jobs that were not wanted, by position. */
  readonly #refused = new Map<number, number>()
  #running: Run | undefined
  /** What the task that runs has submitted: `undefined` before that, then how it came out. */
  #child: "open" | "done" | "failed" | undefined
  #stopping = false
  #killed = false

  constructor(world: SimulatedWorkers, events: WorkerEvents, fails: boolean) {
    this.#world = world
    this.#events = events
    this.#fails = fails
  }

  readonly handle = {
    board: memoryBoard(this.#memory),
    post: (commands: ReadonlyArray<Command>) => void this.#inbox.push(commands),
    kill: () => void (this.#killed = true)
  }

  steps(): Array<() => void> {
    const reply = this.#outbox.length > 0 ? [() => this.#deliver(this.#outbox.shift()!)] : []
    // a killed thread does nothing any more; what it posted still arrives, then its end
    if (this.#killed) return this.#outbox.length > 0 ? reply : [() => this.#die("SIGKILL")]
    if (!this.#booted) return [() => this.#boot()]
    const steps = [...reply]
    if (this.#inbox.length > 0) steps.push(() => this.#take(this.#inbox.shift()!))
    if (this.#running !== undefined) {
      const end = this.#end(this.#running)
      if (end !== undefined) steps.push(end)
    } else if (this.#beginning !== undefined) steps.push(() => this.#begin(this.#beginning!))
    else if (this.#waiting.length > 0) steps.push(() => this.#mark(this.#waiting.shift()!))
    else if (this.#stopping && this.#outbox.length === 0) steps.push(() => this.#die(undefined))
    return steps
  }

  #deliver(reply: Reply): void {
    if (reply[0] === "revoked") this.#world.beginning.delete(this.#refused.get(reply[1])!)
    this.#events.reply(reply)
  }

  #boot(): void {
    this.#booted = true
    if (this.#fails) return this.#die(undefined)
    this.#outbox.push(["ready"])
  }

  #take(commands: ReadonlyArray<Command>): void {
    for (const command of commands)
      if (command[0] === "stop") this.#stopping = true
      else if (command[0] === "run" || command[0] === "chunk" || command[0] === "stream") this.#waiting.push(command)
      else if ((command[0] === "answer" || command[0] === "help") && command[1] === this.#running?.[3][1])
        this.#child = command[0] === "help" || command[2] ? "done" : "failed"
  }

  /** The first half of `start`: the engine may write between the two. */
  #mark(run: Run): void {
    this.#beginning = run
    this.#world.beginning.add(run[3][1] as number)
    Atomics.store(this.#words, run[1] * 3, 1)
  }

  #begin(run: Run): void {
    this.#beginning = undefined
    if (!this.#board.start(run[1])) {
      this.#refused.set(run[1], run[3][1] as number)
      return void this.#outbox.push(["revoked", run[1]])
    }
    this.#world.beginning.delete(run[3][1] as number)
    this.#running = run
    this.#child = undefined
    this.#world.begun.push(run[3][1] as number)
  }

  #end(run: Run): (() => void) | undefined {
    const [behaviour, number] = run[3] as [Behaviour, number]
    const position = run[1]
    const reply = (reply: Reply) => () => {
      this.#running = undefined
      this.#outbox.push(reply)
    }
    if (behaviour === "asks" && this.#child === undefined)
      return () => {
        this.#child = "open"
        this.#outbox.push(["submit", position, number, "simulated", "returns", ["returns", -1 - number]])
      }
    if (behaviour === "returns" || this.#child === "done") return reply(["ok", position, number, 0.01, 0])
    if (behaviour === "throws" || this.#child === "failed") {
      const error = { thrown: number, errors: new Set<never>() }
      return reply(["failed", position, { kind: "threw", error }, 0.01, 0])
    }
    if (behaviour === "crashes") return () => void (this.#killed = true)
    if (behaviour === "obeys" && this.#board.cancelled(position)) return reply(["ok", position, number, 1, 0])
    return undefined
  }

  #die(signal: string | undefined): void {
    this.#world.live.delete(this)
    this.#events.exit({
      exitCode: signal === undefined ? 0 : undefined,
      signal,
      stderr: "",
      error: undefined,
      outOfMemory: false
    })
  }
}
