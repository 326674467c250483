/**
 * The archives of a directory as one WACZ 1.1.1 file, to be passed on and opened
 * in ReplayWeb.page: a ZIP of archives, index, list of pages, and a manifest.
 *
 * 1. Archives are stored as they are, so that a reader can take one record out of
 *    the middle. Of each, what is committed: no tail that a killed run left.
 * 2. Nothing is held in memory but a chunk. Hashes are taken as the bytes pass by;
 *    the manifest comes last.
 * 3. It grows beside its place and gets its name by a rename when it is whole, behind links. A device, a pipe or an open
 *    file is written itself.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { closeSync, constants, type WriteStream } from "node:fs"
import { open, rename, rm } from "node:fs/promises"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { ZipFile } from "yazl"
import * as ContentType from "../ContentType.ts"
import { ArchiveDamaged, DirectoryUnusable, NothingArchived } from "../RunError.ts"
import type { Archive, Capture } from "../Sink.ts"
import { read } from "./ArchiveFile.ts"
import * as ArchiveIndex from "./ArchiveIndex.ts"
import * as Files from "./Files.ts"
import * as TextFile from "./TextFile.ts"
import * as WrittenItself from "./WrittenItself.ts"

/** What is packed: archives of a directory, and where the captures lie in them. */
export interface Contents<E> {
  readonly directory: string
  /** Where parts of it grow. */
  readonly parts: string
  readonly archives: ReadonlyArray<Archive>
  /** In the order of an index. */
  readonly captures: Stream.Stream<Capture, E>
}

/** What was written: the file, its bytes, and how many of each it has. */
export interface Packed {
  readonly file: string
  readonly bytes: number
  readonly archives: number
  readonly captures: number
  readonly pages: number
}

/** A file in the package, as the manifest has it. */
interface Resource {
  readonly name: string
  readonly path: string
  readonly hash: string
  readonly bytes: number
}

/** What is cut is none. A server that has none may answer for robots.txt with a page: nobody went there to read it. */
const isPage = ({ url, status, type, isCut }: Capture) =>
  !isCut &&
  status >= 200 &&
  status < 300 &&
  ContentType.pages.has(type.toLowerCase()) &&
  new URL(url).pathname !== "/robots.txt"

const pageLine = ({ url, dateMs }: Capture) => {
  const ts = new Date(dateMs).toISOString()
  const id = createHash("sha256").update(`${ts} ${url}`).digest("hex").slice(0, 20)
  return `${JSON.stringify({ id, url, ts })}\n`
}
const pagesHead = `${JSON.stringify({ format: "json-pages-1.0", id: "pages", title: "All Pages" })}\n`

const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

const unusable = (file: string) => (error: unknown) =>
  error instanceof ArchiveDamaged || error instanceof DirectoryUnusable ? error : DirectoryUnusable.of(file)(error)

async function* readOf(file: string, bytes: number): AsyncGenerator<Uint8Array> {
  try {
    yield* read(file, 0, bytes)
  } catch (error) {
    throw DirectoryUnusable.of(file, true)(error)
  }
}

/**
 * Writes the package to a file. Fails with `NothingArchived` where there is nothing to pack, with `ArchiveDamaged` where
 * an archive has not the bytes that were committed, and with `DirectoryUnusable` where it cannot be written. `onRead` hears
 * of the bytes of archives as they are read.
 */
