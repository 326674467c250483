/**
 * A copy of what was saved, in `mirror/` of the directory, whose links lead to
 * its own files: it opens in a browser, from the disk and without a network.
 *
 * 1. What was saved is not touched, so records, `verify`, later runs and other
 *    readers see the bytes as they came. The mirror can be made again at any time.
 * 2. It is made aside and put in place by a rename: what lies in `mirror/` is all
 *    of one state, and a file in it is whole.
 * 3. Which state that is stands in it: the last run that changed anything. Of the
 *    same state nothing is made twice, also where making it was cut short. After
 *    the machine was started anew all of it is.
 * 4. What stays as it is shares its bytes with the saved file, as a hard link, and
 *    is a copy where the file system knows none.
 * 5. One page is in memory at a time, and some thousand names.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Links from "../extract/Links.ts"
import * as Page from "../extract/Page.ts"
import * as MirrorName from "../mirror/MirrorName.ts"
import * as Rewriting from "../mirror/Rewriting.ts"
import { DirectoryUnusable, MirrorUnusable } from "../RunError.ts"
import { bootId } from "../store/BootId.ts"
import { stateOf } from "../store/DirectoryLock.ts"
import type { Bodies, Body } from "../store/SqlBodies.ts"
import * as Files from "./Files.ts"
import * as Recorded from "./Recorded.ts"
import { codeOf, isFull } from "./SystemError.ts"

export interface Options {
  readonly directory: string
  readonly bodies: Bodies
  /** The URL under which a crawl saves what this one leads to. */
  readonly asked: (url: string) => string
  /** Told of each file, and how many there are to be. */
  readonly onFile: (files: number, total: number) => void
}

/** The name of the folder, which no host has (`FileName.ts`). */
export const folder = "mirror"
/** Says that a folder is a mirror, and of which state. No name of a file in it begins with a dot. */
const mark = ".mirror"
/** Of the way to make one: with another one all are made again. */
const version = 1
/** Names that are remembered. */
const mostNames = 16_384

const markOf = (tree: string): string | undefined => {
  try {
    return fs.readFileSync(`${tree}/${mark}`, "utf8")
  } catch {
    return undefined
  }
}

/** Fails where something else lies in the way. */
export const check = (directory: string): Effect.Effect<void, MirrorUnusable> =>
  Effect.suspend(() => {
    const path = `${directory}/${folder}`
    const found = Files.seen(Files.node, path)
    const isOurs = found === undefined || (found.kind === "directory" && markOf(path) !== undefined)
    return isOurs ? Effect.void : Effect.fail(new MirrorUnusable({ path }))
  })

