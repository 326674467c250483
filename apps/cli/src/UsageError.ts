/** The command line, an environment variable or a settings file says something that cannot be done. Exit status 2. */
import * as Schema from "effect/Schema"

/** `message` says what is wrong, `hints` how to say it right, each without the `hint:` before it. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", {
  message: Schema.String,
  hints: Schema.Array(Schema.String)
}) {
  static of(message: string, ...hints: ReadonlyArray<string>) {
    return new UsageError({ message, hints })
  }
}
