/**
 * Where the time of a recorded run went, by host: kept in the directory of the
 * run, in `.simul/times.json`, for its report. One file for the last run that
 * was recorded; of bounded size, whatever the length of the list.
 */
import type * as Timeline from "@simul/core/Timeline"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

const Times = Schema.Record(Schema.String, Schema.Finite)

/** Times are milliseconds, summed over targets: with 64 of them in flight a second of the run is 64 of theirs. */
export const RunTimes = Schema.Struct({
  title: Schema.String,
  /** Milliseconds since the epoch. */
  startedAtMs: Schema.Finite,
  durationMs: Schema.Finite,
  categories: Schema.Array(Schema.Struct({ name: Schema.String, description: Schema.String, colour: Schema.String })),
  /** The host with most time first; the last may stand for all that are not listed. */
  hosts: Schema.Array(Schema.Struct({ host: Schema.String, targets: Schema.Finite, times: Times }))
})
export type RunTimes = typeof RunTimes.Type

/** Hosts kept; the others are one row. */
const most = 1000

const fileOf = (directory: string) => join(directory, ".simul", "times.json")

export const fromTimeline = (timeline: Timeline.Timeline, colours: ReadonlyArray<string>): RunTimes => {
  const { title, startedAtMs, durationMs, categories, totals } = timeline
  const rows = totals.map(({ group, lanes, times }) => ({ host: group, targets: lanes, times: { ...times } }))
  const others = { host: "all other hosts", targets: 0, times: {} as Record<string, number> }
  for (const { targets, times } of rows.splice(most)) {
    others.targets += targets
    for (const [name, ms] of Object.entries(times)) others.times[name] = (others.times[name] ?? 0) + ms
  }
  return {
    title,
    startedAtMs,
    durationMs,
    categories: categories.map(({ name, description }, index) => ({ name, description, colour: colours[index]! })),
    hosts: others.targets === 0 ? rows : [...rows, others]
  }
}

/** Keeps the times of a run. It throws what the file system says; where no run was made it does nothing. */
export const keep = (directory: string, times: RunTimes): void => {
  const file = fileOf(directory)
  if (!existsSync(dirname(file))) return
  writeFileSync(`${file}.part`, JSON.stringify(times))
  renameSync(`${file}.part`, file)
}

/** The times of the last recorded run; `undefined` where none was recorded, or nobody can read them any more. */
export const read = (directory: string): RunTimes | undefined => {
  try {
    return Option.getOrUndefined(
      Schema.decodeUnknownOption(RunTimes)(JSON.parse(readFileSync(fileOf(directory), "utf8")))
    )
  } catch {
    return undefined
  }
}
