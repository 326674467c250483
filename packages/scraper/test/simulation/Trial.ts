/**
 * The scraper, whole, in simulation: one list, or one crawl, fetched by runs that are crashed at any operation, lose power or are
 * stopped, until one comes to its end; and asked for again by a refresh.
 *
 * Real: the line (`Pipeline`, `Frontier`, `Politeness`, `Download`, `Decode`, `Committer`, `Retry`, `Naming`), what comes
 * before it (`Resume`, `Crawl.listOf`), the store (`SqlStore` over `effect/sql` and SQLite), the file sink, the report, the timeline.
 * Models: `Origin.ts` for session, network and servers; `SimulatedFiles.ts` for the file system; `Database.ts` for what
 * a crash leaves of the database; here, the list file (`ListFile`, `Lines`), the links
 * of pages (`Following`) and the check of files after a power loss.
 * Not there: the directory's lock, DNS, TLS, redirects, cookies, proxies, robots.txt, WARC, content codings, a disk that stays full.
 */
import type { Timeline } from "@simul/core/Timeline"
import { type Randomness, SimulatedDisk, Simulation, type Strategy } from "@simul/core/simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { hash } from "node:crypto"
import * as Crawl from "../../src/Crawl.ts"
import type { Following } from "../../src/crawl/Following.ts"
import type { Reading } from "../../src/Download.ts"
import type { Batch, Line } from "../../src/Lines.ts"
import { defaults, type Options } from "../../src/Options.ts"
import type { Outcome } from "../../src/Outcome.ts"
import * as Pipeline from "../../src/Pipeline.ts"
import type { Politeness } from "../../src/Politeness.ts"
import * as Recorder from "../../src/Recorder.ts"
import * as TargetRecorder from "../../src/recorder/TargetRecorder.ts"
import * as Report from "../../src/Report.ts"
import * as Resume from "../../src/Resume.ts"
import { Session } from "../../src/Session.ts"
import { Sink } from "../../src/Sink.ts"
import * as Files from "../../src/sink/Files.ts"
import * as FileName from "../../src/sink/FileName.ts"
import * as FileSink from "../../src/sink/FileSink.ts"
import { type Entry, type Place, Store } from "../../src/Store.ts"
import type { Target } from "../../src/Target.ts"
import * as Url from "../../src/Url.ts"
import * as Database from "./Database.ts"
import { Origin, timeoutMs } from "./Origin.ts"
import * as Scenario from "./Scenario.ts"
import * as SimulatedFiles from "./SimulatedFiles.ts"

/** Faulty services in the place of good ones, to show that the laws can be broken. */
export interface Bug {
  readonly files?: (files: Files.Files) => Files.Files
  readonly sink?: (sink: Sink["Service"], store: Store["Service"]) => Sink["Service"]
  readonly store?: (store: Store["Service"], database: Database.Database) => Store["Service"]
  readonly session?: (session: Session["Service"]) => Session["Service"]
  readonly politeness?: (politeness: Politeness) => Politeness
}

const directory = "/out"
const parts = `${directory}/.simul/parts`
const state = { pending: 0, saved: 1, unchanged: 2, refused: 3, failed: 4, invalid: 6 }
const isSaved = ({ state: found }: Pick<Database.Row, "state">) => found === state.saved || found === state.unchanged

export const laws = [
  "every URL has one outcome",
  "a list is known for unfinished until it is read to its end",
  "every saved file is whole",
  "no final name shows a partial file",
  "nothing lies about",
  "what is told is committed, and told once",
  "counts of progress, report and store agree",
  "a page is as deep as the shortest way to it",
  "no target has more attempts than it may",
  "nothing that was saved and committed is fetched again",
  "nothing that came whole is fetched again",
  "no host has more than its slots",
  "no host is asked sooner than its delay",
  "no host is asked before its Retry-After",
  "no host has more pages saved than it may",
  "no request outlives its run",
  "no wait is longer because the clock was set back",
  "the timeline has every target once, as it ended",
  "every millisecond of a target has one cause"
] as const
export type Law = (typeof laws)[number]

/** What outlives a crash: the world outside, and what was seen to go wrong. */
export interface Survivors {
  readonly scenario: Scenario.Scenario
  readonly disk: SimulatedDisk.SimulatedDisk
  readonly database: Database.Database
  readonly origin: Origin
  /** Losses of power. */
  boot: number
  /** All is done, and what is saved is asked for again. */
  isRefresh: boolean
  stops: ReadonlyArray<number>
  clockShifts: ReadonlyArray<Scenario.ClockShift>
  readonly violations: Map<Law, string>
}

