/**
 * `simul verify`: reads every saved file and archived record again and compares
 * it with what was recorded: length, sha256, and that every target has its one
 * outcome, but for those that a limit of their crawl holds back. Asks, too, whether
 * every list that was begun was read to its end, for what was not has no record.
 * With `--repair` what is not as recorded is asked for again by the next run.
 */
import * as Command from "effect/cli/Command"
import * as Report from "@simul/scraper/Report"
import type { RunError } from "@simul/scraper/RunError"
import * as ArchiveCheck from "@simul/scraper/sink/ArchiveCheck"
import * as ArchivedBodies from "@simul/scraper/sink/ArchivedBodies"
import * as ArchiveIndex from "@simul/scraper/sink/ArchiveIndex"
import * as DamagedPaths from "@simul/scraper/sink/DamagedPaths"
import * as Recorded from "@simul/scraper/sink/Recorded"
import type { Outcome } from "@simul/scraper/Outcome"
import * as RecordLocation from "@simul/scraper/sink/RecordLocation"
import { crawled, type Entry, type ListName, unnamed } from "@simul/scraper/Store"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { statSync } from "node:fs"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { commandFor, directoryArgument } from "../DirectoryArgument.ts"
import { onOff } from "../FlagKinds.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { Incomplete } from "../Incomplete.ts"
import { printable } from "../Printable.ts"
import * as Progress from "../Progress.ts"
import { Records } from "../Records.ts"
import { complaint, hint, Screen } from "../Screen.ts"
import * as Sizes from "../Sizes.ts"
import * as Summary from "../Summary.ts"

/** What is wrong with a target, in a word and in detail. */
interface Fault {
  readonly kind: "missing" | "changed" | "undone"
  readonly name: string
  readonly detail: string
  /** Where the body lies that it is about, if it is about one. */
  readonly path?: string
}

const told = (fault: Recorded.Fault, bytes: number): Pick<Fault, "kind" | "detail"> => {
  switch (fault._tag) {
    case "Missing":
      return {
        kind: "missing",
        detail: fault.code === undefined ? "no such file" : `it cannot be read (${fault.code})`
      }
    case "Length":
      return { kind: "changed", detail: `${fault.found} bytes, not ${bytes}` }
    case "Hash":
      return { kind: "changed", detail: "other bytes than were saved (sha256)" }
    case "Record":
      return { kind: "changed", detail: fault.detail }
  }
}

type Bodies = Effect.Success<ReturnType<typeof ArchivedBodies.make>>

type Read = Effect.Success<ReturnType<Records["Service"]["read"]>>

/** Whether a file was given its name since. */
const isSince = (file: string, ms: number | undefined): boolean =>
  ms !== undefined && (statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0) >= ms

/** Tells what is wrong with an entry: `undefined` where it is seen at once that nothing is. */
const judge = (directory: string, bodies: Bodies, { now }: Pick<Read, "now">) => {
  const atOnce = Recorded.makeAtOnce()
  /** A run that fetches it again gives the file its name first, and then records it. */
  const confirmed = Effect.fnUntraced(function* (
    entry: Entry,
    { url, path, bytes }: Extract<Outcome, { _tag: "Saved" | "Unchanged" }>,
    fault: Recorded.Fault
  ): Effect.fn.Return<Fault | undefined, RunError> {
    const latest = yield* now(entry)
    if (latest.entry !== undefined && !isDeepStrictEqual(latest.entry, entry))
      return yield* look(latest.entry) ?? Effect.undefined
    if (isSince(join(directory, path), latest.sinceMs))
      return { kind: "undone", name: url, detail: "fetched again, and not recorded yet" }
    return { name: path, path, ...told(fault, bytes) }
  })
  const look = (entry: Entry): Effect.Effect<Fault | undefined, RunError> | undefined => {
    if ("pending" in entry) {
      if (entry.pending.beyond !== undefined) return undefined
      return Effect.succeed({ kind: "undone", name: entry.pending.url, detail: "no outcome yet" })
    }
    const { outcome } = entry
    if (outcome._tag !== "Saved" && outcome._tag !== "Unchanged") return undefined
    const { path, bytes, sha256 } = outcome
    const found = atOnce(directory, path, { bytes, sha256 })
    if (found !== undefined) return found.fault && confirmed(entry, outcome, found.fault)
    return Effect.gen(function* () {
      // it is read with its archive
      if (yield* bodies.add(path, { bytes, sha256 })) return undefined
      const fault = yield* Recorded.recordedLater(directory, path, { bytes, sha256 })
      return fault && (yield* confirmed(entry, outcome, fault))
    })
  }
  return look
}

/** What is wrong with archives, with the bodies in them, and with their index. */
const archived = (
  directory: string,
  bodies: Bodies,
  { archives, indexed, holds }: Pick<Read, "archives" | "indexed" | "holds">,
  /** Whether a run may have added to them. */
  grows: Read["begunSince"],
  onBody: () => void
): Stream.Stream<Fault | undefined, RunError> => {
  const named =
    (name: string) =>
    ({ body, fault }: ArchiveCheck.Found): Fault => {
      if (body === undefined) return { name, ...told(fault, 0) }
      const path = RecordLocation.toPath(body)
      return { name: path, path, ...told(fault, body.bytes) }
    }
  const counted = function* <A>(bodies: Iterable<A>) {
    for (const body of bodies) {
      onBody()
      yield body
    }
  }
  const holdsNow = (digest: string) => Effect.runPromise(holds(digest))
  const growsNow = () => Effect.runPromise(grows)
  const records = Stream.flatMap(Stream.fromEffect(bodies.sorted), (sorted) => {
    const bytes = new Map(sorted.archives.map((name) => [name, 0]))
    for (const archive of archives) bytes.set(archive.name, archive.bytes)
    return Stream.flatMap(Stream.fromIterable([...bytes]), ([name, bytes]) => {
      const faults = ArchiveCheck.faults(directory, { name, bytes }, counted(sorted.within(name)), holdsNow, growsNow)
      return Stream.map(Stream.orDie(Stream.fromAsyncIterable(faults, (error) => error)), named(name))
    })
  })
  if (indexed === undefined) return records
  const { bytes } = indexed
  return Stream.concat(
    records,
    Stream.fromEffect(
      Effect.gen(function* () {
        const fault = yield* Recorded.recorded(directory, ArchiveIndex.name, indexed)
        return fault === undefined || (yield* grows) ? undefined : { name: ArchiveIndex.name, ...told(fault, bytes) }
      })
    )
  )
}

