// oxlint-disable vitest/no-standalone-expect -- `it.effect` is a test block
import { assert, beforeEach, describe, it } from "@effect/vitest"
import * as FetchError from "@simul/scraper/FetchError"
import { NoStore } from "@simul/scraper/RunError"
import { crawled, type Entry, type ListName, unnamed } from "@simul/scraper/Store"
import { Site } from "@simul/scraper/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"
import { Records } from "../src/Records.ts"
import { shellWord } from "../src/ShellWord.ts"
import * as FakeEngine from "./FakeEngine.ts"
import * as Folder from "./Folder.ts"
import * as InProcess from "./InProcess.ts"

const { saved, notFound, refused, failed } = FakeEngine
const { folder, put } = Folder.make("inspect")

/** A command on given records: the whole screen. */
const screenOf = (
  args: ReadonlyArray<string>,
  entries: ReadonlyArray<Entry> | undefined,
  unfinished: ReadonlyArray<ListName> = [],
  isHeld = false,
  now: { readonly entry?: Entry; readonly sinceMs?: number } = {},
  read: Stream.Stream<Entry> = Stream.fromIterable(entries ?? [])
) => {
  const records: Records["Service"] = {
    read: (directory) =>
      entries === undefined
        ? Effect.fail(new NoStore({ directory }))
        : Effect.succeed({
            entries: read,
            now: () => Effect.succeed({ entry: now.entry, sinceMs: now.sinceMs }),
            lost: Stream.fromIterable(
              entries.filter((entry) => "outcome" in entry && /^(?:Failed|Refused)$/.test(entry.outcome._tag))
            ),
            archives: [],
            indexed: undefined,
            holds: () => Effect.succeed(true),
            unfinished,
            isHeld,
            begunSince: Effect.succeed(false)
          }),
    distrust: (_, paths) => Effect.succeed([...paths].length)
  }
  return Effect.map(InProcess.run(args, Layer.succeed(Records, records)), ({ screen }) => screen)
}

const entries: ReadonlyArray<Entry> = [
  ...Array.from({ length: 1200 }, (_, index) => ({ outcome: saved(`https://a.example/${index}`, 2000) })),
  { outcome: notFound("https://a.example/x") },
  { outcome: notFound("https://b.example/x") },
  { outcome: failed("https://b.example/\u202ey", new FetchError.TruncatedError({ received: 3, expected: 5000 })) },
  { outcome: refused("https://c.example/z") },
  { pending: { url: "https://c.example/later", attempts: 1 } }
]

