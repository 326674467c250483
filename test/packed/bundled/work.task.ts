/** Tasks of `program.ts`, which share a module with it. */
import type { TaskContext } from "@simul/core/Task"
import { Square } from "./Square.ts"

export const area = (side: number): number => new Square(side).area
export function* upTo(this: TaskContext, n: number): Generator<number> {
  for (let i = 0; i < n && !this.cancelled(); i++) yield i
}
export const fail = (message: string): never => {
  throw new RangeError(message)
}