export const pack = Effect.fnUntraced(function* <E>(
  { directory, parts, archives, captures }: Contents<E>,
  file: string,
  software: string,
  onRead: (bytes: number) => void = () => {}
) {
  const filled = archives.filter(({ bytes }) => bytes > 0).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  if (filled.length === 0) return yield* new NothingArchived({ directory })
  for (const { name, bytes } of filled) {
    const archive = `${directory}/${name}`
    const look = Effect.try({ try: () => Files.node.look(archive), catch: DirectoryUnusable.of(archive, true) })
    const found = yield* look
    const size = found?.kind === "file" ? found.size : 0
    if (size < bytes) return yield* new ArchiveDamaged({ archive: name, expected: bytes, found: size })
  }

  const indexFile = `${parts}/pack.cdxj`
  const pagesFile = `${parts}/pack.jsonl`
  const name = WrittenItself.nameOf(file)
  const partFile = name && `${name}.part`
  yield* Effect.addFinalizer(() =>
    Effect.promise(() =>
      // what stays is written over by the next
      Promise.allSettled([indexFile, pagesFile, partFile ?? []].flat().map((path) => rm(path, { force: true })))
    )
  )
  let counted = 0
  let pages = 0
  let first: Capture | undefined
  const index = yield* ArchiveIndex.write(
    indexFile,
    Stream.mapArray(captures, (some) => {
      counted += some.length
      return some
    }),
    false
  )
  const lines = Stream.mapArray(Stream.filter(captures, isPage), (some) => {
    for (const page of some) if (first === undefined || page.dateMs < first.dateMs) first = page
    pages += some.length
    return [some.map(pageLine).join("")] as const
  })
  const list = yield* TextFile.write(pagesFile, Stream.concat(Stream.succeed(pagesHead), lines), false)

  const zip = new ZipFile()
  const failed = new Promise<never>((_, reject) => zip.on("error", reject))
  // that may be before anybody waits for it
  failed.catch(() => {})
  const resources: Array<Resource> = []
  const add = (path: string, from: string, bytes: number, compress: boolean, onRead = (_bytes: number) => {}) => {
    const name = path.slice(path.lastIndexOf("/") + 1)
    const chunks = async function* () {
      const digest = createHash("sha256")
      let given = 0
      for await (const chunk of readOf(from, bytes)) {
        digest.update(chunk)
        given += chunk.length
        onRead(chunk.length)
        yield chunk
      }
      if (given !== bytes) throw new ArchiveDamaged({ archive: name, expected: bytes, found: given })
      resources.push({ name, path, hash: `sha256:${digest.digest("hex")}`, bytes })
    }
    zip.addReadStreamLazy(path, { compress, size: bytes }, (give) =>
      give(
        null,
        Readable.from(chunks()).on("error", (error) => zip.emit("error", error))
      )
    )
  }
  for (const { name, bytes } of filled) add(`archive/${name}`, `${directory}/${name}`, bytes, false, onRead)
  add("indexes/index.cdxj", indexFile, index.bytes, true)
  add("pages/pages.jsonl", pagesFile, list.bytes, true)
  const manifest = () => {
    const now = new Date().toISOString()
    const main = first && { mainPageUrl: first.url, mainPageDate: new Date(first.dateMs).toISOString() }
    const about = { profile: "data-package", wacz_version: "1.1.1", title: "Archive", ...main, software }
    return Buffer.from(`${JSON.stringify({ ...about, created: now, modified: now, resources }, undefined, 2)}\n`)
  }
  let made: Buffer | undefined
  zip.addReadStreamLazy("datapackage.json", { compress: true }, (give) =>
    give(null, Readable.from([(made = manifest())]))
  )
  zip.addReadStreamLazy("datapackage-digest.json", { compress: true }, (give) =>
    give(null, Readable.from([Buffer.from(`${JSON.stringify({ path: "datapackage.json", hash: sha256(made!) })}\n`)]))
  )

  const bytes = yield* Effect.tryPromise({
    try: async (signal) => {
      const { O_APPEND, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants
      const writer = partFile === undefined ? WrittenItself.open(file) : undefined
      const how = partFile === undefined ? O_WRONLY | O_APPEND : O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
      const handle = await open(partFile ?? file, how, 0o666).finally(() => writer !== undefined && closeSync(writer))
      let out: WriteStream | undefined
      try {
        out = handle.createWriteStream({ autoClose: false })
        zip.end()
        await Promise.race([pipeline(zip.outputStream, out, { signal }), failed])
        if (partFile !== undefined) await handle.sync()
      } finally {
        out?.destroy()
        await handle.close()
      }
      if (partFile !== undefined) await rename(partFile, name!)
      return out.bytesWritten
    },
    catch: unusable(file)
  })
  return { file, bytes, archives: filled.length, captures: counted, pages } satisfies Packed
}, Effect.scoped)
