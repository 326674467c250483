/**
 * One run of the scraper under a recorder: `node benchmark/RecordedGet.ts LEVEL LIST OUT JOBS`. A level of the recorder
 * of fibers; or `targets`, the recorder behind `--timeline`. Its last line on stderr is the CPU time of the run alone,
 * without start-up, and what was recorded.
 */
import * as EventLoop from "@simul/core/node/EventLoop"
import * as Recorder from "@simul/core/Recorder"
import * as TimelineHtml from "@simul/core/TimelineHtml"
import * as Get from "@simul/scraper/Get"
import * as TargetRecorder from "@simul/scraper/recorder/TargetRecorder"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { closeSync, openSync, writeSync } from "node:fs"

const [what, file, directory, jobs] = process.argv.slice(2) as [Recorder.Level | "targets", string, string, string]
const level = what === "targets" ? "off" : what
const targets = what === "targets" ? TargetRecorder.make({ title: "a run", robots: false }) : undefined
const options = {
  directory,
  jobs: Number(jobs),
  perHost: Number(jobs),
  ...(targets === undefined ? {} : { recorder: targets })
}

/** CPU milliseconds since it was asked last. */
let before = process.cpuUsage()
const passed = () => {
  const { user, system } = process.cpuUsage(before)
  before = process.cpuUsage()
  return (user + system) / 1000
}

/** What comes after the run, in its parts. */
const written = () => {
  if (targets === undefined) return {}
  passed()
  const timeline = targets.timeline()
  const readMs = passed()
  const pieces = [...TimelineHtml.chunks(timeline)]
  const renderMs = passed()
  const file = openSync(`${directory}/run.html`, "w")
  for (const piece of pieces) writeSync(file, piece)
  closeSync(file)
  return { readMs, renderMs, writeMs: passed() }
}

const program = Effect.gen(function* () {
  const recorder = yield* Recorder.make({ level, ...(level === "off" ? {} : { loop: yield* EventLoop.probe }) })
  const run = Effect.gen(function* () {
    const { outcomes } = yield* Get.open({ file }, options)
    return yield* Stream.runFold(
      outcomes,
      () => 0,
      (saved, outcome) => saved + Number(outcome._tag === "Saved")
    )
  })
  passed()
  const saved = yield* recorder.record(Effect.scoped(run))
  const cpuMs = passed()
  const { lanes, leftOut } = recorder.timeline()
  const { scheduled } = recorder.census()
  return { saved, cpuMs, scheduled, lanes: lanes.length, overwritten: leftOut.events ?? 0, ...written() }
})
console.error(JSON.stringify(await Effect.runPromise(Effect.scoped(program))))
