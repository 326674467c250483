/**
 * What a trial is about, drawn from its seed: the list, the options, what servers and disk do, and how often the run is
 * stopped.
 */
import { Randomness } from "@simul/core/simulation"

/** How a server treats a URL. */
export interface Page {
  readonly url: string
  /** `ok`: served, but for faults. `gone`: 404. `broken`: 500 each time. */
  readonly kind: "ok" | "gone" | "broken"
  readonly bytes: number
  readonly validator: "strong" | "weak" | "none"
  /** Tells Content-Length. */
  readonly declared: boolean
}

/** What may go wrong with a request, by chance. */
export const faults = ["refused", "silent", "status", "retryAfter", "cut", "stall", "changed"] as const
/** `astray`: an answer to a range that does not go on with what is there of a body. */
export type Fault = (typeof faults)[number] | "astray"

/** What may go wrong with an operation of the disk, by chance: no room for a moment, or an error. */
export const diskFaults = ["enospc", "eio-write", "eio-sync", "eio-close", "eio-name"] as const
export type DiskFault = (typeof diskFaults)[number] | "eio-look" | "eio-read"

/** What may go wrong with a statement of the store, by chance (https://sqlite.org/rescode.html). */
export const storeFaults = ["full", "ioerr", "busy"] as const
export type StoreFault = (typeof storeFaults)[number]

/** So many milliseconds after the start of a run the wall's clock is set on, or back. */
export interface ClockShift {
  readonly afterMs: number
  readonly byMs: number
}

export interface Scenario {
  readonly pages: ReadonlyArray<Page>
  /** The list: URLs of pages, some twice, and lines that are no URL. */
  readonly lines: ReadonlyArray<string>
  readonly batch: number
  readonly jobs: number
  readonly perHost: number
  readonly delayMs: number
  readonly retries: number
  readonly durability: "process" | "power"
  /** Crashes may be losses of power. */
  readonly power: boolean
  /** Of a rename such a loss leaves one name: the disk has a journal. */
  readonly journaled: boolean
  /** How the wall's clock is set, one time in each run, until there is no more. */
  readonly clockShifts: ReadonlyArray<ClockShift>
  /** Milliseconds after which each run but the last is stopped cleanly. */
  readonly stops: ReadonlyArray<number>
  readonly faults: Partial<Record<Fault, number>>
  readonly diskFaults: Partial<Record<DiskFault, number>>
  readonly storeFaults: Partial<Record<StoreFault, number>>
  /** Begins without a schema, and has it step by step: as an old store does, and a new one no more. */
  readonly fresh: boolean
  readonly naming: "tree" | "flat"
  /** When all is done what is saved is asked for again (`--refresh`). */
  readonly refresh: boolean
  /** Its timeline is recorded, which takes a seventh of the time of a trial. */
  readonly recorded: boolean
  /** Set for a crawl: pages are found by links, and not by the list. */
  readonly crawl?: Crawl | undefined
}

/** What leads to what. */
export interface Crawl {
  readonly seed: string
  readonly links: ReadonlyMap<string, ReadonlyArray<string>>
  readonly maxDepth: number
  /** Of a host that are saved, at most. */
  readonly mostOfHost?: number
}

/** The pages that links lead to, by the shortest way through pages that were saved, with its length. */
export const reached = ({ seed, links, maxDepth }: Crawl, isSaved: (url: string) => boolean) => {
  const depths = new Map([[seed, 0]])
  for (const [url, depth] of depths)
    if (isSaved(url) && depth < maxDepth)
      for (const to of links.get(url)!) if (!depths.has(to)) depths.set(to, depth + 1)
  return depths
}

/** The first may come before the run has asked what time it is: so it was set while none ran. */
const shiftsOf = (random: Randomness.Randomness): ReadonlyArray<ClockShift> =>
  Array.from({ length: 2 }, () => ({
    afterMs: random() < 0.3 ? 0 : Randomness.below(random, 3000),
    byMs: (random() < 0.5 ? -1 : 1) * [700, 20_000, 3_600_000][Randomness.below(random, 3)]!
  }))

