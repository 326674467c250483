/** The list of URLs in a file, continued where an earlier run stopped. */
import * as Effect from "effect/Effect"
import { createHash, hash } from "node:crypto"
import { constants, createReadStream, openSync } from "node:fs"
import { access, type FileHandle, open, stat } from "node:fs/promises"
import { Socket } from "node:net"
import { resolve } from "node:path"
import type { Readable } from "node:stream"
import { isatty, ReadStream } from "node:tty"
import * as Lines from "../Lines.ts"
import { ListUnreadable } from "../RunError.ts"
import { codeOf } from "../sink/SystemError.ts"
import { type Place, unnamed } from "../Store.ts"

const chunkSize = 1 << 18
/** So much of a list is read to know it by before any of it is done. */
const headSize = 1 << 16

const unreadable = (file: string) => (error: unknown) => new ListUnreadable({ file, code: codeOf(error) })

/** What the list is. Fails where it is not there, or is none that can be read. */
export const look = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      await access(file, constants.R_OK)
      const status = await stat(file)
      if (status.isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" })
      return status
    },
    catch: unreadable(file)
  })

/**
 * Opens the list and finds the longest of `places` whose bytes it still begins
 * with. Bytes are compared by their sha256, so a list that grew is continued,
 * and one that was changed is read from the start. `start` is its place before
 * the first line, which has the sha256 of its head; what cannot be read twice
 * has none.
 */
export const openList = Effect.fnUntraced(function* (file: string, places: ReadonlyArray<Place>) {
  const status = yield* look(file)
  if (!status.isFile()) {
    const bytes = yield* Effect.acquireRelease(
      Effect.try({ try: () => flowing(file, status.isFIFO()), catch: unreadable(file) }),
      (opened) => Effect.sync(() => opened.destroy())
    )
    // it cannot be read twice
    return {
      name: unnamed,
      place: undefined,
      start: undefined,
      batches: Lines.fromBytes(bytes, { bytes: 0, lines: 0 }),
      read: (): number | undefined => undefined
    }
  }
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(file, "r"), catch: unreadable(file) }),
    // what was read of it is read
    (opened) => Effect.promise(() => opened.close().catch(() => {}))
  )
  const head = yield* Effect.tryPromise({ try: () => headOf(handle), catch: unreadable(file) })
  const found = yield* Effect.tryPromise({
    try: () => match(handle, status.size, head, places),
    catch: unreadable(file)
  })
  let at = found.place?.bytes ?? 0
  /** Where the lines end that were given: what was read is up to 256 KiB more, and these may take an hour. */
  let given = at
  const bytes = async function* () {
    const buffer = Buffer.allocUnsafe(chunkSize)
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, chunkSize, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }
  return {
    name: resolve(file),
    place: found.place,
    start: { bytes: 0, lines: 0, sha256: head },
    batches: (async function* () {
      for await (const batch of Lines.fromBytes(bytes(), { bytes: at, lines: found.place?.lines ?? 0 }, found.hash)) {
        given = batch.place!.bytes
        yield batch
      }
    })(),
    read: (): number | undefined => (status.size === 0 ? undefined : Math.min(1, given / status.size))
  }
})

/**
 * What is no file. A pipe and a terminal may be quiet for ever, so they are read by events: a thread that waits for
 * them could not be stopped, and the process not end without it.
 */
const flowing = (file: string, isPipe: boolean): Readable => {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  if (isPipe) return new Socket({ fd, readable: true })
  return isatty(fd) ? new ReadStream(fd) : createReadStream(file, { fd })
}

const headOf = async (handle: FileHandle) => {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(headSize), 0, headSize, 0)
  const read = buffer.subarray(0, bytesRead)
  // before anybody begins it
  Lines.check(read)
  return hash("sha256", read, "hex")
}

const match = async (handle: FileHandle, size: number, head: string, places: ReadonlyArray<Place>) => {
  const running = createHash("sha256")
  const buffer = Buffer.allocUnsafe(chunkSize)
  let best: { readonly place: Place | undefined; readonly hash: Lines.RunningHash } = {
    place: undefined,
    hash: createHash("sha256")
  }
  let at = 0
  // of two lists that agree so far the later one knows more
  for (const place of places.toSorted((a, b) => a.bytes - b.bytes || a.list - b.list)) {
    if (place.bytes > size) break
    while (at < place.bytes) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(chunkSize, place.bytes - at), at)
      if (bytesRead === 0) return best
      running.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    if ((place.bytes === 0 ? head : running.copy().digest("hex")) === place.sha256)
      best = { place, hash: running.copy() }
  }
  return best
}
