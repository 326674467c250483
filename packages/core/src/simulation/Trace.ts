/**
 * What a run did, as data: slices, each a stretch of one fiber without another one in between.
 *
 * Fibers are named by the innermost `Effect.fn` or span they are in.
 */
import type * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"

/** A stretch of a run in which one fiber ran. */
export const Slice = Schema.Struct({
  /** The number of the fiber: from 1, in the order in which fibers first ran. */
  fiber: Schema.Int,
  name: Schema.String,
  /** Virtual milliseconds since the start. */
  at: Schema.Finite,
  /** The first and the last operation of the fiber in it, counted over its life. */
  from: Schema.Int,
  to: Schema.Int,
  /** `left`: it waits, yielded by itself or resumed another fiber. */
  end: Schema.Literals(["pre-empted", "ended", "left"])
})
export type Slice = typeof Slice.Type

/** In the order of the run; of a long one only the end. */
export const Trace = Schema.Array(Slice)
export type Trace = typeof Trace.Type

/** A fiber that had not ended when a run came to rest. */
export const FiberReport = Schema.Struct({
  fiber: Schema.Int,
  /** The fiber that forked it, 0 for none. */
  parent: Schema.Int,
  name: Schema.String,
  /** Since when it waits, in virtual milliseconds. */
  since: Schema.Finite,
  /** What for, where the program says so (`WaitReason`). */
  reason: Schema.optionalKey(Schema.String),
  /** The `Effect.fn`s and spans it is in, innermost first: `name (file:line:column)`. */
  frames: Schema.Array(Schema.String)
})
export type FiberReport = typeof FiberReport.Type

type Any = Fiber.Fiber<unknown, unknown>

/** The innermost name that a fiber is known under; empty for none. */
export const nameOf = ({ cache }: Any): string =>
  cache.stackFrame?.name ?? (cache.span?._tag === "Span" ? cache.span.name : "")

/** The `Effect.fn`s and spans that a fiber is in, innermost first. */
export const framesOf = ({ cache }: Any): ReadonlyArray<string> => {
  const frames: Array<string> = []
  for (let frame = cache.stackFrame; frame !== undefined && frames.length < 10; frame = frame.parent) {
    const place = /\((.*)\)|at (\S+:\d+:\d+)$/m.exec(frame.stack() ?? "")
    const where = place?.[1] ?? place?.[2]
    frames.push(where === undefined ? frame.name : `${frame.name} (${where})`)
  }
  return frames
}

const label = (fiber: number, name: string) => (name === "" ? `fiber ${fiber}` : `fiber ${fiber} ${name}`)

/** Writes one line a slice, the last `most` of them. */
export const format = (trace: Trace, most = 30): string =>
  [
    ...(trace.length > most ? [`  (${trace.length - most} slices before)`] : []),
    ...trace.slice(-most).map(({ fiber, name, at, from, to, end }) => {
      const operations = from === to ? `operation ${from}` : to < from ? "no operation" : `operations ${from}-${to}`
      const ending = end === "pre-empted" ? `, pre-empted before ${to + 1}` : end === "ended" ? ", ended" : ""
      return `  ${`${+at.toFixed(3)} ms`.padStart(10)}  ${label(fiber, name)}: ${operations}${ending}`
    })
  ].join("\n")

/** Writes a fiber with its frames, on one line or more. */
export const formatFiber = ({ fiber, parent, name, since, reason, frames }: FiberReport): string =>
  [
    `  ${label(fiber, name)}${parent > 0 ? `, forked by fiber ${parent}` : ""}, waits ${reason === undefined ? "" : `for ${reason} `}since ${+since.toFixed(3)} ms`,
    ...frames.map((frame) => `      at ${frame}`)
  ].join("\n")
