/** Work for the workers of an executor. */
import { threadId } from "node:worker_threads"
import * as Work from "../scenario/Work.ts"
import type { TaskContext } from "../Task.ts"
import { time } from "./RunQueue.ts"

/** Does work, and tells who did it and what of its time went by without a core. */
export const perform = (work: Work.Work) => ({
  ...time()(Work.perform(work)),
  worker: `${process.pid} ${threadId}`
})

/**
 * What the loop and each worker do before anything is timed, so that all find the code compiled as far and as much memory
 * at hand. A heap that is new grows its young generation several times while much is allocated, and each page of it is
 * paid for at its first touch: the first two F(150,000) of a heap took 192 ms of the processor and the sixth 276, the
 * others 145 (2,000 and 4,200 page faults, on a virtual machine where one costs 30 µs). A worker does few tasks, so
 * threads were called slow. What survives collections grows it at once; after four rounds the first F(300,000) still took 1.4
 * times the second, after eight as long.
 */
export const warm = (): void => {
  for (let round = 0; round < 8; round++) {
    Array.from({ length: 100_000 }, (_, index) => [index])
    Work.perform(Work.fibonacci(40_000))
  }
}

/** The tiniest of tasks. */
export const square = (number: number): number => number * number

/** Gives back what it is sent. */
export const echo = (bytes: Uint8Array): Uint8Array => bytes

/** Resident memory of this process, in bytes. */
export const residentBytes = (): number => process.memoryUsage.rss()

/** Says that it has begun, and computes for so long, unless it asks whether it is still wanted and is not. */
export function compute(this: TaskContext, ms: number, asks: boolean): void {
  const until = performance.now() + ms
  this.progress("begun")
  while (performance.now() < until) if (asks && this.cancelled()) return
}

/** Takes its worker with it. */
export const exit = (): never => process.exit(1)
