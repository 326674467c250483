/** Work for the workers of an executor. */
import * as Work from "../scenario/Work.ts"
import type { TaskContext } from "../Task.ts"
import { time } from "./RunQueue.ts"

/** Does work, and tells what of its time went by without a core. */
export const perform = (work: Work.Work) => time()(Work.perform(work))

/** The tiniest of tasks. */
export const square = (number: number): number => number * number

/** Gives back what it is sent. */
export const echo = (bytes: Uint8Array): Uint8Array => bytes

/** Says that it has begun, and computes for so long, unless it asks whether it is still wanted and is not. */
export function compute(this: TaskContext, ms: number, asks: boolean): void {
  const until = performance.now() + ms
  this.progress("begun")
  while (performance.now() < until) if (asks && this.cancelled()) return
}

/** Takes its worker with it. */
export const exit = (): never => process.exit(1)