/** Of pages that differ in a folder alone, two each have one name without folders. */
const inFolders = (line: string): string =>
  line.replace(/p(\d+)$/, (_, index: string) => `${Number(index) & 1}/p${Number(index) >> 1}`)

/** `most`: pages at most. */
export const draw = (random: Randomness.Randomness, most = 6): Scenario => {
  const below = (count: number) => Randomness.below(random, count)
  const one = <A>(...choices: ReadonlyArray<A>) => choices[below(choices.length)]!
  const hosts = 1 + below(3)
  const pages = Array.from({ length: 1 + below(most) }, (_, index): Page => ({
    url: `http://h${below(hosts)}.test/p${index}`,
    kind: one("ok", "ok", "ok", "ok", "ok", "ok", "gone", "broken"),
    bytes: one(0, 1, 60, 200, 500),
    validator: one("strong", "strong", "weak", "none"),
    declared: random() < 0.5
  }))
  const lines = pages.flatMap(({ url }) => (random() < 0.1 ? [url, url] : [url]))
  if (random() < 0.1) lines.splice(below(lines.length + 1), 0, "no url")
  const chances: Partial<Record<Fault, number>> = {}
  for (const fault of faults) if (random() < 0.4) chances[fault] = one(0.1, 0.3)
  const diskChances: Partial<Record<DiskFault, number>> = {}
  if (random() < 0.2) for (const fault of diskFaults) if (random() < 0.5) diskChances[fault] = 0.1
  const drawn = {
    pages,
    lines,
    batch: 1 + below(3),
    jobs: 1 + below(4),
    perHost: 1 + below(2),
    delayMs: one(0, 0, 50, 2000, 40_000),
    retries: below(4),
    durability: one("process", "power"),
    power: random() < 0.5,
    stops: random() < 0.3 ? [below(500)] : []
  }
  const rare = random()
  /** One seed of so many, by the last of so many digits: the first three are what all else goes by. */
  const isOneOf = (per: number, digits: number) => (10 ** digits * rare) % per < 1
  const naming = isOneOf(25, 6) ? "flat" : "tree"
  // bodies that are continued, which few are else
  const isContinued = isOneOf(10, 8)
  const named = naming === "flat" ? pages.map((page) => ({ ...page, url: inFolders(page.url) })) : pages
  return {
    ...drawn,
    pages: isContinued ? named.map((page): Page => ({ ...page, validator: "strong", declared: false })) : named,
    lines: naming === "flat" ? lines.map(inFolders) : lines,
    naming,
    refresh: isOneOf(200, 10),
    faults: isContinued ? { ...chances, cut: 0.3, astray: 0.3 } : chances,
    journaled: rare < 0.2,
    diskFaults: rare >= 0.05 && rare < 0.08 ? { ...diskChances, "eio-look": 0.1, "eio-read": 0.1 } : diskChances,
    fresh: rare < 0.005,
    storeFaults: rare < 0.95 ? {} : { full: 0.025, ioerr: 0.008, busy: 0.008 },
    recorded: isOneOf(4, 4),
    clockShifts: rare >= 0.02 && rare < 0.05 ? shiftsOf(random) : []
  }
}

/** A crawl of pages in a chain, with a short cut by the last one: its answer may come when the long way has been gone. */
export const drawCrawl = (random: Randomness.Randomness, pages: ReadonlyArray<Page>): Crawl => {
  const last = pages.length - 1
  const middle = Math.max(0, last - 2)
  const links = new Map(
    pages.map(({ url }, index) => {
      const others = index === 0 ? [last] : index === last ? [middle] : []
      const to = [...others, ...(index < last - 1 ? [index + 1] : [])].map((number) => pages[number]!)
      return [url, [...to, ...pages.filter(() => random() < 0.1)].map((page) => page.url)]
    })
  )
  const maxDepth = random() < 0.3 ? Infinity : Math.max(1, middle)
  const crawl = { seed: pages[0]!.url, links, maxDepth }
  return random() < 0.5 ? crawl : { ...crawl, mostOfHost: 1 + Randomness.below(random, 3) }
}
