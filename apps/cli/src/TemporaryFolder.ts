/** A folder for what is fetched and not kept. */
import * as SystemError from "@simul/scraper/sink/SystemError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

export class TemporaryUnusable extends Schema.TaggedError<TemporaryUnusable>()("TemporaryUnusable", {
  directory: Schema.String,
  code: Schema.String
}) {
  override get message() {
    return `cannot use ${this.directory}, the folder for temporary files (${this.code})`
  }
  readonly hint = "make room there, or name another one with TMPDIR"
}

/** Why nothing can be written or read there, by what the system said. */
export const unusable = (error: unknown): TemporaryUnusable =>
  new TemporaryUnusable({ directory: tmpdir(), code: SystemError.codeOf(error) })

/** Made, and gone with all that is in it when the scope ends, or left to who clears the system's where it cannot be removed. */
export const make = Effect.acquireRelease(
  Effect.tryPromise({ try: () => mkdtemp(join(tmpdir(), "simul-")), catch: unusable }),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }).catch(() => {}))
)
