/** The slices of a run while it goes on; of a long one the last. */
import type * as Fiber from "effect/Fiber"
import type * as Strategy from "./Strategy.ts"
import * as Trace from "./Trace.ts"

const most = 2000

interface Runner extends Strategy.Runner {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly grace: number
}

export class Slices {
  readonly all: Array<Trace.Slice> = []
  /** Whose the last one is. */
  private latest: Fiber.Fiber<unknown, unknown> | undefined

  begin({ fiber, number, points, grace }: Runner, at: number): void {
    this.seal()
    if (this.all.length >= 2 * most) this.all.splice(0, most)
    // A pre-empted operation was counted when it was put off.
    const from = grace > 0 ? points : points + 1
    this.all.push({ fiber: number, name: Trace.nameOf(fiber), at, from, to: points, end: "left" })
    this.latest = fiber
  }

  extend({ fiber, points }: Runner): void {
    this.change(({ name }) => ({ name: Trace.nameOf(fiber) || name, to: points }))
  }

  preempt(): void {
    this.change(({ to }) => ({ to: to - 1, end: "pre-empted" }))
  }

  /** Nothing more comes of the last one. */
  seal(): void {
    if (this.all.at(-1)?.end === "left" && this.latest?.pollUnsafe() !== undefined)
      this.change(() => ({ end: "ended" }))
  }

  private change(to: (slice: Trace.Slice) => Partial<Trace.Slice>): void {
    const slice = this.all.at(-1)!
    this.all[this.all.length - 1] = { ...slice, ...to(slice) }
  }
}
