/**
 * A body to a stream, standard output for one. What was written cannot be taken
 * back: an attempt that cannot continue where the last one stopped fails.
 */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { WriteError } from "../FetchError.ts"
import type { Part, Sink } from "../Sink.ts"

/** The part of a writable stream that is needed. */
export interface Writable {
  readonly write: (chunk: Uint8Array) => boolean
  readonly once: (event: "drain", listener: () => void) => unknown
}

export const make = (stream: Writable): Sink["Service"] => {
  const digest = createHash("sha256")
  let bytes = 0
  const part: Part = {
    get bytes() {
      return bytes
    },
    write: (chunk) => {
      digest.update(chunk)
      bytes += chunk.length
      // the session takes its chunk back, the stream may hold it for longer
      if (stream.write(chunk.slice())) return true
      stream.once("drain", () => part.drained())
      return false
    },
    drained: () => {},
    finish: () => ({ bytes, sha256: digest.digest("hex") }),
    place: () => {},
    keep: () => {},
    discard: () => {}
  }
  return {
    open: () => {
      if (bytes > 0) throw new WriteError({ path: "-", code: "ESPIPE" })
      return part
    },
    reopen: () => Effect.succeed(bytes > 0 ? part : undefined),
    sync: Effect.succeed(new Map()),
    sizeOf: () => undefined,
    sweep: () => Effect.void,
    free: Effect.succeed(Infinity)
  }
}
