/**
 * `--timeline FILE`: records a run, and writes what it did when it is over, in
 * the form that the name of the file asks for. However a run ends, what it did
 * until then is written: whole, or the file of an earlier run stays.
 */
import * as TargetRecorder from "@simul/scraper/recorder/TargetRecorder"
import * as Url from "@simul/scraper/Url"
import type * as Timeline from "@simul/core/Timeline"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { closeSync, rmSync } from "node:fs"
import type { Plan } from "./Plan.ts"
import { Incomplete } from "./Incomplete.ts"
import { open, placeFor, unwritable, write } from "./OutputFile.ts"
import { printable } from "./Printable.ts"
import * as RunTimes from "./RunTimes.ts"
import { complaint, Screen } from "./Screen.ts"

/** Finds out before the run, not after it, that the file cannot be written. */
const check = (file: string) =>
  Effect.try({
    try: () => {
      const place = placeFor(file)
      if (place.part === undefined) return
      closeSync(open(place))
      rmSync(place.part)
    },
    catch: unwritable("--timeline", file)
  })

/** Keeps the sums for `simul report`. A report without them is still one, so what goes wrong here is no error. */
const keepTimes = (plan: Plan, timeline: Timeline.Timeline) =>
  Effect.ignore(
    Effect.tryPromise(async () => {
      if (plan.toStdout) return
      const { colours } = await import("@simul/core/TimelineColours")
      RunTimes.keep(plan.options.directory, RunTimes.fromTimeline(timeline, colours(timeline.categories)))
    })
  )

/** A timeline in the form that the file's name asks for. */
const rendered = (file: string, timeline: Timeline.Timeline) =>
  Effect.promise(async () =>
    file.toLowerCase().endsWith(".html")
      ? (await import("@simul/core/TimelineHtml")).chunks(timeline)
      : (await import("@simul/core/TimelineTrace")).chunks(timeline)
  )

/** Names the run without any of its secrets. */
const titleOf = ({ source, options }: Plan): string => {
  const into = options.directory === "." ? "" : ` -o ${options.directory}`
  const named = ([url = "", ...others]: ReadonlyArray<string>) =>
    `${Url.redact(url)}${others.length > 0 ? ` and ${others.length} more` : ""}${into}`
  if ("seeds" in source) return `simul crawl ${named(source.seeds)}`
  if ("file" in source) return `simul get -i ${source.file}${into}`
  if (!("urls" in source) || !Array.isArray(source.urls)) return `simul get -i -${into}`
  return `simul get ${named(source.urls)}`
}

const isIncomplete = (reason: Cause.Reason<unknown>) => Cause.isFailReason(reason) && reason.error instanceof Incomplete

/**
 * Runs a plan and writes its timeline. A file that cannot be written is an error before the run starts; after it, if it
 * came to its end.
 */
export const record = Effect.fnUntraced(function* <E, R>(
  file: string,
  plan: Plan,
  run: (plan: Plan) => Effect.Effect<void, E, R>
) {
  const screen = yield* Screen
  yield* check(file)
  const recorder = TargetRecorder.make({ title: titleOf(plan), robots: plan.options.robots })
  yield* Effect.onExit(run({ ...plan, options: { ...plan.options, recorder } }), (exit) => {
    const timeline = recorder.timeline()
    // a run that could not start leaves the file of the one before
    const isOver = Exit.isSuccess(exit) || exit.cause.reasons.some(isIncomplete)
    if (!isOver && timeline.totals.length === 0) return Effect.void
    const whole = Effect.flatMap(rendered(file, timeline), (pieces) => write("--timeline", file, pieces))
    const written = Effect.map(Effect.andThen(keepTimes(plan, timeline), whole), () => {
      if (!plan.quiet && !plan.toStdout && !screen.readerGone()) screen.note(`timeline: ${printable(file)}`)
    })
    return Exit.isSuccess(exit)
      ? written
      : Effect.catch(written, ({ message }) => Effect.sync(() => screen.note(complaint(screen.paint, message))))
  })
})
