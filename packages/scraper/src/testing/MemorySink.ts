/**
 * A sink that keeps bodies in memory, by the path that a file would have. They
 * go with it: with another one a list in the same directory asks for them again,
 * but a crawl only where it refreshes.
 *
 * It is also the model of a sink of one's own: a body is a `Part` until it is
 * placed, and what is placed is told of once `sync` has returned.
 */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import type { Part, Sink, Synced } from "../Sink.ts"

/** A sink, and what it was given. */
export interface MemorySink {
  readonly sink: Sink["Service"]
  /** What was saved, by its path. */
  readonly bodies: ReadonlyMap<string, Uint8Array>
}

const nothing: Synced = { placed: new Map(), failed: new Map(), archives: [], captures: [] }
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** A sink that has nothing yet. */
export const make = (): MemorySink => {
  const bodies = new Map<string, Uint8Array>()

  const open = (): Part => {
    const chunks: Array<Uint8Array> = []
    let body: Uint8Array = new Uint8Array()
    const part = {
      bytes: 0,
      write: (chunk: Uint8Array) => {
        // it belongs to the caller again
        chunks.push(chunk.slice())
        part.bytes += chunk.length
        return true
      },
      drained: () => {},
      finish: () => {
        body = Buffer.concat(chunks)
        return { bytes: body.length, sha256: sha256(body) }
      },
      place: (path: string) => {
        bodies.set(path, body)
        return path
      },
      read: async function* () {
        yield body
      },
      // a later attempt begins anew
      keep: () => false,
      abandon: () => {},
      discard: () => {}
    }
    return part
  }

  return {
    bodies,
    sink: {
      open,
      note: () => {},
      held: () => 0,
      reopen: () => Effect.succeed(undefined),
      forget: () => {},
      sync: () => Effect.succeed(nothing),
      holds: (path, bytes) => bodies.get(path)?.length === bytes,
      read: async function* (path) {
        const body = bodies.get(path)
        if (body === undefined) throw new Error(`nothing was saved at ${path}`)
        yield body
      },
      isWhole: (path, saved) =>
        Effect.sync(() => {
          const body = bodies.get(path)
          return body?.length === saved.bytes && (saved.sha256 === undefined || sha256(body) === saved.sha256)
        }),
      own: () => {},
      isForeign: () => false,
      sweep: () => Effect.void,
      free: Effect.succeed(Infinity),
      size: Effect.succeed(Infinity)
    }
  }
}
