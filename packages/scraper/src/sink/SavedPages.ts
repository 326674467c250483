/**
 * The HTML pages that lie under a path: a file, a folder, an archive, a package of
 * archives, or the directory of a run, one after another.
 *
 * 1. One page is in memory at a time.
 * 2. In the directory of a run, and below it, the pages are those that the store
 *    has outcomes for, with the URLs they came from: no half file, no archived
 *    record that was not committed. A folder below it that has none of them is
 *    like any other: a run in one's home is not about all that lies there.
 * 3. A page that cannot be read is told with the reason, and the next one
 *    follows. What is no page at all (images, styles) is passed over, unless the
 *    path names it.
 * 4. Of an archive each record is told, in its order: also a revisit, whose body
 *    is in another one. An archive of a package that lies in the same folder, or
 *    below it, by itself or in another package, is told once: what was read whole
 *    is not read again.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs"
import { opendir, stat } from "node:fs/promises"
import { join, relative, resolve, sep } from "node:path"
import { crc32 } from "node:zlib"
import * as Page from "../extract/Page.ts"
import { BadRecord, type PageError, TooLarge, Unreadable } from "../extract/PageError.ts"
import { PathUnreadable, type RunError } from "../RunError.ts"
import type { Entry } from "../Store.ts"
import * as Directory from "../store/Directory.ts"
import * as Gzip from "../warc/Gzip.ts"
import * as WaczArchives from "../warc/WaczArchives.ts"
import * as WarcPages from "../warc/WarcPages.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import { read, recordsAt } from "./ArchiveFile.ts"
import * as FileName from "./FileName.ts"
import * as RecordLocation from "./RecordLocation.ts"
import { codeOf } from "./SystemError.ts"

/** One page of a run, a folder or an archive, or why it cannot be read. */
export interface SavedPage {
  readonly url: string | undefined
  /** The file, as one would name it from here; a record as `archive#offset+length`, or only its archive, below its package. */
  readonly path: string
  /** As it was sent; of a file, as far as its run kept it. */
  readonly contentType: string | undefined
  /** Of a record: by what revisits may refer to its body. */
  readonly payload?: ReadonlyArray<string>
  readonly body: Result.Result<Uint8Array, PageError>
}

const pageName = /\.(?:x?html?|shtml)$/i
const archiveName = /\.warc(?:\.gz)?$/i
const packageName = /\.wacz$/i

/** A pipe has no bytes for who does not wait for them; a wait would hold the process. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * The bytes of a file; `undefined` where they are to be those of a page and are not. Here and not in a thread of the pool:
 * to pass five calls there and back takes more CPU than to parse a small page.
 */
const readPage = (file: string, maxBytes: number, any: boolean): Result.Result<Uint8Array, PageError> | undefined => {
  try {
    const descriptor = openSync(file, flags)
    try {
      const head = Buffer.alloc(Page.sniffBytes)
      const bytesRead = readSync(descriptor, head, 0, head.length, 0)
      if (!any && !pageName.test(file) && !Page.looksLikePage(head.subarray(0, bytesRead))) return undefined
      if (fstatSync(descriptor).size > maxBytes) return Result.fail(new TooLarge({ maxBytes }))
      return Result.succeed(readFileSync(descriptor))
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    return Result.fail(Unreadable.of(error))
  }
}

/** The page of one record, whose place is known. */
const readRecord = async (
  directory: string,
  location: RecordLocation.RecordLocation,
  maxBytes: number
): Promise<Pick<SavedPage, "contentType" | "body"> | undefined> => {
  try {
    for await (const record of recordsAt(directory, location)) return await WarcPages.ofRecord(record, maxBytes)
    return undefined
  } catch (error) {
    return { contentType: undefined, body: Result.fail(faultOf(error)) }
  }
}

const faultOf = (error: unknown): PageError => {
  const { code, message } = error as NodeJS.ErrnoException
  if (code?.startsWith("Z_") === true) return new BadRecord({ detail: `damaged gzip: ${message}` })
  return code === undefined ? new BadRecord({ detail: message }) : new Unreadable({ code })
}

const isPage = ({ contentType, body }: Pick<SavedPage, "contentType" | "body">): boolean =>
  contentType !== undefined || Result.isFailure(body) || Page.looksLikePage(body.success.subarray(0, Page.sniffBytes))

const faultAt = (path: string, error: PageError): SavedPage => ({
  url: undefined,
  path,
  contentType: undefined,
  body: Result.fail(error)
})

async function* inArchive(
  path: string,
  maxBytes: number,
  bytes: AsyncIterable<Uint8Array> = read(path)
): AsyncGenerator<SavedPage> {
  try {
    for await (const record of WarcReader.records(/\.gz$/i.test(path) ? Gzip.gunzip(bytes) : bytes)) {
      const page = await WarcPages.ofRecord(record, maxBytes)
      if (page !== undefined && isPage(page)) yield { ...page, path }
    }
  } catch (error) {
    yield faultAt(path, faultOf(error))
  }
}

/** What a copy of an archive has too. */
const identity = (size: number, sum: number) => `${size} ${sum}`

/** The bytes of an archive, of which it is noted that they were all read. */
async function* readOnce(bytes: AsyncIterable<Uint8Array>, told: Set<string>): AsyncGenerator<Uint8Array> {
  let size = 0
  let sum = 0
  for await (const chunk of bytes) {
    size += chunk.length
    sum = crc32(chunk, sum)
    yield chunk
  }
  told.add(identity(size, sum))
}

/** @param told archives that are passed over; those of the package are added as they were read: it may say anything */
async function* inPackage(path: string, maxBytes: number, told = new Set<string>()): AsyncGenerator<SavedPage> {
  try {
    for await (const { name, size, crc32, bytes } of WaczArchives.of(path)) {
      if (!told.has(identity(size, crc32))) yield* inArchive(join(path, name), maxBytes, readOnce(bytes, told))
    }
  } catch (error) {
    yield faultAt(path, faultOf(error))
  }
}

/** Those of a file by whose name it has records of them; `undefined` where it is none. */
const inRecords = (file: string, maxBytes: number): AsyncGenerator<SavedPage> | undefined =>
  archiveName.test(file) ? inArchive(file, maxBytes) : packageName.test(file) ? inPackage(file, maxBytes) : undefined

/** Files of a folder that no run made, in no order but that of the file system; packages come last. */
async function* inFolder(folder: string, maxBytes: number): AsyncGenerator<SavedPage> {
  const pending = [folder]
  const packages: Array<string> = []
  const archives = new Set<string>()
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    try {
      for await (const entry of await opendir(at)) {
        const path = join(at, entry.name)
        // symbolic links are not followed: they may lead in a circle
        if (entry.isDirectory()) {
          if (entry.name !== ".simul") pending.push(path)
        } else if (entry.isFile()) {
          if (packageName.test(path)) packages.push(path)
          else if (archiveName.test(path)) yield* inArchive(path, maxBytes, readOnce(read(path), archives))
          else {
            const body = readPage(path, maxBytes, false)
            if (body !== undefined) yield { url: undefined, path, contentType: undefined, body }
          }
        }
      }
    } catch (error) {
      yield faultAt(at, Unreadable.of(error))
    }
  }
  for (const path of packages) yield* inPackage(path, maxBytes, archives)
}

