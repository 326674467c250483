/** `-O -` fetches into the folder for temporary files first, and nothing can be written there. */
import * as Schema from "effect/Schema"

export class TemporaryUnusable extends Schema.TaggedError<TemporaryUnusable>()("TemporaryUnusable", {
  directory: Schema.String,
  code: Schema.String
}) {
  override get message() {
    return `cannot write to ${this.directory}, the folder for temporary files (${this.code})`
  }
  readonly hint = "TMPDIR names another one, and `-O FILE` needs none"
}