const unread = (name: ListName): string => {
  if (name === unnamed) return "a run did not come to its end"
  return `no run came to the end of ${name === crawled ? "the crawl" : printable(name)}`
}

const verify = Effect.fnUntraced(function* (directory: string, repair: boolean, quiet: boolean) {
  const screen = yield* Screen
  const records = yield* Records
  const { entries, now, archives, indexed, holds, unfinished, isHeld, begunSince } = yield* records.read(directory)
  const grows = isHeld ? Effect.succeed(true) : begunSince
  const bodies = yield* ArchivedBodies.make(directory)
  const faults = { missing: 0, changed: 0, undone: 0 }
  const damaged = yield* DamagedPaths.make
  let isDamaged = false
  const fold = Report.make()
  const looked = { urls: 0, archived: 0 }
  const faultOf = judge(directory, bodies, { now })
  const look = (entry: Entry) => {
    looked.urls++
    fold.add(entry)
    return faultOf(entry)
  }
  // What is waited for, four at a time: reading and hashing overlap, and the disk is not torn apart. In the order of the
  // records.
  const looking = entries.pipe(
    Stream.filterMap((entry) => Result.fromNullishOr(look(entry), () => undefined)),
    Stream.mapEffect((fault) => fault, { concurrency: 4 }),
    Stream.concat(archived(directory, bodies, { archives, indexed, holds }, grows, () => looked.archived++)),
    Stream.runForEach((fault) => {
      if (fault === undefined) return Effect.void
      faults[fault.kind] += 1
      const line = screen.data(`${fault.kind}\t${printable(fault.name)}\t${printable(fault.detail)}\n`)
      if (fault.path === undefined) return line
      isDamaged = true
      return repair ? Effect.andThen(damaged.add(fault.path), line) : line
    })
  )
  /** Archives are read after all else. */
  const line = () => {
    const { urls, archived } = looked
    const read = archived === 0 ? "" : `   ${Progress.number(archived)} bodies in archives read`
    return `${Progress.number(urls)} URLs looked at${read}`
  }
  const show = quiet ? Effect.void : Progress.working(line, screen)
  yield* Effect.scoped(Effect.andThen(show, looking))

  const kinds = (Object.keys(faults) as ReadonlyArray<keyof typeof faults>).filter((kind) => faults[kind] > 0)
  const report = fold.result(0)
  const beyond = Summary.beyond(report.limit, report.beyond)
  if (kinds.length + unfinished.length === 0) {
    if (quiet) return
    const all = `${Summary.plural(report.saved + report.unchanged, "file")} (${Sizes.format(report.bytes)})`
    screen.note(`${screen.paint.green("verified")} ${all}: all as recorded`)
    if (beyond.length > 0) screen.note(`\n${beyond.map((text) => hint(screen.paint, text)).join("\n")}`)
    return
  }
  const distrusted = repair && isDamaged ? yield* records.distrust(directory, damaged.paths) : 0
  const words = { missing: "missing", changed: "changed", undone: "without an outcome" }
  const facts = [
    ...kinds.map((kind) => `${Progress.number(faults[kind])} ${words[kind]}`),
    ...(isHeld && unfinished.length > 0 ? ["a run is under way"] : unfinished.map(unread))
  ]
  screen.note(
    complaint(screen.paint, facts.join(", "), [
      ...(faults.undone + unfinished.length > 0 ? [Summary.finish(isHeld)] : []),
      ...(isDamaged && !repair
        ? [
            `\`${commandFor("simul verify", directory)} --repair\` has what is missing or changed fetched again by the command that wrote it`
          ]
        : []),
      ...(distrusted > 0 ? [`the command that wrote it fetches ${Summary.plural(distrusted, "URL")} again`] : []),
      ...beyond
    ])
  )
  return yield* new Incomplete()
}, Effect.scoped)

export const command = Command.make(
  "verify",
  { directory: directoryArgument, repair: onOff("repair", "Have what is not as recorded fetched again") },
  Effect.fnUntraced(function* ({ directory, repair }) {
    yield* verify(directory, repair, yield* GlobalFlags.quiet)
  })
).pipe(
  Command.withDescription(
    "Read every saved file again and compare it with what was recorded: its length,\nits sha256, and that every URL has its one outcome. Nor is a list file (by its\npath) or a crawl vouched for that was begun and did not come to its end; of\nlists from arguments or stdin that is known of the last one. Faults go to\nstdout, one a line: missing, changed or undone, a tab, the file or URL, a tab,\nand why. With `--repair` the command that wrote them fetches those again when\nit is run next."
  ),
  Command.withShortDescription("Check saved files against their records"),
  Command.withExamples([
    { command: "simul verify pages", description: "Is all still there?" },
    { command: "simul verify pages --repair", description: "Forget what is not, so that it is fetched again" }
  ])
)
