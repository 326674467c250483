/** A downloader that is killed before each of its steps: what is lost depends on what is made durable first. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import { type Randomness, SimulatedDisk, SimulatedFileSystem, Simulation } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"

const parameters = {
  pages: Parameter.whole("pages on the list", { default: 3, minimum: 1, maximum: 6 }),
  seeds: Parameter.whole("fates of what was not durable, each", { default: 2, minimum: 1, maximum: 200 })
}

const body = (page: string) => `<${page}>`.repeat(8)

const sync = (fs: FileSystem.FileSystem, path: string) =>
  Effect.scoped(Effect.flatMap(fs.open(path), (file) => file.sync))

interface Survivors {
  readonly disk: SimulatedDisk.SimulatedDisk
}

/** What is done with each step: of what file, and what it is. */
type Step<R> = <A, E>(of: string, what: string, step: Effect.Effect<A, E>) => Effect.Effect<A, E, R>

/** Saves each page that the journal does not have: a part, synced, renamed, then the journal's line; or the line first. */
const download = <R = never>(
  { disk }: Survivors,
  pages: ReadonlyArray<string>,
  journalFirst: boolean,
  step: Step<R> = (_, __, effect) => effect
): Effect.Effect<void, PlatformError.PlatformError, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fs = SimulatedFileSystem.make(disk)
      yield* fs.makeDirectory("/pages", { recursive: true })
      const journal = yield* fs.open("/journal", { flag: "a+" })
      yield* sync(fs, "/")
      const text = yield* fs.readFileString("/journal")
      // a torn last line is none
      const whole = text.slice(0, text.lastIndexOf("\n") + 1)
      yield* journal.truncate(whole.length)
      const done = whole.split("\n")
      const commit = Effect.fnUntraced(function* (page: string) {
        yield* step("journal", "line", journal.writeAll(new TextEncoder().encode(`${page}\n`)))
        yield* step("journal", "sync", journal.sync)
      })
      for (const page of pages) {
        if (done.includes(page)) continue
        if (journalFirst) yield* commit(page)
        yield* step("page", "write", fs.writeFileString(`/pages/${page}.part`, body(page)))
        yield* step("page", "sync", sync(fs, `/pages/${page}.part`))
        yield* step("page", "rename", fs.rename(`/pages/${page}.part`, `/pages/${page}`))
        yield* step("page", "sync", sync(fs, "/pages"))
        if (!journalFirst) yield* commit(page)
      }
    })
  )

/** How long a step takes in the picture. */
const stepMs = 10

/** One page, step by step, and what a crash would lose: from when the journal promises the page to when the disk has it. */
const drawn = (title: string, journalFirst: boolean) =>
  Stage.variant(
    title,
    Effect.gen(function* () {
      let promised = 0
      let left = 4
      yield* Stage.count("lost if killed", 0)
      const step: Step<Stage.Stage> = (of, what, effect) =>
        Effect.gen(function* () {
          const done = yield* Stage.during(of, "worker", Effect.andThen(Effect.sleep(stepMs), effect), what)
          if (of === "page") left--
          else promised = 1
          yield* Stage.count("lost if killed", left > 0 ? promised : 0)
          return done
        })
      yield* Effect.orDie(download({ disk: SimulatedDisk.make() }, ["page1"], journalFirst, step))
    })
  )

const read = (disk: SimulatedDisk.SimulatedDisk, path: string) => {
  try {
    const buffer = new Uint8Array(disk.stat(path).size)
    disk.read(disk.open(path), buffer, 0)
    return new TextDecoder().decode(buffer)
  } catch {
    return undefined
  }
}

export const crashResume = Scenario.make({
  name: "crash-resume",
  title: "Killed before every step, and resumed",
  question: {
    text: () => "The journal says that a page is saved, then the page is saved. Of 100 crashes, how many lose one?",
    answer: "lostFirst"
  },
  parameters,
  theory: () => ({
    points: { what: "instants at which it was killed", formula: "every step of it", value: 100, is: "at least" },
    lostAfter: { what: "that lost a page: file, then journal", formula: "0", value: 0, unit: "%" },
    lostFirst: {
      what: "that lost a page: journal, then file",
      formula: "more than 5",
      value: 5,
      unit: "%",
      is: "at least"
    },
    seen: { what: "pages there without a crash, either way", formula: "all", value: "all" }
  }),
  lasts: ({ pages, seeds }) => 300 * pages * seeds,
  program: Effect.fnUntraced(function* ({ pages: count, seeds }) {
    const pages = Array.from({ length: count }, (_, index) => `page${index + 1}`)
    const isWhole = (disk: SimulatedDisk.SimulatedDisk) =>
      pages.every((page) => read(disk, `/pages/${page}`) === body(page))
    const sweep = (journalFirst: boolean) =>
      Effect.orDie(
        Simulation.sweepCrashes({
          seeds,
          points: 300,
          keepGoing: true,
          make: (random: Randomness.Randomness): Survivors => ({ disk: SimulatedDisk.make({ random, sector: 1 }) }),
          crash: ({ disk }, random) => disk.crash(random),
          program: (survivors) => download(survivors, pages, journalFirst),
          invariants: { "every page is whole": (_, { disk }) => isWhole(disk) }
        })
      )
    yield* drawn("file, then journal", false)
    yield* drawn("journal, then file", true)
    return yield* Stage.variant(
      "killed before every step, then started again",
      Effect.gen(function* () {
        const disk = SimulatedDisk.make()
        const other = SimulatedDisk.make()
        yield* Effect.orDie(download({ disk }, pages, false))
        yield* Effect.orDie(download({ disk: other }, pages, true))
        const after = yield* sweep(false)
        const first = yield* sweep(true)
        yield* Stage.say("file, then journal", `${after.failures.length} of ${after.points} crashes lost a page`)
        yield* Stage.say("journal, then file", `${first.failures.length} of ${first.points} crashes lost a page`)
        return {
          points: Math.min(after.points, first.points),
          lostAfter: (100 * after.failures.length) / after.points,
          lostFirst: (100 * first.failures.length) / first.points,
          seen: isWhole(disk) && isWhole(other) ? "all" : "not all"
        }
      })
    )
  }),
  prose: (_, { points, lostAfter, lostFirst }) => [
    `The two programs differ by the place of one line, and without a crash nobody can tell them apart. Killed at ${points} instants and started again, the one that writes the journal last lost a page in ${lostAfter.toFixed(0)} % of them, the one that writes it first in ${lostFirst.toFixed(0)} %: it believes a promise.`,
    "The disk forgets as a real one may: what was not synced is kept or lost, piece by piece, by seed. What is renamed needs its directory synced, too. `simul get` keeps this order: a file has its final name before the commit that says so."
  ]
})