export const make = (
  random: Randomness.Randomness,
  { pages, scenario: given, crawl = false }: Pick<TrialOptions, "pages" | "scenario" | "crawl"> = {}
): Survivors => {
  const drawn = { ...Scenario.draw(random, pages ?? (crawl ? 8 : 6)), ...given }
  const scenario: Scenario.Scenario = crawl
    ? { ...drawn, naming: "tree", crawl: Scenario.drawCrawl(random, drawn.pages) }
    : drawn
  const faults = { ...scenario.diskFaults, doubled: scenario.journaled ? 0 : 1 }
  const disk = SimulatedDisk.make({ random, sector: 64, faults })
  // it is there for good before the run begins
  SimulatedFiles.insist(() => disk.mkdir(directory))
  SimulatedFiles.insist(() => disk.sync(disk.open("/")))
  const violations = new Map<Law, string>()
  const broken = (law: string, detail: string) => {
    if (!violations.has(law as Law)) violations.set(law as Law, detail)
  }
  return {
    scenario,
    disk,
    database: new Database.Database(scenario.fresh, random, scenario.storeFaults),
    origin: new Origin(scenario, random, broken),
    boot: 0,
    isRefresh: false,
    stops: scenario.stops,
    clockShifts: scenario.clockShifts,
    violations
  }
}

const sha256 = (bytes: Uint8Array | string) => hash("sha256", bytes)

/**
 * The list as `ListFile` and `Lines` give it: from the furthest place on that it still begins with, with a place after
 * each batch.
 */
const continued = (
  { lines, batch }: Scenario.Scenario,
  places: ReadonlyArray<Place>,
  isRefresh: boolean
): Resume.Continued => {
  const text = (count: number) =>
    lines
      .slice(0, count)
      .map((line) => `${line}\n`)
      .join("")
  // the lines themselves stand for their digest: whoever has it only compares it
  const place = places.find((place) => place.sha256 === text(place.lines))
  let at = place?.lines ?? 0
  let ended = false
  const next = Effect.suspend(() => {
    if (ended) return Cause.done()
    const from = at
    at = Math.min(lines.length, at + batch)
    ended = from === at
    const prefix = text(at)
    const read: Batch = {
      lines: lines.slice(from, at).map((line, index): Line => ({ text: line, number: from + index + 1 })),
      place: { bytes: prefix.length, lines: at, sha256: () => prefix }
    }
    return Effect.succeed(read)
  })
  return {
    name: "/list",
    place,
    start: { bytes: 0, lines: 0, sha256: sha256("") },
    isRefresh,
    next,
    read: () => at / lines.length
  }
}

const targetOf = (url: string, depth: number): Target => ({ url, host: Url.origin(url), path: "", attempts: 0, depth })

/** What a crawl follows, as `crawl/Following.ts` gives it. A page leads where the scenario says. */
const followingOf = ({ links, maxDepth }: Scenario.Crawl): Following => {
  const read = ({ url, depth = 0 }: Target): Reading => ({
    write: () => true,
    end: () => (depth >= maxDepth ? [] : links.get(url)!.map((to) => targetOf(to, depth + 1)))
  })
  return {
    excludes: () => undefined,
    change: () => {},
    redirect: () => true,
    read,
    readWhole: (target) => Effect.succeed(read(target)),
    readAgain: ({ target }) => Effect.sync(() => read(target).end()),
    isNoindex: () => false,
    isBounded: () => maxDepth < Infinity,
    traps: undefined
  }
}

const optionsOf = ({ jobs, perHost, delayMs, retries, durability, naming }: Scenario.Scenario): Options => ({
  ...defaults,
  directory,
  jobs,
  perHost,
  delayMs,
  retries,
  durability,
  naming,
  timeoutMs,
  backoffMs: 100
})

