// oxlint-disable vitest/no-standalone-expect -- `it.effect` is a test block
import { assert, describe, it } from "@effect/vitest"
import * as FetchError from "@simul/scraper/FetchError"
import type * as Get from "@simul/scraper/Get"
import type { Outcome } from "@simul/scraper/Outcome"
import { defaults } from "@simul/scraper/Options"
import { DirectoryGone, OptionUnusable, StoreDamaged } from "@simul/scraper/RunError"
import type { RunError } from "@simul/scraper/RunError"
import { Site } from "@simul/scraper/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFile, execFileSync } from "node:child_process"
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect } from "vitest"
import { Engine } from "../src/Engine.ts"
import * as FakeEngine from "./FakeEngine.ts"
import * as FakeScreen from "./FakeScreen.ts"
import * as InProcess from "./InProcess.ts"
import * as Program from "./Program.ts"

const { saved, notFound, refused, failed } = FakeEngine

/** A run of the command on a scripted engine: the whole screen, and what the engine was asked. */
const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  script: ReadonlyArray<Outcome> | RunError | Stream.Stream<Outcome, RunError> = [],
  progress: Partial<Get.Progress> = {}
) {
  const { engine, asked } = FakeEngine.make(
    "_tag" in script
      ? script
      : { outcomes: Array.isArray(script) ? Stream.fromIterable(script) : (script as never), progress }
  )
  return { asked, ...(yield* InProcess.run(["get", ...args], Layer.succeed(Engine, engine))) }
})
const screenOf = (args: ReadonlyArray<string>, script?: Parameters<typeof run>[1]) =>
  Effect.map(run(args, script), ({ screen }) => screen)

const two = ["https://a.example/1", "https://a.example/2"] as const