/** Begins as what? */
const startOf = (file: string): string => {
  const descriptor = fs.openSync(file, "r")
  try {
    const head = Buffer.alloc(1024)
    return head.toString("latin1", 0, fs.readSync(descriptor, head))
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * Brings the mirror to what is saved now; gives its files, those that are missing on the disk, and where the file of each
 * of `seeds` lies, relative to the directory.
 */
export const build = Effect.fnUntraced(function* (
  { directory, bodies, asked, onFile }: Options,
  seeds: ReadonlyArray<string>
) {
  const final = `${directory}/${folder}`
  const next = `${stateOf(directory)}/${folder}`
  const attempt = <A>(run: () => A | Promise<A>) =>
    Effect.tryPromise({
      try: async () => run(),
      catch: DirectoryUnusable.of(final)
    })

  /** That it cannot be read is no word on whether it is there. */
  const reading = <A>(source: string, read: (source: string) => A) =>
    Effect.try({ try: () => read(source), catch: DirectoryUnusable.of(source, true) })

  // ---- names

  const names = new Map<string, string | undefined>()
  const typeOf = ({ contentType, path }: Body): string => {
    if (contentType !== "") return contentType
    try {
      return MirrorName.typeOf(path, () => startOf(`${directory}/${path}`))
    } catch {
      return ""
    }
  }
  const namesOf = Effect.fnUntraced(function* (given: ReadonlyArray<Body>) {
    const wishes = given.map((body) => MirrorName.of(body.url, typeOf(body)))
    const rivals = wishes.flatMap(({ rival }) => (rival === undefined ? [] : [rival.url]))
    const there = yield* bodies.at(rivals)
    return wishes.map(({ name, rival }) =>
      rival !== undefined && there.get(rival.url)?.url === rival.url ? rival.unique : name
    )
  })
  /** Makes the names of the files that these URLs lead to known. */
  const meet = Effect.fnUntraced(function* (urls: ReadonlyArray<string>) {
    if (names.size > mostNames) names.clear()
    const unknown = urls.filter((url) => !names.has(url))
    const found = yield* bodies.at(unknown.map(asked))
    // where a redirect led is the page, if that was saved as well
    const redirected = [...found.values()].filter(({ url, finalUrl }) => finalUrl !== url)
    const ends = yield* bodies.at(redirected.map(({ finalUrl }) => asked(finalUrl)))
    const leads = unknown.map((url) => {
      const body = found.get(asked(url))
      return body && (ends.get(asked(body.finalUrl)) ?? body)
    })
    const files = yield* namesOf(leads.filter((body) => body !== undefined))
    let at = 0
    for (const [index, url] of unknown.entries()) names.set(url, leads[index] && files[at++])
  })

  // ---- files

  const made = new Set<string>()
  const makeFolder = (file: string) => {
    const path = file.slice(0, file.lastIndexOf("/"))
    if (made.has(path)) return
    fs.mkdirSync(path, { recursive: true })
    if (made.size >= 4096) made.clear()
    made.add(path)
  }
  /** Where a file grows until it is whole. */
  const part = `${next}/.part`
  const share = (source: string, file: string) => {
    try {
      fs.linkSync(source, file)
    } catch (error) {
      const code = codeOf(error)
      if (code === "EEXIST" || isFull(code)) throw error
      fs.copyFileSync(source, part, fs.constants.COPYFILE_FICLONE)
      fs.renameSync(part, file)
    }
  }
  const write = (bytes: Uint8Array, file: string) => {
    fs.writeFileSync(part, bytes)
    fs.renameSync(part, file)
  }

  let missing = 0
  const place = Effect.fnUntraced(function* (body: Body, name: string) {
    const source = `${directory}/${body.path}`
    const file = `${next}/${name}`
    if (Files.seen(Files.node, file) !== undefined) return
    const found = yield* reading(source, (path) => Recorded.found(Files.node, path))
    if (found?.kind !== "file") return void missing++
    yield* attempt(() => makeFolder(file))
    const contentType = typeOf(body)
    if (Links.syntaxOf(contentType) === undefined || contentType === "" || found.size > Page.limits.maxBytes)
      return yield* attempt(() => share(source, file))
    const bytes = yield* reading(source, (path) => fs.readFileSync(path))
    const rewriting = Rewriting.read({ bytes, url: body.finalUrl, contentType })
    yield* meet(rewriting.urls)
    const edited = rewriting.write((url) => {
      // the page itself, where it was saved under the URL that led to it
      const to = names.get(url) ?? (url === body.finalUrl ? name : undefined)
      return to === undefined ? undefined : MirrorName.way(name, to)
    })
    yield* attempt(() => (edited === undefined ? share(source, file) : write(edited, file)))
  })

  const old = `${next}.old`
  const removeOld = () => fs.promises.rm(old, { recursive: true, force: true })
  const swap = () => {
    fs.rmSync(part, { force: true })
    if (fs.existsSync(final)) fs.renameSync(final, old)
    fs.renameSync(next, final)
  }

  yield* check(directory)
  const { count, latest } = yield* bodies.state
  const state = `${version} ${bootId()} ${latest}\n`
  yield* attempt(removeOld)
  if (markOf(final) !== state) {
    yield* attempt(async () => {
      if (markOf(next) === state) return
      await fs.promises.rm(next, { recursive: true, force: true })
      fs.mkdirSync(next)
      fs.writeFileSync(`${next}/${mark}`, state)
    })
    let files = 0
    yield* Stream.runForEachArray(bodies.all, (some) =>
      Effect.flatMap(namesOf(some), (names) =>
        Effect.forEach(
          some,
          (body, index) =>
            Effect.andThen(place(body, names[index]!), () => {
              onFile(++files, count)
              // a page may take long: others have their turn between
              return Effect.yieldNow
            }),
          { discard: true }
        )
      )
    )
    yield* attempt(swap)
    yield* attempt(removeOld)
  }
  yield* meet(seeds)
  const starts = seeds.flatMap((seed) => {
    const name = names.get(seed)
    return name === undefined ? [] : [`${folder}/${name}`]
  })
  return { files: count - missing, missing, starts }
})
