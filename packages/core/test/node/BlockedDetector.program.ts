/** Blocks its event loop in the way that its argument names, under a detector; reports go to standard output as JSON lines. */
import * as Effect from "effect/Effect"
import * as Deferred from "effect/Deferred"
import { spawnSync } from "node:child_process"
import * as BlockedDetector from "../../src/node/BlockedDetector.ts"

function hotFunction(ms: number) {
  const end = Date.now() + ms
  let [a, b] = [0n, 1n]
  while (Date.now() < end) {
    ;[a, b] = [b, a + b]
    if (a > 10n ** 300n) [a, b] = [0n, 1n]
  }
}

const ways: Record<string, () => void> = {
  hot: () => hotFunction(2000),
  "at once": () => hotFunction(2000),
  exit: () => {
    hotFunction(2000)
    process.exit(7)
  },
  native: () => void spawnSync(process.execPath, ["-e", "setTimeout(() => {}, 2000)"]),
  "native exit": () => {
    spawnSync(process.execPath, ["-e", "setTimeout(() => {}, 2000)"])
    process.exit(7)
  },
  throw: () => {
    hotFunction(2000)
    throw new Error("thrown while it was blocked")
  }
}
const way = process.argv[2]!
let tries = 0

const program = Effect.gen(function* () {
  const reported = yield* Deferred.make<void>()
  yield* BlockedDetector.watch({
    // beats so far from each other that the watchdog is up before the first
    thresholdMs: way === "idle" ? 1500 : 50,
    onBlocked: (blocked) => {
      console.log(JSON.stringify({ ...blocked, text: BlockedDetector.describe(blocked) }))
      if (blocked.durationMs < 1500) return Effect.void
      // on a busy machine the watchdog may come too late, or be answered late: once more
      const isTold = blocked.stack.length > 0 && blocked.isNative === (way === "native")
      const isSeen = isTold || blocked.reason === "a debugger is attached"
      return isSeen || ++tries === 10
        ? Deferred.succeed(reported, undefined)
        : Effect.sync(() => void setImmediate(ways[way]!))
    }
  })
  // the first beats
  if (way !== "at once") yield* Effect.sleep(way === "idle" ? 700 : 200)
  if (way === "idle") return
  setImmediate(ways[way]!)
  yield* Deferred.await(reported)
})
// the detector holds no process up, so that something else has to until the report
const hold = setInterval(() => {}, 1000)
await Effect.runPromise(Effect.scoped(program))
clearInterval(hold)