describe("get", () => {
  it.effect("says where what is saved already is not in the form that is asked for", () =>
    Effect.gen(function* () {
      const told = { skipped: 2, total: 2, inOtherForm: true } as const
      const archived = yield* run([...two, "--format", "warc"], [], told)
      assert.include(archived.screen, "what was saved as files stays so")
      assert.include((yield* run(two, [], told)).screen, "what was archived stays so")
    })
  )
  it.effect("promises nothing when it is interrupted and its directory is gone", () =>
    Effect.gen(function* () {
      const outcomes = Stream.concat(Stream.succeed(saved(two[0])), Stream.fromEffect(Effect.interrupt))
      const { engine } = FakeEngine.make({ outcomes, gone: new DirectoryGone({ directory: "pages" }) })
      const fake = FakeScreen.make()
      yield* Effect.exit(InProcess.run(["get", ...two], Layer.succeed(Engine, engine), fake))
      expect(fake.stderr()).toMatchInlineSnapshot(`
        "error: pages/.simul is gone: it was removed or renamed while a run worked with it

        hint: put it back and the same command goes on; without it every URL is asked again
        "
      `)
    })
  )
  it.effect("says what it looks at before it begins, unless it is quiet", () =>
    Effect.gen(function* () {
      const { engine } = FakeEngine.make({ outcomes: Stream.empty, checked: [[1, 2]] })
      const told = (...args: ReadonlyArray<string>) =>
        Effect.map(InProcess.run(["get", ...two, ...args], Layer.succeed(Engine, engine)), ({ screen }) => screen)
      assert.include(yield* told(), "1 / 2 files checked   saved before the machine was last started")
      assert.notInclude(yield* told("--quiet"), "checked")
    })
  )
  it.effect("is silent on stdout and says on stderr what was saved", () =>
    Effect.gen(function* () {
      expect(yield* screenOf([...two], [saved(two[0]), saved(two[1])])).toMatchInlineSnapshot(`
        "exit 0
        --- stdout
        --- stderr
        saved 2 URLs (2.0 KB) in 2.4s, 1/s
        "
      `)
    })
  )
  it.effect.each([
    [["--warc-size", "5M"], ["--format", "warc"], "`--warc-size` is about archives, and none are made"],
    [["--max-delay", "3s"], ["--adaptive", "1"], "`--max-delay` bounds what `--adaptive` does, and that is off"]
  ] as const)("does not take %j without %j", ([alone, needed, message]) =>
    Effect.gen(function* () {
      const screen = yield* screenOf([two[0], ...alone], [saved(two[0])])
      assert.match(screen, /^exit 2\n--- stdout\n--- stderr\nerror: .*\n\nhint: add .*\n$/)
      assert.include(screen, message)
      assert.match(yield* screenOf([two[0], ...alone, ...needed], [saved(two[0])]), /^exit 0\n/)
    })
  )
  it.effect("prints one JSON line for each outcome, and nothing else, on stdout", () =>
    Effect.gen(function* () {
      const cut = new FetchError.TruncatedError({ received: 3, expected: 5000 })
      expect(
        yield* screenOf(
          [...two, "https://a.example/3", "--json"],
          [saved(two[0]), failed(two[1], cut), refused("https://a.example/3")]
        )
      ).toMatchInlineSnapshot(`
        "exit 3
        --- stdout
        {"outcome":"saved","url":"https://a.example/1","status":200,"path":"a.example/1","bytes":1000,"sha256":"00","attempts":1,"durationMs":12}
        {"outcome":"failed","url":"https://a.example/2","attempts":5,"durationMs":100,"error":{"reason":"TruncatedError","message":"body ended at 3 of 5000 bytes"}}
        {"outcome":"refused","url":"https://a.example/3","attempts":0,"durationMs":0,"error":{"reason":"RobotsDisallowed","message":"refused by robots.txt line 4"}}
        --- stderr
        saved 1 of 3 URLs (1.0 KB) in 2.4s, 1/s

          1  body ended at 3 of 5000 bytes  a.example/2
          1  refused by robots.txt line 4   a.example/3

        hint: run the same command again to retry the 1 that may succeed
        hint: \`--no-robots\` would fetch what robots.txt refuses; ask the site first
        hint: \`simul report --failed\` lists every URL
        "
      `)
    })
  )
  it.effect("names what failed as it fails with -v, everything with -vv", () =>
    Effect.gen(function* () {
      const outcomes = [saved(two[0]), notFound(two[1])]
      const once = yield* screenOf([...two, "-v"], outcomes)
      const twice = yield* screenOf([...two, "-vv"], outcomes)
      assert.include(once, "failed     https://a.example/2  HTTP 404\n")
      assert.notInclude(once, "saved      ")
      assert.include(twice, "saved      https://a.example/1  a.example/1 (1000 B)\n".replace("1000 B", "1.0 KB"))
    })
  )
  it.effect("says only that something is missing with -q", () =>
    Effect.gen(function* () {
      expect(yield* screenOf([...two, "-q"], [saved(two[0]), notFound(two[1])])).toMatchInlineSnapshot(`
        "exit 3
        --- stdout
        --- stderr
        error: 1 of 2 URLs not saved
        "
      `)
      assert.strictEqual(yield* screenOf([...two, "-q"], [saved(two[0])]), "exit 0\n--- stdout\n--- stderr\n")
    })
  )
  it.effect("tells one URL's file, or its error", () =>
    Effect.gen(function* () {
      assert.include(yield* screenOf([two[0], "-o", "pages"], [saved(two[0])]), "saved pages/a.example/1 (1.0 KB)\n")
      expect(yield* screenOf([two[0]], [notFound(two[0])])).toMatchInlineSnapshot(`
        "exit 3
        --- stdout
        --- stderr
        error: HTTP 404: https://a.example/1
        "
      `)
    })
  )
  it.effect("warns when certificates are not verified", () =>
    Effect.gen(function* () {
      assert.include(
        yield* screenOf([two[0], "--insecure"], [saved(two[0])]),
        "--- stderr\nwarning: certificates are not verified (--insecure)"
      )
    })
  )
  it.effect("says what the library warns of as a warning of its own", () =>
    Effect.gen(function* () {
      const outcomes = Stream.ensuring(
        Stream.make(saved(two[0])),
        Effect.logWarning("cannot write the cookies to jar (ENOENT)")
      )
      assert.match((yield* run([two[0]], outcomes)).stderr, /^warning: cannot write the cookies to jar \(ENOENT\)$/m)
    })
  )
  it.effect("ends with 1 and a way out when the run cannot start", () =>
    Effect.gen(function* () {
      const error = new StoreDamaged({ file: "pages/.simul/store", detail: "no database" })
      expect(yield* screenOf([...two], error)).toMatchInlineSnapshot(`
        "exit 1
        --- stdout
        --- stderr
        error: pages/.simul/store is damaged: no database

        hint: nothing was deleted; to start over move pages/.simul away, then every URL is asked again
        "
      `)
    })
  )
  it.effect("ends with 2 where an option cannot be used, so that nothing was asked for", () =>
    Effect.gen(function* () {
      const error = new OptionUnusable({ option: "HTTP_PROXY", value: "ftp://p", detail: "is no proxy" })
      assert.strictEqual(
        yield* screenOf([...two], error),
        "exit 2\n--- stdout\n--- stderr\nerror: HTTP_PROXY ftp://p: is no proxy\n\nhint: check the value of HTTP_PROXY\n"
      )
    })
  )
  it.effect("ends with 1 and one line on a fault of its own", () =>
    Effect.gen(function* () {
      const screen = yield* screenOf([...two], Stream.die(new Error("what\x1b?")))
      expect(screen).toMatchInlineSnapshot(`
        "exit 1
        --- stdout
        --- stderr
        error: unexpected: Error: what\\u{1b}?

        hint: this is a fault in simul; what was saved is safe, the same command goes on
        hint: the same command with \`-v\` says where, for a report
        "
      `)
      assert.include(yield* screenOf([...two, "-v"], Stream.die(new Error("what?"))), "Get.test.ts")
    })
  )
})

