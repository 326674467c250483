/**
 * A scheduler that shares the event loop by time.
 *
 * Effect's own gives each fiber a dispatcher, each of which comes round once in a turn of the event loop, and yields
 * after 2,048 operations however long they took. This one has one queue for all fibers:
 *
 * 1. A turn of the event loop runs fibers until `budget` is used, then lets I/O and timers in. The clock is read after
 *    up to 32 operations while they are cheap, after each while they are dear; an operation is never cut.
 * 2. Tasks run by priority, lower numbers first, and in order of arrival where it is equal; what is scheduled meanwhile
 *    comes after all of them.
 * 3. A fiber that is resumed runs at least two operations before it is asked to yield. It would never progress else:
 *    the operation that yields is asked as well.
 * 4. A task that throws takes no other with it.
 *
 * A yield costs less than half of Effect's, since most need no turn of the event loop. It means less too: `yieldNow`
 * lets other fibers run, and I/O at the end of the budget. AsyncLocalStorage is kept: fibers restore it themselves.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"

type Task = () => void

const mostOperations = 32

class TimeBudgetScheduler implements Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly executionMode = "async" as const
  readonly #budget: number
  readonly #now: () => number
  readonly #nextTurn: (run: () => void) => void
  /** What comes after the batch, by priority. */
  #incoming: Array<readonly [priority: number, tasks: Array<Task>]> = []
  #batch: ReadonlyArray<Task> = []
  #position = 0
  #turnComes = false
  #inTurn = false
  #over = false
  #began = 0
  #looked = 0
  /** Operations from one look at the clock to the next, and until it. */
  #stride = 1
  #countdown = 1

  constructor(budget: number, now: () => number, nextTurn: (run: () => void) => void) {
    this.#budget = budget
    this.#now = now
    this.#nextTurn = nextTurn
  }

  makeDispatcher() {
    return this
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    // resumed by I/O: a turn of its own
    if (!this.#inTurn && fiber.currentOpCount === 1) this.#begin()
    return --this.#countdown <= 0 && this.#look(fiber)
  }

  #look(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const now = this.#now()
    const passed = now - this.#looked
    if (passed > this.#budget / 16) this.#stride = 1
    else if (passed < this.#budget / 64) this.#stride = Math.min(mostOperations, this.#stride * 2)
    this.#looked = now
    this.#countdown = this.#stride
    if (now - this.#began < this.#budget) return false
    this.#over = true
    if (fiber.currentOpCount >= 3) return true
    this.#countdown = 1
    return false
  }

  scheduleTask(task: Task, priority: number) {
    const incoming = this.#incoming
    if (incoming.length === 1 && incoming[0]![0] === priority) incoming[0]![1].push(task)
    else {
      const index = incoming.findIndex(([other]) => other >= priority)
      if (index === -1) incoming.push([priority, [task]])
      else if (incoming[index]![0] === priority) incoming[index]![1].push(task)
      else incoming.splice(index, 0, [priority, [task]])
    }
    if (!this.#inTurn) this.#arm()
  }

  flush() {
    while (this.#take()) this.#batch[this.#position++]!()
  }

  #arm() {
    if (this.#turnComes) return
    this.#turnComes = true
    this.#nextTurn(this.#turn)
  }

  #begin() {
    this.#began = this.#looked = this.#now()
    this.#over = false
  }

  /** Whether there is a task at the position. */
  #take(): boolean {
    if (this.#position < this.#batch.length) return true
    const incoming = this.#incoming
    this.#batch = incoming.length === 1 ? incoming[0]![1] : incoming.flatMap(([, tasks]) => tasks)
    this.#position = 0
    this.#incoming = []
    return this.#batch.length > 0
  }

  readonly #turn = () => {
    this.#turnComes = false
    this.#inTurn = true
    this.#begin()
    try {
      for (let ran = 1; !this.#over && this.#take(); ran++) {
        this.#batch[this.#position++]!()
        // fibers that may not be asked to yield do not look
        if (ran % mostOperations === 0) this.#over ||= this.#now() - this.#began >= this.#budget
      }
    } finally {
      this.#inTurn = false
      if (this.#take()) this.#arm()
    }
  }
}

/** Of a scheduler. Clock and turns can be put in for tests. */
export interface Options {
  /** How long fibers may hold the event loop at a time. Default 10 milliseconds. */
  readonly budget?: Duration.Input
  /** Milliseconds from some point on, which may have fractions. Default `performance.now`. */
  readonly now?: () => number
  /** Calls back in the next turn of the event loop. Default `setImmediate`. */
  readonly nextTurn?: (run: () => void) => void
}

/**
 * Makes a scheduler for a whole program: `Effect.runFork(program, { scheduler: TimeBudgetScheduler.make() })`, or for a
 * part: `Effect.provideService(part, Scheduler.Scheduler, ...)`.
 */
export const make = (options?: Options): Scheduler.Scheduler =>
  new TimeBudgetScheduler(
    Duration.toMillis(options?.budget ?? "10 millis"),
    options?.now ?? (() => performance.now()),
    options?.nextTurn ?? ((run) => void setImmediate(run))
  )
