/**
 * Prints the live fibers of a recorder when the process is asked to.
 *
 * SIGUSR2 prints them and the program goes on (SIGUSR1 belongs to Node's
 * inspector). The first Ctrl-C is left to whoever handles it, as
 * `NodeRuntime.runMain` does; the second one prints what still holds the
 * program up, and ends it with status 130.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { writeSync } from "node:fs"
import * as FiberDump from "../FiberDump.ts"
import type { Recorder } from "../Recorder.ts"

/** How the dump is written, and where to. */
export interface Options extends FiberDump.Options {
  /** Where the text goes [standard error, at once]. */
  readonly write?: (text: string) => void
}

/** Standard error may be a full pipe: what it does not take now is tried again, since the process may end right after. */
const writeAtOnce = (text: string) => {
  const bytes = Buffer.from(text)
  for (let from = 0, tries = 0; from < bytes.length && tries < 1000;) {
    try {
      from += writeSync(2, bytes, from)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return
      tries++
    }
  }
}

const write = (recorder: Recorder, options: Options) => {
  const text =
    recorder.level === "timeline"
      ? FiberDump.render(FiberDump.dump(recorder.live(), recorder.nowMs()), options)
      : `fibers are not recorded one by one at level ${recorder.level}; ${recorder.census().live} are live\n`
  ;(options.write ?? writeAtOnce)(text)
}

const listening = (signal: NodeJS.Signals, listener: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    // first in the row: another listener may end the process
    Effect.sync(() => void process.prependListener(signal, listener)),
    () => Effect.sync(() => void process.off(signal, listener))
  )

/** Prints the live fibers on each SIGUSR2 while the scope is open. Windows has no such signal: there it does nothing. */
export const onUserSignal = (recorder: Recorder, options: Options = {}): Effect.Effect<void, never, Scope.Scope> =>
  process.platform === "win32" ? Effect.void : listening("SIGUSR2", () => write(recorder, options))

/**
 * Prints the live fibers on the second SIGINT and exits with 130. The first one is others' business; where nobody else
 * listens it ends the process, as it would without this.
 */
export const onSecondInterrupt = (recorder: Recorder, options: Options = {}): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    let signals = 0
    return listening("SIGINT", () => {
      signals++
      if (signals === 1 && process.listenerCount("SIGINT") > 1) return
      write(recorder, options)
      process.exit(130)
    })
  })
