/**
 * A small download pipeline, whole in simulation: URLs are leased, fetched over a network that breaks, written to a part
 * file, synced, renamed and committed to a journal, on a disk that forgets. It is crashed before any operation and
 * resumes. The planted bugs show that each law can fail.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import {
  Faults,
  type Randomness,
  Simulation,
  SimulatedDisk,
  SimulatedFileSystem,
  SimulatedNetwork
} from "../../src/simulation/index.ts"

const bodyOf = (url: string) => `<${url}>`.repeat(4)
const workers = 2

type Bug =
  | "commits before the rename"
  | "commits before the sync"
  | "pops"
  | "believes a short body"
  | "takes without a lease"

/** What outlives a crash of the pipeline: the disk, and what the world outside has seen. */
interface Survivors {
  /** What is to be had; the list does not change. */
  readonly urls: ReadonlyArray<string>
  readonly disk: SimulatedDisk.SimulatedDisk
  /** Committed, and known to be so by whoever asked. */
  readonly acknowledged: Set<string>
  readonly fetchedAgain: Array<string>
  readonly struck: Partial<Record<SimulatedNetwork.NetworkFault, number>>
}

class ShortBody extends Schema.TaggedError<ShortBody>()("ShortBody", { url: Schema.String }) {}

const encode = (text: string) => new TextEncoder().encode(text)

const readAll = (connection: SimulatedNetwork.Connection) =>
  Effect.gen(function* () {
    let text = ""
    for (;;) {
      const next = yield* connection.receive
      if (Option.isNone(next)) return text
      text += new TextDecoder().decode(next.value)
    }
  })

/** Answers `u1` with `16 <u1><u1><u1><u1>`. */
const serve = (network: SimulatedNetwork.Network["Service"], { acknowledged, fetchedAgain }: Survivors) =>
  Effect.gen(function* () {
    const accept = yield* network.listen("host", 80)
    const answer = Effect.fnUntraced(function* (connection: SimulatedNetwork.Connection) {
      const url = yield* readAll(connection)
      if (acknowledged.has(url)) fetchedAgain.push(url)
      const body = bodyOf(url)
      yield* connection.send(encode(`${body.length} ${body}`))
      yield* connection.end
    })
    yield* Effect.forkScoped(
      Effect.forever(Effect.flatMap(accept, (connection) => Effect.forkScoped(Effect.ignore(answer(connection)))))
    )
  })

const fetch = (network: SimulatedNetwork.Network["Service"], url: string, bug: Bug | undefined) =>
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* network.connect("host", 80)
      yield* connection.send(encode(url))
      yield* connection.end
      const reply = yield* readAll(connection)
      const [, length = "0", body = ""] = /^(\d+) (.*)$/.exec(reply) ?? []
      if (bug !== "believes a short body" && (length === "0" || body.length !== Number(length)))
        return yield* new ShortBody({ url })
      return body
    })
  ).pipe(Effect.timeout("2 seconds"), Effect.retry({ times: 40 }))

const sync = (fs: FileSystem.FileSystem, path: string) =>
  Effect.scoped(Effect.flatMap(fs.open(path), (file) => file.sync))

/** The URLs of the journal's whole lines, and the length of these. */
const replay = (journal: string) => {
  const done: Array<string> = []
  let length = 0
  for (const [line, url] of journal.matchAll(/(u\d)\n/gy)) {
    done.push(url!)
    length += line.length
  }
  return { done, length }
}

