/**
 * Follows fibers from their start to their end: which are on the JavaScript
 * stack, who started and woke them, what each waits for.
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { WaitReason } from "../WaitReason.ts"
import { type EventRing, kind } from "./EventRing.ts"
import { Life } from "./Life.ts"
import { type Names, none } from "./Names.ts"
import { Origins } from "./Origins.ts"

export type AnyFiber = Fiber.Fiber<unknown, unknown>

/** What a wait without a name is called: a promise, timer, queue, semaphore, fiber or anything else that calls back. */
export const callback = "callback"
export const sleep = "sleep"
/** It gave way to others and is ready. */
export const yielded = "yield"
/** It runs where it is not seen. */
export const hidden = "out of sight (another tracer)"

/** Where events go, and by what clock. */
interface Book {
  readonly ring: EventRing
  readonly names: Names
  /** Milliseconds since the recorder was made. */
  readonly nowMs: () => number
  /** By the machine's clock, and no other. */
  readonly isLive: boolean
}

const endOf = (exit: Exit.Exit<unknown, unknown>): number =>
  exit._tag === "Success" ? 0 : Cause.hasInterruptsOnly(exit.cause) ? 2 : 1

/** As many are looked at before the first sweep. */
const fewest = 1024

export class FiberWatch {
  /** Those that have not ended, by their numbers. */
  readonly lives = new Map<number, Life>()
  readonly origins = new Origins()
  /** The one that runs. */
  running: AnyFiber | undefined
  private readonly book: Book
  private sweepAt = fewest
  /** Fibers on the JavaScript stack, the running one last. */
  private readonly stack: Array<Life> = []
  /** The fibers of `stack`, kept while they run only. */
  private readonly fibers: Array<AnyFiber> = []

  // ---- the task of a dispatcher that runs now

  /** When it was scheduled; negative while none runs. */
  private taskAtMs = -1
  /** The fiber that scheduled it. */
  private taskBy = 0
  /** What was on the stack before it. */
  private taskBase = 0

  /**
   * The fiber that ended last, its parent, and what runs below it while those who waited for its end are told: that
   * happens in place. A `forEach` starts its next fiber then, which is a sibling of the one that ended.
   */
  private endedBy = 0
  private endedParent = 0
  private endedIn: AnyFiber | undefined
  private endedAt = 0
  private forgets = false
  private readonly forget = () => {
    this.endedBy = 0
    this.endedIn = undefined
    this.forgets = false
  }

  constructor(book: Book) {
    this.book = book
  }

  /** The record of the one that runs. */
  get top(): Life | undefined {
    return this.stack[this.stack.length - 1]
  }
  /** The number of the fiber for which something happens now; 0: none that is known. */
  get by(): number {
    return this.top?.id ?? this.taskBy
  }

  /** Runs a task of a dispatcher, with when it was scheduled and by which fiber. */
  run(task: () => void, atMs: number, by: number) {
    const { taskAtMs, taskBy, taskBase } = this
    this.taskAtMs = atMs
    this.taskBy = by
    this.taskBase = this.stack.length
    this.endedBy = 0
    try {
      task()
    } finally {
      if (this.stack.length > this.taskBase) this.cut(this.taskBase)
      this.taskAtMs = taskAtMs
      this.taskBy = taskBy
      this.taskBase = taskBase
    }
  }

