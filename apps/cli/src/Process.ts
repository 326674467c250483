/**
 * The program as this process: arguments in, signals heard, exit status out.
 *
 * The first SIGINT or SIGTERM interrupts the run, whose finalizers stop it
 * cleanly, and so does a terminal that closes; the second ends the process at
 * once. Both are safe for what was saved: the store survives `kill -9`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { isatty } from "node:tty"
import { Engine } from "./Engine.ts"
import { ExitStatus } from "./ExitStatus.ts"
import { Records } from "./Records.ts"
import * as Screen from "./Screen.ts"
import * as Simul from "./Simul.ts"

/** How long a clean stop may take before the screen says how to cut it short. */
const patienceMs = 1000

/** What the commands work with. */
export const services: Layer.Layer<Engine | Records> = Layer.mergeAll(Engine.layer, Records.layer)

/** Runs the program and ends the process. */
export const start = (args: ReadonlyArray<string>, provided: Layer.Layer<Engine | Records> = services): void => {
  let signals = 0
  let isOver = false
  const stop = () => process.exit(ExitStatus.interrupted)
  const program = Effect.gen(function* () {
    const screen = yield* Screen.Screen
    const running = yield* Effect.forkChild(Simul.run(args))
    const onSignal = () => {
      signals += 1
      if (signals > 1 || isOver) stop()
      setTimeout(() => screen.note("stopping cleanly; Ctrl-C again stops at once"), patienceMs).unref()
      running.interruptUnsafe()
    }
    // What is thrown outside of any fiber, by a socket's listener for one.
    process.on("uncaughtException", (error) => {
      screen.block([])
      screen.note(Simul.unexpected(screen.paint, error, args))
      process.exit(ExitStatus.stopped)
    })
    process.on("SIGINT", onSignal)
    process.on("SIGTERM", onSignal)
    // Node forgets that `nohup` had it ignored, and does not tell. So all streams redirected mean a run in the background,
    // which goes on, whoever hangs up, a supervisor too: SIGTERM stops it. One with a terminal ends with that, as cleanly:
    // the shell and the system both tell of it, which is no second signal.
    const hasTerminal = [0, 1, 2].some((stream) => isatty(stream))
    process.on("SIGHUP", () => {
      if (hasTerminal && signals === 0) onSignal()
    })
    const exit = yield* Fiber.await(running)
    if (Exit.isSuccess(exit)) return exit.value
    return Cause.hasInterruptsOnly(exit.cause) ? ExitStatus.interrupted : ExitStatus.stopped
  })
  /** When all is written: what a pipe had no room for is still in memory. Told to stop, it waits for no reader that stands still. */
  const end = (status: number) => {
    isOver = true
    if (signals > 0) setTimeout(stop, patienceMs)
    process.stdout.write("", () => process.stderr.write("", () => process.exit(status)))
  }
  // Not by leaving the loop to run dry: a kept connection or a half-read stdin would hold the process.
  Effect.runCallback(Effect.provide(program, Layer.merge(Screen.layer(args), provided)), {
    onExit: (exit) => end(Exit.isSuccess(exit) ? exit.value : ExitStatus.stopped)
  })
}
