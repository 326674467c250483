/**
 * The reader of standard output went away (`simul get --json ... | head -1`).
 * That is no error: the program ends like one that was told to stop, finalizers
 * run, and the status is 0.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** Standard output cannot be written for another reason, such as a full disk (`code` ENOSPC). */
class OutputBroken extends Data.TaggedError("OutputBroken")<{ readonly code: string }> {
  override get message() {
    return `cannot write to standard output (${this.code})`
  }
  readonly hint = "what was saved is safe; run the same command again once there is room"
}

const broken = ({ code = "unknown" }: NodeJS.ErrnoException): Effect.Effect<void, OutputBroken> =>
  code === "EPIPE" ? Effect.void : Effect.fail(new OutputBroken({ code }))

/** Done when writing to standard output failed with EPIPE; fails with `OutputBroken` when it failed otherwise. */
export const readerGone: Effect.Effect<void, OutputBroken> = Effect.callback((resume) => {
  const onError = (error: Error) => resume(broken(error))
  process.stdout.on("error", onError)
  return Effect.sync(() => process.stdout.off("error", onError))
})

/** Fails when the last that was written could not be. The event comes too late for a program that has ended, as help has. */
export const written: Effect.Effect<void, OutputBroken> = Effect.suspend(() => {
  const { errored } = process.stdout
  return errored === null ? Effect.void : broken(errored)
})