describe("report", () => {
  it.effect.each([
    [["--failed", "--by", "host"], "`--failed` and `--by` cannot be combined"],
    [["--failed", "--html", "a.html"], "`--failed` and `--html` cannot be combined"],
    [["--by", "host", "--html", "a.html"], "`--by host` and `--html` cannot be combined"],
    [["--by", "host", "--json"], "`--by host` and `--json` cannot be combined"]
  ] as const)("leaves out nothing without a word: %j", ([flags, message]) =>
    Effect.gen(function* () {
      const screen = yield* screenOf(["report", ...flags], entries)
      assert.match(screen, /^exit 2\n--- stdout\n--- stderr\nerror: .*\n\nhint: ask twice.*\n$/)
      assert.include(screen, message)
    })
  )
  it.effect("says how far it is where there is much to read", () =>
    Effect.gen(function* () {
      const told = Effect.fnUntraced(function* (...flags: ReadonlyArray<string>) {
        const asked = yield* Deferred.make<void>()
        const rest = Effect.andThen(Deferred.succeed(asked, undefined), Effect.sleep("15 seconds"))
        const slow = Stream.concat(Stream.fromIterable(entries), Stream.drain(Stream.fromEffect(rest)))
        const run = yield* Effect.forkChild(screenOf(["report", ...flags], entries, [], false, {}, slow))
        yield* Deferred.await(asked)
        yield* TestClock.adjust("15 seconds")
        return yield* Fiber.join(run)
      })
      assert.include(yield* told(), "--- stderr\n1,205 URLs read\n")
      assert.notInclude(yield* told("-q"), "read")
    })
  )
  it.effect("counts, and says why", () =>
    Effect.gen(function* () {
      expect(yield* screenOf(["report", "pages"], entries)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
        1,205 URLs, 2.3 MB in files

          1,200  saved
              3  failed
              1  refused
              1  not done yet

        why

          2  HTTP 404                       a.example 1, b.example 1
          1  body ended at 3 of 5000 bytes  b.example/\\u{202e}y
          1  refused by robots.txt line 4   c.example/z
        --- stderr

        hint: run the command that wrote it again to do what is not done yet
        hint: \`simul report pages --failed\` lists every URL and why
        "
      `)
    })
  )
  it.effect("sends nobody to begin a run that is under way", () =>
    Effect.gen(function* () {
      const screen = yield* screenOf(["report", "pages"], entries, [unnamed], true)
      assert.include(screen, "hint: a run works in it: ask again when that is over\n")
      assert.notInclude(screen, "run the command")
    })
  )
  it.effect("has one row for each host", () =>
    Effect.gen(function* () {
      expect(yield* screenOf(["report", "--by", "host"], entries)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
           urls  saved  failed  refused  pending   bytes  host
          1,201  1,200       1        -        -  2.3 MB  a.example
              2      -       2        -        -       -  b.example
              2      -       -        1        1       -  c.example
        --- stderr

        hint: run the command that wrote it again to do what is not done yet
        "
      `)
    })
  )
  it.effect("has one row for each status", () =>
    Effect.gen(function* () {
      expect(yield* screenOf(["report", "--by", "status"], entries)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
           urls  saved  failed  refused   bytes  last answer
          1,200  1,200       -        -  2.3 MB  HTTP 200
              2      -       2        -       -  HTTP 404
              2      -       1        1       -  no answer
        --- stderr

        hint: run the command that wrote it again to do what is not done yet
        "
      `)
    })
  )
  it.effect("has one row for each reason", () =>
    Effect.gen(function* () {
      expect(yield* screenOf(["report", "--by", "reason"], entries)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
          2  HTTP 404                       a.example 1, b.example 1
          1  body ended at 3 of 5000 bytes  b.example/\\u{202e}y
          1  refused by robots.txt line 4   c.example/z
        --- stderr

        hint: run the command that wrote it again to do what is not done yet
        "
      `)
    })
  )
  it.effect("lists what failed, one URL a line", () =>
    Effect.gen(function* () {
      expect(yield* screenOf(["report", "--failed"], entries)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
        https://a.example/x	HTTP 404
        https://b.example/x	HTTP 404
        https://b.example/\\u{202e}y	body ended at 3 of 5000 bytes
        https://c.example/z	refused by robots.txt line 4
        --- stderr
        "
      `)
    })
  )
  it.effect("prints JSON that can be read back", () =>
    Effect.gen(function* () {
      const data = (screen: string) => screen.split("--- stdout\n")[1]!.split("--- stderr")[0]!
      const whole = JSON.parse(data(yield* screenOf(["report", "--json"], entries)))
      assert.deepInclude(whole, { targets: 1205, saved: 1200, failed: 3, refused: 1, pending: 1 })
      const lines = data(yield* screenOf(["report", "--failed", "--json"], entries))
        .trimEnd()
        .split("\n")
      assert.deepStrictEqual(
        lines.map((line) => JSON.parse(line).outcome),
        ["failed", "failed", "failed", "refused"]
      )
    })
  )
  it.effect("writes one HTML page that needs no network and runs nothing that a URL says", () =>
    Effect.gen(function* () {
      const file = join(folder, "report.html")
      const evil = "https://d.example/</td><script>alert(1)</script>"
      const screen = yield* screenOf(["report", "--html", file], [...entries, { outcome: notFound(evil) }])
      assert.include(screen, `exit 0\n--- stdout\n--- stderr\nreport: ${file}`)
      const page = readFileSync(file, "utf8")
      assert.notMatch(page, /<script|src=|href=|@import|url\(/)
      assert.include(page, "<td>a.example</td><td>1,201</td><td>1,200</td>")
      assert.include(page, "1,206 URLs")
    })
  )
  it.effect("says how to name the directory of a run", () =>
    Effect.gen(function* () {
      expect(yield* screenOf(["report", "nowhere"], undefined)).toMatchInlineSnapshot(`
        "exit 1
        --- stdout
        --- stderr
        error: no run in nowhere

        hint: name the directory that a run wrote to, by its \`-o\`
        "
      `)
    })
  )
})

describe("verify", () => {
  const body = "whole"
  const sha256 = createHash("sha256").update(body).digest("hex")
  const recorded = (path: string): Entry => ({
    outcome: { ...saved(`https://a.example/${path}`, body.length), path, sha256 } as never
  })
  const directory = join(folder, "run")
  const verified = (entries: ReadonlyArray<Entry>) =>
    Effect.map(screenOf(["verify", directory], entries), (screen) => screen.replace(shellWord(directory), "DIR"))
  beforeEach(() => ["good", "short", "other"].forEach((name) => put(`run/${name}`, body)))
  it.effect("says that all is as recorded", () =>
    Effect.gen(function* () {
      const all = [recorded("good"), recorded("other"), { outcome: notFound("https://a.example/x") }]
      expect(yield* screenOf(["verify", directory], all)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
        --- stderr
        verified 2 files (10 B): all as recorded
        "
      `)
    })
  )
  it.effect.each([
    [true, [unnamed], "a run is under way", "a run works in it: ask again when that is over"],
    [
      false,
      [unnamed, "/a/li\u202est.txt", crawled],
      "a run did not come to its end, no run came to the end of /a/li\\u{202e}st.txt, no run came to the end of the crawl",
      "run the command that wrote it again to do what is not done yet"
    ]
  ] as const)("vouches for no list that was not read to its end; a run works: %j", ([isHeld, names, fact, remedy]) =>
    Effect.gen(function* () {
      const ofDirectory = (command: string) => screenOf([command, directory], [recorded("good")], names, isHeld)
      assert.strictEqual(
        yield* ofDirectory("verify"),
        `exit 3\n--- stdout\n--- stderr\nerror: ${fact}\n\nhint: ${remedy}\n`
      )
      assert.include(yield* ofDirectory("report"), `--- stderr\n\nhint: ${remedy}\n`)
    })
  )
  it.effect("finds no fault in what is queued beyond a limit", () =>
    Effect.gen(function* () {
      const beyond = { by: "maxPagesPerHost", most: 2 } as const
      const queued = ["x", "y"].map((name): Entry => ({
        pending: { url: `https://a.example/${name}`, attempts: 0, beyond }
      }))
      const all = [recorded("good"), recorded("other"), ...queued]
      expect(yield* screenOf(["verify", directory], all)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
        --- stderr
        verified 2 files (10 B): all as recorded

        hint: it stopped at \`--max-pages-per-host 2\` with 2 URLs queued: the same command with a larger one goes on
        "
      `)
      expect(yield* screenOf(["report", "pages"], all)).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
        4 URLs, 10 B in files

          2  saved
          2  beyond \`--max-pages-per-host 2\`
        --- stderr

        hint: it stopped at \`--max-pages-per-host 2\` with 2 URLs queued: the same command with a larger one goes on
        "
      `)
    })
  )
  it.effect("finds every kind of fault", () =>
    Effect.gen(function* () {
      put("run/short", "who")
      put("run/other", "whale")
      const pending: Entry = { pending: { url: "https://a.example/later", attempts: 0 } }
      const all = ["good", "short", "other", "gone"].map(recorded)
      expect(yield* verified([...all, pending])).toMatchInlineSnapshot(`
        "exit 3
        --- stdout
        changed	short	3 bytes, not 5
        changed	other	other bytes than were saved (sha256)
        missing	gone	no such file
        undone	https://a.example/later	no outcome yet
        --- stderr
        error: 1 missing, 2 changed, 1 without an outcome

        hint: run the command that wrote it again to do what is not done yet
        hint: \`simul verify DIR --repair\` has what is missing or changed fetched again by the command that wrote it
        "
      `)
    })
  )
  it.effect("takes no file for damaged that a run has written meanwhile, whether it is recorded by now or not", () =>
    Effect.gen(function* () {
      put("run/other", "another")
      const verified = (now: { readonly entry?: Entry; readonly sinceMs?: number }) =>
        screenOf(["verify", directory], [recorded("other")], [], true, now)
      const other = { ...saved("https://a.example/other", 7), path: "other", sha256: undefined as never }
      assert.include(yield* verified({ entry: { outcome: other } }), "all as recorded")
      assert.strictEqual(
        yield* verified({ entry: recorded("other"), sinceMs: 0 }),
        `exit 3
--- stdout
undone	https://a.example/other	fetched again, and not recorded yet
--- stderr
error: 1 without an outcome

hint: a run works in it: ask again when that is over
`
      )
      const before = { entry: recorded("other"), sinceMs: Date.now() + 60_000 }
      assert.include(yield* verified(before), "changed\tother\t7 bytes, not 5")
    })
  )
  it("takes no archive for damaged that a run has added to meanwhile, nor its index", async () => {
    await using site = await Site.start()
    const directory = join(folder, "archives")
    const get = (name: string) =>
      InProcess.run(["get", site.url(`/bytes/10/${name}`), "--format", "warc", "-o", directory])
    await Effect.runPromise(get("before"))
    const meanwhile = Layer.effect(
      Records,
      Effect.map(Records, (records) => ({
        ...records,
        read: (directory: string) =>
          Effect.map(records.read(directory), (read) => ({
            ...read,
            entries: Stream.concat(read.entries, Stream.fromEffectDrain(Effect.orDie(get("meanwhile"))))
          }))
      }))
    ).pipe(Layer.provide(Records.layer))
    const { screen } = await Effect.runPromise(InProcess.run(["verify", directory], meanwhile))
    assert.strictEqual(screen, "exit 0\n--- stdout\n--- stderr\nverified 1 file (10 B): all as recorded\n")
    assert.strictEqual(site.requests.length, 2)
  })
  it.effect("says what comes of it where it repairs", () =>
    Effect.gen(function* () {
      put("run/short", "who")
      const all = ["good", "short", "gone"].map(recorded)
      expect(yield* screenOf(["verify", directory, "--repair"], all)).toMatchInlineSnapshot(`
        "exit 3
        --- stdout
        changed	short	3 bytes, not 5
        missing	gone	no such file
        --- stderr
        error: 1 missing, 1 changed

        hint: the command that wrote it fetches 2 URLs again
        "
      `)
    })
  )
  it.effect("names the record of a body whose archive is gone, as often as it is one", () =>
    Effect.gen(function* () {
      const all = ["simul-00002.warc.gz#900+80", "good", "simul-00000.warc.gz#340+90"].map(recorded)
      expect(yield* verified(all)).toMatchInlineSnapshot(`
        "exit 3
        --- stdout
        missing	simul-00000.warc.gz#340+90	no such file
        missing	simul-00002.warc.gz#900+80	no such file
        --- stderr
        error: 2 missing

        hint: \`simul verify DIR --repair\` has what is missing or changed fetched again by the command that wrote it
        "
      `)
    })
  )
})
