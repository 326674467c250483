/**
 * Runs a command so that one can look into it: SIGUSR2 prints what its fibers
 * are at, and so does the second Ctrl-C, for then the clean stop hangs somewhere.
 * With `-v` it is said, too, what blocks the event loop.
 */
import * as Effect from "effect/Effect"
import type { Blocked } from "@simul/core/node/BlockedDetector"
import { basename, dirname } from "node:path"
import { printable } from "./Printable.ts"
import { Screen } from "./Screen.ts"
import { isBundled } from "./Version.ts"

/** Events kept: what is printed is the fibers of now, not what they did. */
const capacity = 1024
/** Loading the engine takes up to half of it, and nobody needs to hear of that. */
const blockedMs = 500
/** Lines that someone who only wants to stop has to scroll past. */
const shortDump = 20

/**
 * Of the published program, which lies in `folder`, functions have no names that say anything. The place in its file
 * helps whoever gets a report of it.
 */
export const nameable = (blocked: Blocked, folder: string): Blocked => ({
  ...blocked,
  stack: blocked.stack.map((frame) =>
    dirname(frame.file) === folder ? { ...frame, function: "this program", file: basename(frame.file) } : frame
  )
})

export const watched = <E, R>(
  run: Effect.Effect<void, E, R>,
  { quiet, verbose }: { readonly quiet: boolean; readonly verbose: number }
): Effect.Effect<void, E, R | Screen> =>
  Effect.gen(function* () {
    const [Recorder, DumpOnSignal] = yield* Effect.promise(() =>
      Promise.all([import("@simul/core/Recorder"), import("@simul/core/node/DumpOnSignal")])
    )
    const recorder = yield* Recorder.make({ capacity })
    const places = !isBundled
    yield* DumpOnSignal.onUserSignal(recorder, { places })
    if (!quiet) yield* DumpOnSignal.onSecondInterrupt(recorder, { places, lines: shortDump })
    if (verbose > 0) {
      const BlockedDetector = yield* Effect.promise(() => import("@simul/core/node/BlockedDetector"))
      const screen = yield* Screen
      yield* BlockedDetector.watch({
        thresholdMs: blockedMs,
        onBlocked: (blocked) =>
          Effect.sync(() =>
            screen.note(
              printable(
                BlockedDetector.describe(isBundled ? nameable(blocked, dirname(import.meta.filename)) : blocked)
              )
            )
          )
      })
    }
    yield* recorder.record(Effect.fn("run")(() => run)())
  }).pipe(Effect.scoped)
