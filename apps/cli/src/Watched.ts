/**
 * Runs a command so that one can look into it: SIGUSR2 prints what its fibers
 * are at, and so does the second Ctrl-C, for then the clean stop hangs somewhere.
 * With `-v` it is said, too, what blocks the event loop.
 */
import * as Effect from "effect/Effect"
import { printable } from "./Printable.ts"
import { Screen } from "./Screen.ts"

/** Events kept: what is printed is the fibers of now, not what they did. */
const capacity = 1024
/** Loading the engine takes up to half of it, and nobody needs to hear of that. */
const blockedMs = 500
/** Lines that someone who only wants to stop has to scroll past. */
const shortDump = 20

export const watched = <E, R>(
  run: Effect.Effect<void, E, R>,
  { quiet, verbose }: { readonly quiet: boolean; readonly verbose: number }
): Effect.Effect<void, E, R | Screen> =>
  Effect.gen(function* () {
    const [Recorder, DumpOnSignal] = yield* Effect.promise(() =>
      Promise.all([import("@simul/core/Recorder"), import("@simul/core/node/DumpOnSignal")])
    )
    const recorder = yield* Recorder.make({ capacity })
    yield* DumpOnSignal.onUserSignal(recorder)
    if (!quiet) yield* DumpOnSignal.onSecondInterrupt(recorder, { lines: shortDump })
    if (verbose > 0) {
      const BlockedDetector = yield* Effect.promise(() => import("@simul/core/node/BlockedDetector"))
      const screen = yield* Screen
      yield* BlockedDetector.watch({
        thresholdMs: blockedMs,
        onBlocked: (blocked) => Effect.sync(() => screen.note(printable(BlockedDetector.describe(blocked))))
      })
    }
    yield* recorder.record(Effect.fn("run")(() => run)())
  }).pipe(Effect.scoped)