const fromGenerator = (pages: AsyncIterable<SavedPage>): Stream.Stream<SavedPage> =>
  Stream.orDie(Stream.fromAsyncIterable(pages, (error) => error))

/** What is known of a body, where an entry has one. */
const savedOf = (entry: Entry | undefined) => {
  if (entry === undefined || !("outcome" in entry) || !("path" in entry.outcome)) return undefined
  const { url, finalUrl = url, path } = entry.outcome
  return { url: finalUrl, path, contentType: entry.contentType }
}

/** The pages of a run whose files lie under `path`, in the order in which they were found. */
const inRun = (run: string, path: string, maxBytes: number): Stream.Stream<SavedPage, RunError> => {
  const below = relative(run, resolve(path)).split(sep).join("/")
  // as one would name the directory from here
  const directory = join(path, relative(resolve(path), run))
  const isWanted = (name: string) => below === "" || name === below || name.startsWith(`${below}/`)
  return Stream.unwrap(Effect.map(Directory.read(run), ({ entries }) => entries)).pipe(
    Stream.filterMap((entry) => {
      const saved = savedOf(entry)
      return saved !== undefined && isWanted(saved.path) ? Result.succeed(saved) : Result.failVoid
    }),
    Stream.mapEffect(({ url, path: name, contentType }) =>
      Effect.promise(async (): Promise<SavedPage | undefined> => {
        const about = { url, path: join(directory, name) }
        const location = RecordLocation.fromPath(name)
        if (location === undefined) {
          const body = readPage(join(run, name), maxBytes, name === below)
          return body === undefined ? undefined : { ...about, contentType, body }
        }
        const page = await readRecord(run, location, maxBytes)
        return page === undefined || !isPage(page)
          ? undefined
          : { ...about, contentType: page.contentType, body: page.body }
      })
    ),
    Stream.filterMap((page) => (page === undefined ? Result.failVoid : Result.succeed(page)))
  )
}

/** What the store of a run has for a file. Of one with a hash in its name no URL is known before all are looked through. */
const inStore = Effect.fnUntraced(function* (run: string, name: string) {
  const { named, entries } = yield* Directory.read(run)
  const isOf = (saved: ReturnType<typeof savedOf>) => saved?.path === name
  const found = (yield* named(name)).map(savedOf).find(isOf)
  if (found !== undefined || !FileName.isHashed(name)) return found
  return Option.getOrUndefined(yield* Stream.runHead(Stream.filter(Stream.map(entries, savedOf), isOf)))
}, Effect.scoped)

/** A file that was named is a page, also below a run whose store cannot be read. Its URL is what that has for it. */
const inFile = (path: string, run: string | undefined, maxBytes: number): Stream.Stream<SavedPage> =>
  Stream.fromEffect(
    Effect.gen(function* () {
      const name = run === undefined ? "" : relative(run, resolve(path)).split(sep).join("/")
      const saved = run === undefined ? undefined : yield* Effect.orElseSucceed(inStore(run, name), () => undefined)
      const body = readPage(path, maxBytes, true)!
      return { url: saved?.url, path, contentType: saved?.contentType, body }
    })
  )

/**
 * The pages under a path. Bodies of more than `maxBytes` are told as `TooLarge` and not read. Fails with
 * `PathUnreadable` where there is nothing, and with what is wrong with the store of a run.
 */
export const at = (path: string, maxBytes: number = Page.limits.maxBytes): Stream.Stream<SavedPage, RunError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const found = yield* Effect.tryPromise({
        try: () => stat(path),
        catch: (error) => new PathUnreadable({ path, code: codeOf(error) })
      })
      const records = found.isDirectory() ? undefined : inRecords(path, maxBytes)
      if (records !== undefined) return fromGenerator(records)
      const run = Directory.enclosing(path)
      if (!found.isDirectory()) return inFile(path, run, maxBytes)
      const folder = fromGenerator(inFolder(path, maxBytes))
      if (run === undefined) return folder
      const pages = inRun(run, path, maxBytes)
      return run === resolve(path) ? pages : Stream.orElseIfEmpty(pages, () => folder)
    })
  )
