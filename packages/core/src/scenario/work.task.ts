/** Work for the workers of an executor. */
import type { TaskContext } from "../Task.ts"

export { perform } from "./Work.ts"

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
export const exit = (): void =>
  (globalThis as unknown as { process: { exit: (status: number) => never } }).process.exit(1)