/** Sees what is committed, for the laws. */
const watched = (
  { origin, database, scenario, isRefresh, violations }: Survivors,
  store: Store["Service"],
  told: Set<string>
): Store["Service"] => ({
  ...store,
  // whoever is killed after this has done all, and the next one asks again
  finished: (list, name) =>
    Effect.suspend(() => {
      if (isRefresh) origin.refreshes()
      return store.finished(list, name)
    }),
  commit: (commit) =>
    Effect.tap(store.commit(commit), () =>
      Effect.sync(() => {
        for (const { outcome } of commit.settled) told.add(outcome.url)
        origin.committed([
          ...commit.settled.map(({ target, outcome }) => ({ url: target.url, saved: outcome._tag !== "Failed" })),
          ...commit.waiting.filter(({ leased }) => !leased).map(({ target }) => ({ url: target.url, saved: false }))
        ])
        if (scenario.power && scenario.durability === "process") database.remember()
        const { mostOfHost } = scenario.crawl ?? {}
        if (mostOfHost === undefined) return
        for (const [host, saved] of savedByHost(database.rows()))
          if (saved > mostOfHost) violations.set("no host has more pages saved than it may", `${saved} of ${host}`)
      })
    )
})

const savedByHost = (rows: ReadonlyArray<Database.Row>): ReadonlyMap<string, number> => {
  const count = new Map<string, number>()
  for (const row of rows) if (isSaved(row)) count.set(Url.origin(row.url), (count.get(Url.origin(row.url)) ?? 0) + 1)
  return count
}

/** Of what ran: nothing is left out of a timeline of so few. */
const checkTimeline = (
  { lanes, overview }: Timeline,
  told: ReadonlyArray<Outcome>,
  violations: Survivors["violations"]
) => {
  // by index: an iterator makes an object of each number, and there are thousands
  const sum = (numbers: ReadonlyArray<number>) => {
    let total = 0
    for (let index = 0; index < numbers.length; index++) total += numbers[index]!
    return total
  }
  const ends = new Map(lanes.map(({ name, arguments: about }) => [name, about!["outcome"]]))
  if (ends.size < lanes.length)
    violations.set("the timeline has every target once, as it ended", `${lanes.length} lanes of ${ends.size} targets`)
  for (const { url, _tag } of told)
    if (typeof Url.parse(url) === "string" && ends.get(url) !== _tag.toLowerCase())
      violations.set("the timeline has every target once, as it ended", `${_tag} ${url}: ${ends.get(url)}`)
  let all = 0
  for (const { name, times, startMs, endMs } of lanes) {
    const charged = sum(Object.values(times))
    all += charged
    if (Math.abs(charged - (endMs - startMs)) > 1e-3)
      violations.set("every millisecond of a target has one cause", `${charged} of ${endMs - startMs} ms: ${name}`)
  }
  // the host's clock stands in for those of its targets, event by event
  const drawn = overview.binMs * sum(overview.counts.map(sum))
  if (Math.abs(drawn - all) > Math.max(1, all / 100))
    violations.set("every millisecond of a target has one cause", `${all} ms of targets are drawn as ${drawn}`)
}

/** Of a crawl nobody can tell what is not read yet. */
const checkUnfinished = ({ database, scenario, violations }: Survivors) => {
  if (scenario.crawl !== undefined || database.isUnfinished()) return
  const urls = new Set(database.rows().map(({ url }) => url))
  const unread = scenario.lines.filter((line) => typeof Url.parse(line) === "string" && !urls.has(line))
  if (urls.size > 0 && unread.length > 0)
    violations.set("a list is known for unfinished until it is read to its end", unread.join(" "))
}

