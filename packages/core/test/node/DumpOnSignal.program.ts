/** Runs for ever, with the hooks on signals installed; `handled`: with a handler of SIGINT of its own. */
import * as Effect from "effect/Effect"
import * as DumpOnSignal from "../../src/node/DumpOnSignal.ts"
import * as Recorder from "../../src/Recorder.ts"

const mode = process.argv[2]!
if (mode === "handled") process.on("SIGINT", () => console.log("interrupted"))

const worker = Effect.fn("worker")(() => Effect.sleep("1 hour"))
const main = Effect.fn("main")(function* () {
  yield* Effect.forEach([1, 2, 3], worker, { concurrency: "unbounded" })
})

const program = Effect.gen(function* () {
  const recorder = yield* Recorder.make({ level: mode === "census" ? "census" : "timeline" })
  yield* DumpOnSignal.onUserSignal(recorder)
  yield* DumpOnSignal.onSecondInterrupt(recorder)
  setTimeout(() => console.log("up"), 0)
  yield* recorder.record(main())
})
Effect.runFork(Effect.scoped(program))
