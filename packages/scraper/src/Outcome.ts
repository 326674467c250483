/**
 * What became of a target. Every target ends as exactly one outcome, so a
 * report is a fold and nothing is lost silently. The same schema serves memory,
 * the store and the lines of `--json`.
 */
import * as Schema from "effect/Schema"
import { FetchReason } from "./FetchError.ts"

const about = {
  /** As asked for, normalised, credentials redacted. */
  url: Schema.String,
  /** Requests made for it, redirects not counted. */
  attempts: Schema.Int,
  /** The last attempt, from request to end, in milliseconds. */
  durationMs: Schema.Finite
}
const answered = {
  /** Where the last answer came from; absent when it is `url`. */
  finalUrl: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Schema.Int)
}
const file = {
  /**
   * Relative to the directory of the run, `/` between segments. A body that was archived:
   * `simul-00000.warc.gz#1234+567`, the gzip member of 567 bytes at byte 1234 of that file.
   */
  path: Schema.String,
  /** Length after decoding; archived, as it came. */
  bytes: Schema.Finite,
  /** Hexadecimal, of these bytes; absent where hashing is off. */
  sha256: Schema.optionalKey(Schema.String),
  /** Of a crawl: it asks not to be indexed, by a `<meta>` or X-Robots-Tag. Absent where it does not. */
  noindex: Schema.optionalKey(Schema.Boolean),
  /** Of a crawl: it is longer than what is read of a page, and links beyond that were not followed. Absent where it is not. */
  linksCut: Schema.optionalKey(Schema.Boolean)
}

/**
 * `Saved`: a whole body under its final name. `Unchanged`: the file of an earlier run still stands. `Refused`: not
 * asked, by a rule. `Failed`: no body.
 */
export const Outcome = Schema.TaggedUnion({
  Saved: { ...about, ...answered, ...file },
  Unchanged: { ...about, ...answered, ...file },
  Refused: { ...about, error: Schema.Struct({ reason: Schema.String, message: Schema.String }) },
  Failed: { ...about, ...answered, error: FetchReason }
})
export type Outcome = typeof Outcome.Type

/** The rule for which a target is not asked, or not kept. */
export type Refusal = Extract<Outcome, { readonly _tag: "Refused" }>["error"]

/** The outcome as the object that `--json` prints, absent fields left out. */
export const toJson = (outcome: Outcome) => {
  const { _tag, url, attempts, durationMs, ...rest } = outcome
  const error =
    "error" in rest
      ? {
          error: {
            reason: outcome._tag === "Failed" ? outcome.error._tag : (rest.error as { reason: string }).reason,
            message: rest.error.message
          }
        }
      : {}
  const { error: _, ...answer } = rest as { error?: unknown }
  return { outcome: _tag.toLowerCase(), url, ...answer, attempts, durationMs: Math.round(durationMs), ...error }
}