/** One run: what `Get.open` does, over these services. Gives its last progress, and the report. */
const run = Effect.fnUntraced(function* (survivors: Survivors, bug: Bug) {
  const { scenario, disk, database, origin, isRefresh, violations } = survivors
  const options = optionsOf(scenario)
  const plain = SimulatedFiles.make(disk)
  const files = bug.files?.(plain) ?? plain
  const boot = `boot ${survivors.boot}`
  const begun = yield* Database.begin(
    database.connection,
    // where no real file is: none is written beside one that fails
    { file: "nowhere/store", boot, durability: scenario.durability },
    database.statementFaults()
  )
  checkUnfinished(survivors)
  const store = bug.store?.(begun.store, database) ?? begun.store
  const made: Sink["Service"] = {
    ...FileSink.make({ ...options, parts, files }),
    isWhole: (path, { bytes, sha256: expected }) =>
      Effect.sync(() => {
        const file = `${directory}/${path}`
        return Files.seen(files, file)?.size === bytes && sha256(disk.contents().get(file)!) === expected
      })
  }
  const sink = bug.sink?.(made, store) ?? made
  if (scenario.power && scenario.durability === "process") database.remember()

  yield* Resume.mend(store, sink)
  const { crawl } = scenario
  const list =
    crawl === undefined
      ? yield* Resume.listOf(store, begun.run, continued(scenario, yield* store.places(isRefresh), isRefresh))
      : yield* Crawl.listOf(store, begun.run, followingOf(crawl), [targetOf(crawl.seed, 0)], {
          refresh: isRefresh,
          text: "rules",
          ...(crawl.mostOfHost === undefined ? {} : { maxPagesPerHost: crawl.mostOfHost })
        })
  const committed = new Set<string>()
  const told: Array<Outcome> = []
  const seen = scenario.recorded ? TargetRecorder.make({ title: "a run", robots: false }) : undefined
  // after the line, which is closed first
  if (seen !== undefined)
    yield* Effect.addFinalizer(() => Effect.sync(() => checkTimeline(seen.timeline(), told, violations)))
  const recorder = seen ?? Recorder.none
  const line = yield* Pipeline.start(list, {
    ...options,
    recorder: { ...recorder, politeness: (one) => recorder.politeness(bug.politeness?.(one) ?? one) }
  }).pipe(
    Effect.provideService(Session, bug.session?.(origin.session) ?? origin.session),
    Effect.provideService(Sink, sink),
    Effect.provideService(Store, watched(survivors, store, committed))
  )
  const tell = (outcomes: ReadonlyArray<Outcome>) => {
    told.push(...outcomes)
    for (const { _tag, url, attempts } of outcomes) {
      if (!committed.delete(url)) violations.set("what is told is committed, and told once", `${_tag} ${url}`)
      if (attempts > scenario.retries + 1)
        violations.set("no target has more attempts than it may", `${attempts} at ${url}`)
    }
  }
  yield* Pull.catchDone(Effect.forever(Effect.map(line.take, tell)), () => Effect.void)
  yield* line.finish
  const report = Report.make()
  yield* Stream.runForEachArray(store.entries, (entries: ReadonlyArray<Entry>) =>
    Effect.sync(() => entries.forEach(report.add))
  )
  return { list: list.number, progress: line.progress(), report: report.result(), told }
}, Effect.scoped)

/** A run on a machine whose clock is set meanwhile, if it is. */
const shifted = <A, E, R>(survivors: Survivors, one: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const [shift, ...rest] = survivors.clockShifts
  if (shift === undefined) return one
  survivors.clockShifts = rest
  // in this order: a request in between must not seem to come sooner than it does
  const set = Effect.suspend(() => {
    survivors.origin.clockShifted(shift.byMs)
    return Simulation.shiftClock(shift.byMs)
  })
  if (shift.afterMs === 0) return Effect.andThen(set, one)
  return Effect.raceFirst(one, Effect.andThen(Effect.delay(set, shift.afterMs), Effect.never))
}

/** The program of a trial: runs that are stopped or whose store or directory fails them, and one that comes to its end. */
const program = Effect.fnUntraced(function* (survivors: Survivors, bug: Bug) {
  const nothing = () => Effect.succeedNone
  for (;;) {
    const startedMs = performance.now()
    const [stopMs, ...rest] = survivors.stops
    survivors.stops = rest
    const one = Effect.catchTags(Effect.asSome(shifted(survivors, run(survivors, bug))), {
      DirectoryUnusable: nothing,
      StoreFull: nothing,
      StoreLocked: nothing,
      StoreUnusable: nothing
    })
    const ended = yield* stopMs === undefined ? one : Effect.map(Effect.timeoutOption(one, stopMs), Option.flatten)
    const tookMs = performance.now() - startedMs
    if (tookMs > survivors.origin.mostMs())
      survivors.violations.set("no wait is longer because the clock was set back", `a run took ${tookMs} ms`)
    const isDone = stopMs === undefined && Option.isSome(ended)
    if (isDone && survivors.isRefresh === survivors.scenario.refresh) return ended.value
    yield* Effect.sync(() => {
      if (isDone) {
        survivors.isRefresh = true
        survivors.stops = survivors.scenario.stops
        survivors.origin.refreshes()
      }
      survivors.origin.checkIdle()
      survivors.origin.hangUp(false)
    })
  }
})
type Ended = Effect.Success<ReturnType<typeof run>>

// ---- the laws

/** What a page may be called. */
const namesOf = (url: string, naming: Scenario.Scenario["naming"]): ReadonlyArray<string> => {
  if (naming === "tree") return [FileName.fromUrl(url)]
  const { plain, unique } = FileName.flat(url)
  return [plain, unique]
}

