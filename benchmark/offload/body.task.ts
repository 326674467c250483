/** What the scraper does with the bytes of a body, as tasks: a state for each body stays on the worker that its key leads to. */
import { createHash, type Hash } from "node:crypto"
import { gunzipSync } from "node:zlib"

const hashes = new Map<string, Hash>()

/** Hashes a piece; gives it back, so that it can be written. */
export const hash = (body: string, piece: Uint8Array): Uint8Array => {
  let state = hashes.get(body)
  if (state === undefined) hashes.set(body, (state = createHash("sha256")))
  state.update(piece)
  return piece
}

export const digest = (body: string): string => {
  const digest = hashes.get(body)!.digest("hex")
  hashes.delete(body)
  return digest
}

export const gunzip = (piece: Uint8Array): Uint8Array => gunzipSync(piece)
