/** Why a saved page gives no records. Never the failure of a run: each is the outcome of its page. */
import * as Schema from "effect/Schema"

/** The file is not there, or the system does not let it be read. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { code: Schema.String }) {
  override get message() {
    return this.code === "ENOENT" ? "no such file" : `cannot be read (${this.code})`
  }
  /** That, by what the system said of it. */
  static of(error: unknown) {
    return new Unreadable({ code: (error as NodeJS.ErrnoException).code ?? "EIO" })
  }
}

/** More bytes than a page may have. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { maxBytes: Schema.Int }) {
  override get message() {
    return `larger than ${this.maxBytes} bytes`
  }
}

/** Elements within elements beyond what any page needs: to follow them would cost time without a bound. */
export class TooDeep extends Schema.TaggedError<TooDeep>()("TooDeep", { maxDepth: Schema.Int }) {
  override get message() {
    return `elements nested more than ${this.maxDepth} deep`
  }
}

/** The bytes are no text: an image, an archive. */
export class NoPage extends Schema.TaggedError<NoPage>()("NoPage", {}) {
  override get message() {
    return "no HTML page"
  }
}

/**
 * A record of an archive whose body is not all that was to come, by its own word (`WARC-Truncated`). Another one may
 * have it whole.
 */
export class CutRecord extends Schema.TaggedError<CutRecord>()("CutRecord", { why: Schema.String }) {
  override get message() {
    return `only a part of it came (${this.why})`
  }
}

/** A record of an archive that is the revisit of another one, in which its body is (WARC 1.1, 6.7). That one is not there. */
export class Revisit extends Schema.TaggedError<Revisit>()("Revisit", {
  /** Digest of the body, or else the name of the record, or else its URL and date. */
  payload: Schema.String,
  /** When the body was archived, as it stands there. */
  date: Schema.optional(Schema.String)
}) {
  override get message() {
    return `its body is in another archive, under ${this.payload}${this.date === undefined ? "" : ` of ${this.date}`}`
  }
}

/** A record of an archive that is damaged, or whose body is in a coding that cannot be undone. */
export class BadRecord extends Schema.TaggedError<BadRecord>()("BadRecord", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** Why there is no page to read. */
export type PageError = Unreadable | TooLarge | TooDeep | NoPage | CutRecord | Revisit | BadRecord
