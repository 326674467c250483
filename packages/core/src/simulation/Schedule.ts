/**
 * A schedule as data: where a run left the default order. It is short where few decisions matter, can be written on one
 * line, and every subset of it is a schedule too, which is what shrinking needs.
 *
 * 1. Default order: the task that is ready longest runs next, and no fiber is pre-empted.
 * 2. Fibers are numbered from 1 in the order in which they first ran; the points of a fiber are its operations, from 1.
 *    Pre-empting a fiber changes neither the numbers of its own points nor those of others.
 * 3. A deviation that the run does not meet is ignored; an index beyond the ready tasks means the last of them.
 */
import * as Schema from "effect/Schema"

/** `fiber` was pre-empted before its operation `point`. */
export const Preemption = Schema.TaggedStruct("Preemption", { fiber: Schema.Int, point: Schema.Int })
export type Preemption = typeof Preemption.Type

/** At the `choice`-th time (from 1) that several tasks were ready, the one at `index` ran, not the first. */
export const Pick = Schema.TaggedStruct("Pick", { choice: Schema.Int, index: Schema.Int })
export type Pick = typeof Pick.Type

/** Where a run left the default order. */
export const Deviation = Schema.Union([Preemption, Pick])
export type Deviation = typeof Deviation.Type

/** In the order of the run. */
export const Schedule = Schema.Array(Deviation)
export type Schedule = typeof Schedule.Type

/** Writes a schedule on one line: `f2@7` pre-empts fiber 2 before its operation 7, `c3:1` takes the second task at choice 3. */
export const format = (schedule: Schedule): string =>
  schedule
    .map((deviation) =>
      deviation._tag === "Preemption"
        ? `f${deviation.fiber}@${deviation.point}`
        : `c${deviation.choice}:${deviation.index}`
    )
    .join(" ")

/** Reads what `format` wrote. Throws a `SyntaxError` that names the first part it cannot read. */
export const parse = (text: string): Schedule =>
  text
    .split(/\s+/)
    .filter((part) => part !== "")
    .map((part): Deviation => {
      const [, kind, first, second] = /^(?:(?=f\d+@|c\d+:)([fc])(\d+)[@:](\d+))$/.exec(part) ?? []
      if (kind === undefined)
        throw new SyntaxError(`schedule: cannot read \`${part}\`; expected f<fiber>@<point> or c<choice>:<index>`)
      return kind === "f"
        ? { _tag: "Preemption", fiber: Number(first), point: Number(second) }
        : { _tag: "Pick", choice: Number(first), index: Number(second) }
    })

/** How many of its deviations are pre-emptions. */
export const preemptions = (schedule: Schedule): number =>
  schedule.reduce((count, { _tag }) => (_tag === "Preemption" ? count + 1 : count), 0)