/** Every file outside of the state folder is whole. Without syncs nobody promises that over a loss of power. */
const checkNames = (
  { boot, disk, origin, scenario, violations }: Survivors,
  files = SimulatedFiles.filesBelow(disk, directory)
) => {
  if (boot > 0 && scenario.durability === "process") return
  for (const [path, bytes] of files) {
    if (path.startsWith(".simul/")) continue
    const pages = scenario.pages.filter(({ url }) => namesOf(url, scenario.naming).includes(path))
    if (pages.length === 0) violations.set("nothing lies about", path)
    else if (!pages.some(({ url }) => origin.isBodyOf(url, bytes)))
      violations.set("no final name shows a partial file", `${path}: ${bytes.length} of ${pages[0]!.bytes} bytes`)
  }
}

/**
 * What a killed run has placed and not committed the next one places there again, and not beside it as if it were the
 * user's: unless the disk had lost the name, or does not tell.
 */
const checkOwnNames = (
  rows: ReadonlyArray<Database.Row>,
  files: ReadonlyMap<string, Uint8Array>,
  { boot, disk, origin, scenario, violations }: Survivors
) => {
  const { "eio-close": unclosed, "eio-look": unseen, "eio-read": unread } = disk.faults.struck
  if (boot > 0 || unclosed !== undefined || unseen !== undefined || unread !== undefined) return
  const named = new Set(rows.map(({ url, path }) => path ?? FileName.fromUrl(url)))
  for (const row of rows)
    for (const path of isSaved(row) ? namesOf(row.url, scenario.naming) : []) {
      const file = files.get(path)
      if (file !== undefined && !named.has(path) && origin.isBodyOf(row.url, file))
        violations.set("nothing lies about", `${path}, and ${row.url} under another name`)
    }
}

const crash = (survivors: Survivors, random: Randomness.Randomness) => {
  const { scenario, disk, database, origin } = survivors
  const losesPower = scenario.power && random() < 0.5
  const isForgetful = losesPower && scenario.durability === "process"
  if (losesPower) {
    disk.crash(random)
    survivors.boot++
  }
  database.crash(isForgetful)
  origin.hangUp(isForgetful)
  checkNames(survivors)
}

/**
 * The URLs that a crawl should have, by what it has saved. What was saved, and damaged by a loss of power, and could not be
 * had again, has led to others all the same; so has what a refresh could not have.
 */
const reachedBy = (crawl: Scenario.Crawl, survivors: Survivors): ReadonlyArray<string> => {
  const { database, violations } = survivors
  const mayBeLost = survivors.boot > 0 || survivors.isRefresh
  const rows = new Map(database.rows().map((row) => [row.url, row]))
  const least = Scenario.reached(crawl, () => true)
  const depths = Scenario.reached(crawl, (url) => {
    const row = rows.get(url)
    return row !== undefined && isSaved(row)
  })
  if (mayBeLost) for (const [url] of least) if (rows.has(url) && !depths.has(url)) depths.set(url, Infinity)
  // without a bound the depth is for the order alone
  if (crawl.maxDepth < Infinity)
    for (const [url, depth] of depths) {
      const found = rows.get(url)?.depth ?? depth
      if (found > depth || (found < depth && (!mayBeLost || found < least.get(url)!)))
        violations.set("a page is as deep as the shortest way to it", `${url}: ${found}, not ${depth}`)
    }
  return [...depths.keys()]
}

