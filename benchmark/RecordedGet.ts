/**
 * One run of the scraper under a recorder: `node benchmark/RecordedGet.ts LEVEL LIST OUT JOBS`. A level of the recorder
 * of fibers; or `targets`, the recorder behind `--timeline`. Its last line on stderr is the CPU time of the run alone,
 * without start-up, and what was recorded.
 */
import * as EventLoop from "@simul/core/node/EventLoop"
import * as Recorder from "@simul/core/Recorder"
import * as Get from "@simul/scraper/Get"
import * as TargetRecorder from "@simul/scraper/recorder/TargetRecorder"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const [what, file, directory, jobs] = process.argv.slice(2) as [Recorder.Level | "targets", string, string, string]
const level = what === "targets" ? "off" : what
const options = {
  directory,
  jobs: Number(jobs),
  perHost: Number(jobs),
  ...(what === "targets" ? { recorder: TargetRecorder.make({ title: "a run", robots: false }) } : {})
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
  const before = process.cpuUsage()
  const saved = yield* recorder.record(Effect.scoped(run))
  const { user, system } = process.cpuUsage(before)
  const { lanes, leftOut } = recorder.timeline()
  const { scheduled } = recorder.census()
  return { saved, cpuMs: (user + system) / 1000, scheduled, lanes: lanes.length, overwritten: leftOut.events ?? 0 }
})
console.error(JSON.stringify(await Effect.runPromise(Effect.scoped(program))))
