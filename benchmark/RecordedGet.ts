/**
 * One run of the scraper under a recorder: `node benchmark/RecordedGet.ts LEVEL LIST OUT JOBS`. Its last line on stderr
 * is the CPU time of the run alone, without start-up, and what was recorded.
 */
import * as EventLoop from "@simul/core/node/EventLoop"
import * as Recorder from "@simul/core/Recorder"
import * as Get from "@simul/scraper/Get"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const [level, file, directory, jobs] = process.argv.slice(2) as [Recorder.Level, string, string, string]

const program = Effect.gen(function* () {
  const recorder = yield* Recorder.make({ level, ...(level === "off" ? {} : { loop: yield* EventLoop.probe }) })
  const run = Effect.gen(function* () {
    const { outcomes } = yield* Get.open({ file }, { directory, jobs: Number(jobs), perHost: Number(jobs) })
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