const judge = ({ list, progress, report, told }: Ended, survivors: Survivors) => {
  const { scenario, disk, database, origin, violations } = survivors
  const rows = database.rows()
  const { crawl } = scenario
  const lines = crawl === undefined ? scenario.lines : reachedBy(crawl, survivors)
  const urls = new Set(lines.filter((line) => typeof Url.parse(line) === "string"))
  const invalid = lines.filter((line) => typeof Url.parse(line) !== "string").length
  const pages = rows.filter(({ url }) => urls.has(url))
  const savedOf = savedByHost(rows)
  const wrong = [...urls].filter((url) => {
    const row = pages.find((row) => row.url === url)
    // it is left over where its host has what it may
    const isLeft = row?.state === state.pending && savedOf.get(Url.origin(url)) === crawl?.mostOfHost
    return row === undefined || !(isSaved(row) || row.state === state.failed || isLeft)
  })
  if (wrong.length > 0 || rows.length !== urls.size + invalid)
    violations.set("every URL has one outcome", `${rows.length} rows; without an outcome: ${wrong.join(" ")}`)

  const check = () => {
    const files = SimulatedFiles.filesBelow(disk, directory)
    for (const { url, bytes, sha256: digest, path } of pages.filter(isSaved)) {
      const file = files.get(path ?? FileName.fromUrl(url))
      if (file === undefined || file.length !== bytes || sha256(file) !== digest || !origin.isBodyOf(url, file))
        violations.set("every saved file is whole", `${url}: ${file?.length ?? "no"} bytes, recorded ${bytes}`)
    }
    return files
  }
  const files = check()
  checkNames(survivors, files)
  if (scenario.naming === "flat") checkOwnNames(pages, files, survivors)
  // what is left over may go on some day with what it has; what could not be found or removed is swept some day
  const { "eio-look": unseen, "eio-name": unremoved } = disk.faults.struck
  if (unseen === undefined && unremoved === undefined && !pages.some((row) => row.state === state.pending))
    for (const path of files.keys()) if (path.startsWith(".simul/parts/")) violations.set("nothing lies about", path)
  const count = (wanted: number) => rows.filter(({ state }) => state === wanted).length
  const counts = {
    targets: rows.length,
    saved: rows.filter(isSaved).length,
    failed: count(state.failed) + count(state.invalid)
  }
  const same = (name: string, found: typeof counts) => {
    if (JSON.stringify(found) !== JSON.stringify(counts))
      violations.set(
        "counts of progress, report and store agree",
        `${name} ${JSON.stringify(found)}, store ${JSON.stringify(counts)}`
      )
  }
  const { saved, unchanged, skipped, failed, total = -1 } = progress
  // what another list saved has no row of this one that tells that it came twice; only within a batch that is seen
  let again = 0
  for (const row of rows)
    if (row.list !== list) {
      const batches = lines.flatMap((line, index) => (line === row.url ? [Math.floor(index / scenario.batch)] : []))
      again += new Set(batches).size - 1
    }
  same("progress", { targets: total - again, saved: saved + unchanged + skipped - again, failed })
  if (told.filter(({ _tag }) => _tag === "Saved").length !== saved)
    violations.set("counts of progress, report and store agree", `${saved} saved, told of others`)
  same("report", { targets: report.targets, saved: report.saved + report.unchanged, failed: report.failed })
  if (scenario.durability === "power") {
    disk.crash()
    check()
  }
}

export interface TrialOptions {
  readonly bug?: Bug
  /**
   * An undisturbed run of each seed and so many crashed ones [one run, crashed or not: twice as many bugs found in the
   * same time].
   */
  readonly points?: number
  readonly point?: number
  readonly strategy?: Strategy.Strategy
  /** Pages at most [6; of a crawl 8: with fewer a seed costs less, and the planted bugs take as much CPU or more]. */
  readonly pages?: number
  /** A crawl of the pages, and not a list of them. */
  readonly crawl?: boolean
  /** What of the scenario is not left to the seed. */
  readonly scenario?: Partial<Scenario.Scenario>
  /** Those that are held to [all]. */
  readonly laws?: ReadonlyArray<Law>
  /** Told of each end. */
  readonly onEnd?: (survivors: Survivors) => void
}

/** Runs each seed's scenario undisturbed, and once more for each point, crashed there. */
export const sweep = (seeds: number | Iterable<number>, options: TrialOptions = {}) => {
  const { bug = {}, points, point, strategy, laws: held = laws, onEnd } = options
  return Simulation.sweepCrashes({
    make: (random) => make(random, options),
    // a span for each statement, that nobody looks at
    program: (survivors) => Effect.withTracerEnabled(program(survivors, bug), false),
    crash,
    invariants: {
      "the end is judged": (ended: Ended, survivors: Survivors) => {
        judge(ended, survivors)
        onEnd?.(survivors)
      },
      ...Object.fromEntries(
        held.map((law) => [
          law,
          (_: Ended, { violations }: Survivors) => {
            const detail = violations.get(law)
            if (detail !== undefined) throw new Error(detail)
          }
        ])
      )
    },
    seeds,
    // as many operations as three runs of four have, or fewer
    ...(points === undefined ? { within: options.crawl === true ? 2000 : 1500 } : { points }),
    process: true,
    // a time like any, which a clock that is set back leaves one
    startMs: 1_700_000_000_000,
    downMs: 10_000,
    maxSteps: 200_000,
    ...(point === undefined ? {} : { point }),
    ...(strategy === undefined ? {} : { strategy })
  })
}