describe("what the engine is asked", () => {
  it.effect("is what the flags say", () =>
    Effect.gen(function* () {
      const { asked } = yield* run([
        ...two,
        ..."-o pages --flat --refresh --durability power -j8 --per-host 2 --delay 1.5s --rate 1M --robots".split(" "),
        ..."--retries 0 --timeout 5s --connect-timeout 2s --max-time 1h --max-size 2G --deny-private".split(" "),
        ..."-A me -H A:b -H C:d --proxy http://p:1 --cacert ca.pem --insecure --cookie-jar jar".split(" ")
      ])
      assert.deepStrictEqual(asked.source, { urls: [...two] })
      assert.deepStrictEqual(asked.options, {
        ...defaults,
        directory: "pages",
        naming: "flat",
        serverNames: true,
        refresh: true,
        durability: "power",
        jobs: 8,
        perHost: 2,
        delayMs: 1500,
        rate: 1024 ** 2,
        robots: true,
        retries: 0,
        timeoutMs: 5000,
        connectTimeoutMs: 2000,
        maxTimeMs: 3_600_000,
        maxSize: 2 * 1024 ** 3,
        denyPrivate: true,
        userAgent: "me",
        headers: [
          ["A", "b"],
          ["C", "d"]
        ],
        proxy: "http://p:1",
        cacert: "ca.pem",
        insecure: true,
        cookieJar: "jar"
      })
    })
  )
  it.effect("has the defaults of the engine where nothing is said", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* run([...two])).asked.options, defaults)
    })
  )
  it.effect("is archives, and no name from the server, with --format warc", () =>
    Effect.gen(function* () {
      const { asked } = yield* run([two[0], "--format", "warc"], [saved(two[0])])
      assert.deepStrictEqual(asked.options, { ...defaults, format: "warc" })
    })
  )
  it.effect("is a file, standard input or URLs", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* run(["-i", "list"])).asked.source, { file: "list" })
      assert.deepStrictEqual((yield* run(["-i", "-"])).asked.source, { bytes: process.stdin })
    })
  )
  it.live.skipIf(process.platform === "win32")(
    "is written to a pipe or a device that -O names, and leaves it there",
    () =>
      Effect.promise(async () => {
        await using site = await Site.start()
        const folder = mkdtempSync(join(tmpdir(), "simul-get-"))
        const pipe = join(folder, "pipe")
        execFileSync("mkfifo", [pipe])
        const reader = openSync(pipe, constants.O_RDWR)
        try {
          const screen = await Program.screen(["get", site.url("/bytes/1000/a.bin"), "-O", pipe])
          assert.match(screen, /^exit 0\n--- stdout\n--- stderr\nsaved .*pipe/)
          assert.isTrue(statSync(pipe).isFIFO())
          const bytes = Buffer.alloc(2000)
          assert.deepStrictEqual(bytes.subarray(0, readSync(reader, bytes)), Site.body("/bytes/1000/a.bin"))
          assert.deepStrictEqual(readdirSync(folder), ["pipe"])
        } finally {
          closeSync(reader)
          rmSync(folder, { recursive: true })
        }
      })
  )
  it.live.skipIf(!existsSync("/proc/self/fd"))(
    "goes behind a link that -O names, and behind what an open file has that one leads to",
    () =>
      Effect.promise(async () => {
        await using site = await Site.start()
        const folder = mkdtempSync(join(tmpdir(), "simul-get-"))
        const at = (name: string) => join(folder, name)
        try {
          const url = site.url("/bytes/1000/a.bin")
          writeFileSync(at("log"), "before, ")
          symlinkSync("there/body", at("link"))
          symlinkSync("/proc/self/fd/1", at("stdout"))
          for (const name of ["link", "link"]) await Program.screen(["get", url, "-O", at(name)])
          const shell = ["-c", '"$0" "$1" get "$2" -qO stdout >> log', process.execPath, Program.main, url]
          await promisify(execFile)("sh", shell, { cwd: folder })
          const body = Site.body("/bytes/1000/a.bin")
          assert.deepStrictEqual(readFileSync(at("there/body")), body)
          assert.deepStrictEqual(readFileSync(at("log")), Buffer.concat([Buffer.from("before, "), body]))
          assert.deepStrictEqual(
            ["link", "stdout"].map((name) => readlinkSync(at(name))),
            ["there/body", "/proc/self/fd/1"]
          )
          assert.deepStrictEqual(readdirSync(folder).toSorted(), ["link", "log", "stdout", "there"])
        } finally {
          rmSync(folder, { recursive: true })
        }
      })
  )
  it.live("is printed with -O -, beside a folder of that name too", () =>
    Effect.promise(async () => {
      await using site = await Site.start()
      const folder = mkdtempSync(join(tmpdir(), "simul-get-"))
      mkdirSync(join(folder, "-"))
      try {
        const screen = await Program.screen(["get", "-qO-", site.url("/bytes/1000/a.bin")], { cwd: folder })
        assert.match(screen, /^exit 0\n--- stdout\n[^]{100,}--- stderr\n$/)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  )
  it.effect("takes the last of a flag that is given twice", () =>
    Effect.gen(function* () {
      const { asked } = yield* run([two[0], "--flat", "-j", "3", "--no-flat", "-j", "4"], [saved(two[0])])
      assert.deepInclude(asked.options, { jobs: 4, naming: "tree" })
    })
  )
  it.effect("is one file with -O, in its own directory", () =>
    Effect.gen(function* () {
      const { asked } = yield* run([two[0], "-O", "there/page.html"], [saved(two[0])])
      assert.deepInclude(asked.options, { directory: "there", naming: { file: "page.html" }, serverNames: false })
    })
  )
})