  /** It begins, or goes on. */
  enter(fiber: AnyFiber) {
    const { book, stack } = this
    const atMs = book.nowMs()
    while (this.running !== undefined && this.running.pollUnsafe() !== undefined) this.cut(stack.length - 1)
    const { running } = this
    // the fiber below has not done anything else since
    const isAfterEnd =
      this.endedBy !== 0 &&
      running === this.endedIn &&
      (running === undefined || running.currentOpCount === this.endedAt)
    const isNested = stack.length > this.taskBase
    const isTask = this.taskAtMs >= 0 && !isNested && !isAfterEnd
    const below = isNested ? stack[stack.length - 1]!.id : this.taskBy
    let life = this.lives.get(fiber.id)
    if (life === undefined) {
      const forkedMs = isTask ? this.taskAtMs : atMs
      const parent = isAfterEnd ? this.endedParent : below
      life = new Life(fiber, parent, forkedMs, this.origins.isFirstUnder(fiber.cache.stackFrame))
      life.readyMs = atMs - forkedMs
      life.sinceMs = atMs
      this.lives.set(fiber.id, life)
      book.ring.put(kind.start, atMs, fiber.id, parent, atMs - forkedMs)
      const observed = life
      fiber.addObserver((exit) => this.ended(observed, exit))
      if (this.lives.size > this.sweepAt) this.sweep()
    } else {
      const readyMs = isTask ? atMs - Math.max(this.taskAtMs, life.sinceMs) : 0
      life.readyMs += readyMs
      life.waitMs += atMs - life.sinceMs - readyMs
      life.sinceMs = atMs
      life.state = "running"
      life.reason = ""
      book.ring.put(kind.run, atMs, fiber.id, isAfterEnd ? this.endedBy : below, readyMs)
    }
    stack.push(life)
    this.fibers.push(fiber)
    this.running = fiber
  }

  /** It stops, with the operation that it stopped at. */
  leave(fiber: AnyFiber, operation: string | undefined) {
    const { book, fibers } = this
    const at = fibers.lastIndexOf(fiber)
    if (at < 0) return
    const life = this.stack[at]!
    const atMs = book.nowMs()
    life.busyMs += atMs - life.sinceMs
    life.sinceMs = atMs
    // any other operation was its last
    if (operation === "Async" || operation === "Yield" || operation === hidden) {
      const isYield = operation === "Yield"
      life.state = isYield ? "ready" : "waiting"
      if (!isYield) life.loosen(fiber)
      const reason = isYield
        ? yielded
        : operation === hidden
          ? hidden
          : (fiber.getRef(WaitReason) ?? (life.sleeps ? sleep : callback))
      life.reason = reason
      if (book.isLive) life.sleeps = false
      book.ring.put(kind.park, atMs, fiber.id, book.names.numberOf(reason), 0)
    } else {
      this.endedBy = life.id
      this.endedParent = life.parent
      this.endedIn = fibers[at - 1]
      this.endedAt = this.endedIn?.currentOpCount ?? 0
      if (!this.forgets) {
        this.forgets = true
        queueMicrotask(this.forget)
      }
    }
    if (life.name === "") this.origins.identify(life, fiber.cache.stackFrame)
    this.cut(at)
  }

  /** It is over, whether it stopped before or not. */
  ended(life: Life, exit: Exit.Exit<unknown, unknown>) {
    const { book, lives } = this
    if (lives.get(life.id) !== life) return
    lives.delete(life.id)
    const at = this.stack.indexOf(life)
    if (at >= 0) {
      // it ended without stopping first
      const atMs = book.nowMs()
      life.busyMs += atMs - life.sinceMs
      life.sinceMs = atMs
      this.cut(at)
    }
    const name = life.name === "" ? none : book.names.numberOf(life.name)
    book.ring.put(kind.end, life.sinceMs, life.id, name, endOf(exit))
  }

  /**
   * Forgets fibers that were collected without ending, and ends those whose observers are just being told: one that
   * was there before ours may be asking. Each fiber is looked at twice at most on average.
   */
  sweep() {
    for (const life of this.lives.values()) {
      const { fiber } = life
      const exit = fiber?.pollUnsafe()
      if (fiber === undefined) this.lives.delete(life.id)
      else if (exit !== undefined) this.ended(life, exit)
    }
    this.sweepAt = Math.max(fewest, 2 * this.lives.size)
  }

  private cut(depth: number) {
    // a length that is set gives the memory back, to be asked for again by the next push
    while (this.stack.length > depth) {
      this.stack.pop()
      this.fibers.pop()
    }
    this.running = this.fibers[depth - 1]
  }
}
