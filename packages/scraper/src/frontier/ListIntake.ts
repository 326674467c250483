/**
 * What of a batch of a list is to be fetched, by what the store knows of its URLs.
 *
 * A target of the list counts once, in whatever run: what has a row of the list
 * is not counted when it is read.
 */
import * as Effect from "effect/Effect"
import { InvalidUrl } from "../FetchError.ts"
import type { Line } from "../Lines.ts"
import { DirectoryUnusable } from "../RunError.ts"
import type { Known, Store, StoreError } from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"

export interface ListIntakeOptions {
  readonly list: number
  readonly run: number
  /** What earlier runs than this one have saved is asked for again. */
  readonly freshSince: number
  /** The one path there is, whatever an earlier run called the file. */
  readonly path: string | undefined
  /** The paths of new targets, in their order. */
  readonly claim: (urls: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, StoreError>
  /** Those are `FileName.fromUrl`. */
  readonly isNamedByUrl: boolean
  /** Whether what was saved at a place with this length is still there. Throws DirectoryUnusable where nobody can tell. */
  readonly holds: (path: string, bytes: number) => boolean
  /** What is saved becomes a record of an archive, and no file. */
  readonly archives: boolean
}

/** Looks at what was saved. What cannot be looked at is not fetched again: that ends the run. */
export const looking = <A>(look: () => A): Effect.Effect<A, DirectoryUnusable> =>
  Effect.try({
    try: look,
    catch: (error) => {
      if (error instanceof DirectoryUnusable) return error
      throw error
    }
  })

/** A line of the list that is no URL. */
export type InvalidLine = readonly [line: Line, error: InvalidUrl]

/** What a batch brings. */
export interface Taken {
  /** Of those to be fetched and the lines that are no URL, whether it is new to the list. */
  readonly open: Map<string, boolean>
  readonly targets: ReadonlyArray<Target>
  readonly invalid: Iterable<InvalidLine>
  /** Targets that are new to the list. */
  readonly added: number
  /** By how many more targets the list is done without this run: fewer where what was saved is to be fetched again. */
  readonly skipped: number
  /** Some of what is done is in the other form: a file for a run that archives, or a record. */
  readonly inOtherForm: boolean
}

/** URLs of a batch, each once, and those lines of it that are none, by their text. */
interface Urls {
  readonly keys: ReadonlySet<string>
  readonly invalid: Map<string, InvalidLine>
}

/** @param isActive whether a URL is under way: then it is passed over */
export const make = (
  store: Pick<Store["Service"], "lookup">,
  options: ListIntakeOptions,
  isActive: (url: string) => boolean
) => {
  const { list, run, freshSince, path: onlyPath, holds } = options
  const isThere = (path: string, saved: NonNullable<Target["saved"]>) => holds(saved.record ?? path, saved.bytes)
  /** Whether a row is one of the list: then its target was counted. */
  const isCounted = (row: Known | undefined): boolean => row?.list === list
  /** Whether a URL of the list is to be fetched, given its row. */
  const isWanted = (row: Known | undefined): boolean => {
    if (row === undefined) return true
    if (row.run === run) return false // a line that came twice
    if (onlyPath !== undefined && row.target.path !== onlyPath) return true
    if (row.state !== "done") return !isCounted(row) // those of this list are leased
    return row.run < freshSince || !isThere(row.target.path, row.target.saved!)
  }

  const read = (lines: ReadonlyArray<Line>): Urls => {
    const keys = new Set<string>()
    const invalid = new Map<string, InvalidLine>()
    for (const line of lines) {
      const url = Url.given(line.text, line.isCut)
      const key = typeof url === "string" ? url : line.text
      if (keys.has(key) || isActive(key)) continue
      keys.add(key)
      if (typeof url !== "string") invalid.set(key, [line, new InvalidUrl({ detail: url.detail, line: line.number })])
    }
    return { keys, invalid }
  }

  /** Gives the URLs that are to be fetched too. */
  const judge = ({ keys, invalid }: Urls, known: ReadonlyMap<string, Known>) => {
    const wanted: Array<string> = []
    const open = new Map<string, boolean>()
    let added = 0
    let skipped = 0
    let inOtherForm = false
    for (const url of keys) {
      const row = known.get(url)
      const isNew = !isCounted(row)
      if (isNew) added++
      if (invalid.has(url)) {
        if (isNew) open.set(url, true)
        else invalid.delete(url)
      } else if (isWanted(row)) {
        wanted.push(url)
        open.set(url, isNew)
        if (!isNew && row!.state === "done") skipped-- // what the list counts as done is not
      } else if (isNew) {
        skipped++
        if ((row!.target.saved!.record !== undefined) !== options.archives) inOtherForm = true
      }
    }
    return { wanted, open, added, skipped, inOtherForm, invalid: invalid.values() }
  }

  let latestHost = ""
  /** One string for the targets of a host that follow each other: it is hashed once. */
  const hostOf = (url: string) => {
    const host = Url.origin(url)
    if (host !== latestHost) latestHost = host
    return latestHost
  }
  const targetOf = (url: string, row: Target | undefined, claimed: string): Target => {
    const path = onlyPath ?? row?.path ?? claimed
    const isNamedByUrl = row === undefined && options.isNamedByUrl
    const target: Target = { url, host: hostOf(url), path, attempts: 0, isNamedByUrl }
    if (row === undefined) return target
    return {
      ...target,
      ...(row.saved !== undefined && isThere(path, row.saved) ? { saved: row.saved } : {}),
      ...(row.partial === undefined ? {} : { partial: row.partial })
    }
  }

  // no generator: its closure would keep alive what it sees
  return (lines: ReadonlyArray<Line>): Effect.Effect<Taken, StoreError | DirectoryUnusable> =>
    Effect.suspend(() => {
      const urls = read(lines)
      return store.lookup([...urls.keys]).pipe(
        Effect.flatMap((known) => looking(() => ({ ...judge(urls, known), known }))),
        Effect.flatMap((judged) => Effect.map(options.claim(judged.wanted), (paths) => ({ ...judged, paths }))),
        Effect.flatMap(({ known, paths, ...judged }) =>
          looking(() => ({
            ...judged,
            targets: judged.wanted.map((url, index) => targetOf(url, known.get(url)?.target, paths[index]!))
          }))
        )
      )
    })
}