const pipeline = (survivors: Survivors, bug?: Bug) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { urls } = survivors
      const network = yield* SimulatedNetwork.make({
        latencyMs: [1, 50],
        faults: { reset: 0.05, cut: 0.05, stall: 0.05, late: 0.05, split: 0.2, refused: 0.05 }
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => Faults.add(survivors.struck, network.struck)))
      yield* serve(network, survivors)
      const fs = SimulatedFileSystem.make(survivors.disk)

      for (const directory of ["/parts", "/pages"]) yield* fs.makeDirectory(directory, { recursive: true })
      const journal = yield* fs.open("/journal", { flag: "a+" })
      yield* sync(fs, "/")
      const { done, length } = replay(yield* fs.readFileString("/journal"))
      yield* journal.truncate(length)
      yield* journal.sync
      for (const url of done) survivors.acknowledged.add(url)

      const place = Number(yield* Effect.orElseSucceed(fs.readFileString("/place"), () => "0"))
      const waiting = bug === "pops" ? urls.slice(place) : urls.filter((url) => !done.includes(url))

      const turn = yield* Semaphore.make(1)
      const commit = (url: string) =>
        turn.withPermits(1)(
          Effect.gen(function* () {
            yield* journal.writeAll(encode(`${url}\n`))
            yield* journal.sync
            yield* Effect.sync(() => survivors.acknowledged.add(url))
          })
        )
      const pop = Effect.fnUntraced(function* (url: string) {
        yield* fs.writeFileString("/place", `${urls.indexOf(url) + 1}`)
        yield* sync(fs, "/place")
        yield* sync(fs, "/")
      })
      const download = Effect.fnUntraced(function* (url: string) {
        if (bug === "pops") yield* pop(url)
        const body = yield* fetch(network, url, bug)
        yield* fs.writeFileString(`/parts/${url}`, body)
        if (bug === "commits before the sync") yield* commit(url)
        yield* sync(fs, `/parts/${url}`)
        if (bug === "commits before the rename") yield* commit(url)
        yield* fs.rename(`/parts/${url}`, `/pages/${url}`)
        yield* sync(fs, "/pages")
        if (bug !== "commits before the sync" && bug !== "commits before the rename") yield* commit(url)
      })
      const take = Effect.gen(function* () {
        if (bug !== "takes without a lease") return waiting.shift()
        const url = yield* Effect.sync(() => waiting[0])
        yield* Effect.sync(() => waiting.shift())
        return url
      })
      const worker = Effect.gen(function* () {
        for (let url = yield* take; url !== undefined; url = yield* take) yield* download(url)
      })
      yield* Effect.all(
        Array.from({ length: workers }, () => worker),
        { concurrency: "unbounded" }
      )
    })
  )

const read = (disk: SimulatedDisk.SimulatedDisk, path: string) => {
  const buffer = new Uint8Array(disk.stat(path).size)
  disk.read(disk.open(path), buffer, 0)
  return new TextDecoder().decode(buffer)
}

const struck: Partial<Record<SimulatedNetwork.NetworkFault | SimulatedDisk.DiskFault, number>> = {}

const sweep = (options: {
  readonly seeds: number | Iterable<number>
  readonly points: number
  readonly urls: number
  readonly bug?: Bug
}) =>
  Simulation.sweepCrashes({
    make: (random: Randomness.Randomness): Survivors => ({
      urls: ["u1", "u2", "u3"].slice(0, options.urls),
      disk: SimulatedDisk.make({ random, sector: 1 }),
      acknowledged: new Set(),
      fetchedAgain: [],
      struck: {}
    }),
    crash: ({ disk }, random) => disk.crash(random),
    program: (survivors) => pipeline(survivors, options.bug),
    invariants: {
      "every URL has one outcome": (_, { disk, urls }) =>
        assert.deepStrictEqual(
          replay(read(disk, "/journal")).done.toSorted((a, b) => a.localeCompare(b)),
          urls
        ),
      "every file is whole, and is so after a loss of power": (_, { disk, urls }) => {
        disk.crash()
        for (const url of urls) assert.strictEqual(read(disk, `/pages/${url}`), bodyOf(url))
      },
      "nothing that was committed is fetched again": (_, { fetchedAgain }) => assert.deepStrictEqual(fetchedAgain, []),
      "the faults are counted": (_, survivors) => {
        Faults.add(struck, survivors.struck)
        Faults.add(struck, survivors.disk.faults.struck)
      }
    },
    ...options
  })

describe("a download pipeline in simulation", () => {
  it.effect("keeps its laws when it is crashed before any of its operations", () =>
    Effect.gen(function* () {
      const { points } = yield* sweep({ seeds: 1, points: Infinity, urls: 2 })
      assert.isAbove(points, 300)
    })
  )

  it.effect("keeps its laws under crashes at random operations of many schedules, with every fault there is", () =>
    Effect.gen(function* () {
      for (const kind of Object.keys(struck) as Array<keyof typeof struck>) delete struck[kind]
      const { points } = yield* sweep({ seeds: 60, points: 10, urls: 3 })
      assert.strictEqual(points, 60 * 10)
      for (const kind of ["reset", "cut", "stall", "late", "split", "refused", "unnamed"] as const)
        assert.isAtLeast(struck[kind] ?? 0, 50, kind)
      // only bytes of a file whose name was durable can be lost: those of the journal
      for (const kind of ["lost", "torn"] as const) assert.isAtLeast(struck[kind] ?? 0, 2, kind)
    })
  )

  it.effect.each([
    ["commits before the rename", "every file is whole"],
    ["commits before the sync", "every file is whole"],
    ["pops", "every URL has one outcome"],
    ["believes a short body", "every file is whole"],
    ["takes without a lease", "every URL has one outcome"]
  ] as const)("fails a pipeline that %s", ([bug, law]) =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(sweep({ seeds: 60, points: 10, urls: 3, bug }))
      assert.include(failure.message, law)
    })
  )
})
