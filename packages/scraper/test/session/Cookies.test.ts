import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Cookies from "../../src/session/Cookies.ts"
import { ask, directory, httpServer, session } from "./loopback.ts"

const later = Math.floor(Date.now() / 1000) + 1_000_000
const jarFile = Effect.map(directory, (folder) => path.join(folder, "jar.txt"))
const opened = <A>(file: string, use: (cookies: Cookies.Cookies) => A) =>
  Effect.scoped(Effect.map(Cookies.open(file), use))
const linesOf = (file: string) =>
  fs
    .readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("# "))

describe("a cookie jar", () => {
  it.live("is refused at the start where its folder is not there to write it to", () =>
    Effect.gen(function* () {
      const file = path.join(yield* jarFile, "jar.txt")
      const fault = yield* Effect.flip(opened(file, () => undefined))
      assert.deepInclude(fault, { _tag: "OptionUnusable", value: file, detail: "cannot be written (ENOENT)" })
    })
  )
  it.live("is rid of what killed runs were writing beside it, and of nothing else", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const ended = spawnSync(process.execPath, ["--version"]).pid
      const kept = [`${process.ppid}.part`, "x.part", `${ended}.part.txt`, `0${ended}.part`]
      for (const ending of [...kept, `${ended}.part`]) fs.writeFileSync(`${file}.${ending}`, "")
      fs.writeFileSync(`${file}x.${ended}.part`, "")
      yield* opened(file, () => undefined)
      assert.sameMembers(
        fs.readdirSync(path.dirname(file)).filter((name) => name.includes(".part")),
        [...kept.map((ending) => `jar.txt.${ending}`), `jar.txtx.${ended}.part`]
      )
    })
  )
  it.live.skipIf(process.platform === "win32")("leaves a pipe or a device in its place, and writes to it", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      execFileSync("mkfifo", [file])
      yield* Effect.acquireUseRelease(
        Effect.sync(() => fs.openSync(file, fs.constants.O_RDWR)),
        (reader) =>
          Effect.gen(function* () {
            yield* opened(file, (cookies) => cookies.keep("http://a.test/", ["one=1"]))
            assert.isTrue(fs.statSync(file).isFIFO())
            const bytes = Buffer.alloc(1000)
            assert.match(bytes.toString("utf8", 0, fs.readSync(reader, bytes)), /^# Netscape [^]*\tone\t1\n$/)
          }),
        (reader) => Effect.sync(() => fs.closeSync(reader))
      )
      // nobody reads it now, and nobody is waited for
      yield* opened(file, () => undefined)
    })
  )
  it.live.skipIf(process.platform === "win32")("is the file that a link leads to", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const link = `${file}.link`
      fs.symlinkSync(path.basename(file), link)
      for (const pair of ["one=1", "two=2"]) yield* opened(link, (cookies) => cookies.keep("http://a.test/", [pair]))
      assert.strictEqual(fs.readlinkSync(link), path.basename(file))
      assert.lengthOf(linesOf(file), 2)
    })
  )
  it.live("matches paths as they are written, with their escapes", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      fs.writeFileSync(file, `a.test\tFALSE\t/a%20b\tFALSE\t${later}\tread\t1\n`)
      yield* opened(file, (cookies) => {
        cookies.keep("http://a.test/a%20b/page", ["own=1", "given=1; Path=/a%20b", "other=1; Path=/a b"])
        cookies.keep("http://a.test/", ["slash=1; Path=/a%5Cb"])
        assert.strictEqual(cookies.header("http://a.test/a%20b/next"), "read=1; own=1; given=1")
        assert.strictEqual(cookies.header("http://a.test/a%5Cb"), "slash=1")
        for (const path of ["/a/b", "/a%2520b", "/%61%20b"])
          assert.isUndefined(cookies.header(`http://a.test${path}`), path)
      })
      assert.sameMembers(
        linesOf(file).map((line) => line.split("\t")[2]),
        ["/a%20b", "/a%20b", "/a%20b", "/a b", "/a%5Cb"]
      )
    })
  )
  it.live("is read at the start: hosts, subdomains, paths, secure and HttpOnly", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      fs.writeFileSync(
        file,
        [
          "# Netscape HTTP Cookie File",
          "",
          `.a.test\tTRUE\t/\tFALSE\t${later}\twide\t1`,
          `a.test\tFALSE\t/\tFALSE\t${later}\thost\t2`,
          `a.test\tFALSE\t/deep\tFALSE\t0\tdeep\t3`,
          `a.test\tFALSE\t/deep\tFALSE\t\tpython\t3`,
          `a.test\tFALSE\t/\tTRUE\t${later}\tsafe\t4`,
          `#HttpOnly_a.test\tFALSE\t/\tFALSE\t${later}\thidden\t5`,
          `a.test\tFALSE\t/\tFALSE\t1\told\t6`,
          `a.test\tFALSE\t/\tFALSE\t${later}\tempty\t`
        ].join("\r\n")
      )
      const names = (header: string | undefined) =>
        header
          ?.split("; ")
          .map((pair) => pair.split("=")[0])
          .toSorted()
      yield* opened(file, (cookies) => {
        assert.deepStrictEqual(names(cookies.header("http://a.test/")), ["empty", "hidden", "host", "wide"])
        assert.deepStrictEqual(names(cookies.header("http://a.test/deep/er")), [
          "deep",
          "empty",
          "hidden",
          "host",
          "python",
          "wide"
        ])
        assert.deepStrictEqual(names(cookies.header("https://a.test/")), ["empty", "hidden", "host", "safe", "wide"])
        assert.deepStrictEqual(names(cookies.header("http://b.a.test/")), ["wide"])
        assert.isUndefined(cookies.header("http://other.test/"))
      })
    })
  )

  it.live("is written at the end so that reading it again gives the same, for us alone to read", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      yield* opened(file, (cookies) =>
        cookies.keep("https://www.a.test/x/y", [
          "one=1; Max-Age=1000",
          "two=2; Domain=a.test; Path=/; Secure; HttpOnly",
          `three=3; Expires=${new Date(later * 1000).toUTCString()}`,
          "gone=4; Max-Age=0",
          "past=5; Expires=Thu, 01 Jan 1970 00:00:10 GMT"
        ])
      )
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      const first = linesOf(file)
      assert.strictEqual(first.length, 3)
      assert.include(first, "#HttpOnly_.a.test\tTRUE\t/\tTRUE\t0\ttwo\t2")
      assert.include(first, `www.a.test\tFALSE\t/x\tFALSE\t${later}\tthree\t3`)
      yield* opened(file, () => {})
      assert.deepStrictEqual(linesOf(file).toSorted(), first.toSorted())
      assert.deepStrictEqual(fs.readdirSync(path.dirname(file)), ["jar.txt"])
    })
  )

  it.live("has what each of two runs that share it made of it", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const keep = (...lines: ReadonlyArray<string>) => opened(file, (cookies) => cookies.keep("http://a.test/", lines))
      yield* keep("old=1", "gone=1", "both=1", "left=1")
      const inner = keep("both=2", "inner=2", "left=2")
      const outer = Effect.flatMap(Cookies.open(file), (cookies) => {
        cookies.keep("http://a.test/", ["gone=; Max-Age=0", "outer=3", "both=3"])
        return inner
      })
      yield* Effect.scoped(outer)
      const pairs = linesOf(file).map((line) => line.split("\t").slice(5).join("="))
      assert.deepStrictEqual(pairs.toSorted(), ["both=3", "inner=2", "left=2", "old=1", "outer=3"])
    })
  )
  it.live("has what one run has renewed and what came to its end in the other", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const soon = (value: string, maxAge: number) =>
        opened(file, (cookies) =>
          cookies.keep("http://a.test/", [`renewed=${value}; Max-Age=${maxAge}`, `over=1; Max-Age=10`])
        )
      yield* soon("old", 10)
      const outer = Effect.andThen(
        Cookies.open(file),
        Effect.andThen(
          soon("new", 1000),
          Effect.sync(() => vi.setSystemTime(Date.now() + 20_000))
        )
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() })
      yield* Effect.scoped(outer)
      assert.deepStrictEqual(
        linesOf(file).map((line) => line.split("\t").slice(5).join("=")),
        ["renewed=new"]
      )
    })
  )
  it.live("is read and written in octets, whatever they mean", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      // UTF-8 beyond Latin-1, as curl writes what it was sent, and octets that are none
      const octets = Buffer.from("\ufeff# from elsewhere\r\na.test\tFALSE\t/\tFALSE\t0\tname\t\u20ac\u00e0")
      fs.writeFileSync(file, Buffer.concat([octets, Buffer.of(0xff)]))
      const value = Buffer.concat([Buffer.from("\u20ac\u00e0"), Buffer.of(0xff)]).toString("latin1")
      for (let times = 0; times < 2; times++)
        yield* opened(file, (cookies) => assert.strictEqual(cookies.header("http://a.test/"), `name=${value}`))
      const line = "caf\u00c9\u00e9.test\tFALSE\t/\tFALSE\t0\tname\t1"
      fs.writeFileSync(file, `A.${line}`)
      yield* opened(file, () => undefined)
      assert.deepStrictEqual(linesOf(file), [`a.${line}`])
    })
  )
  it.live("sends no cookie with a control octet, and keeps it", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const lines = ["bad\t\u0001", "b\u007fd\t1", "good\t1"].map((pair) => `a.test\tFALSE\t/\tFALSE\t0\t${pair}`)
      const deep = "a.test\tFALSE\t/deep\tFALSE\t0\tdeep\t2"
      fs.writeFileSync(file, [...lines, deep].join("\n"))
      yield* opened(file, (cookies) => assert.strictEqual(cookies.header("http://a.test/deep"), "deep=2; good=1"))
      assert.deepStrictEqual(linesOf(file), [...lines, deep])
      fs.writeFileSync(file, lines.slice(0, 2).join("\n"))
      yield* opened(file, (cookies) => assert.isUndefined(cookies.header("http://a.test/")))
    })
  )
  it.live("passes over cookies of no host, and what is behind a CR in a line, as curl and wget do", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const line = (domain: string, value: string) => `${domain}\tTRUE\t/\tFALSE\t0\tname\t${value}`
      const nameless = [".", "", "#HttpOnly_.."].map((domain) => line(domain, "1"))
      fs.writeFileSync(file, [...nameless, `${line(".a.test", "2")}\r3`, "\r", ""].join("\r\r\n"))
      yield* opened(file, (cookies) => {
        assert.strictEqual(cookies.header("http://a.test/"), "name=2")
        assert.isUndefined(cookies.header("http://b.test./"))
      })
      assert.deepStrictEqual(linesOf(file), [line(".a.test", "2")])
    })
  )
  it.live("is not used where it has a line that is no cookie, for it is some other file then", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      fs.writeFileSync(file, "\nhello world\n")
      const { detail } = yield* Effect.flip(opened(file, () => undefined))
      assert.strictEqual(
        detail,
        "line 2 is no line of a cookie file: host, TRUE or FALSE, path, TRUE or FALSE, time, name and value, with tabs between; mend that line, or remove it"
      )
    })
  )
  it.live("has cookies that end later than any date, and some that ended before", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const line = (seconds: string, name: string) => `a.test\tFALSE\t/\tFALSE\t${seconds}\t${name}\t1\n`
      fs.writeFileSync(file, line("9223372036854775807", "curl") + line("-9223372036854775808", "old"))
      for (let times = 0; times < 2; times++)
        yield* opened(file, (cookies) => assert.strictEqual(cookies.header("http://a.test/"), "curl=1"))
      assert.deepStrictEqual(linesOf(file), [line("8640000000000", "curl").trim()])
    })
  )
  it.live("takes no cookie that a host may not set", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      yield* opened(file, (cookies) => {
        cookies.keep("http://a.example.com/", [
          "a=1; Domain=other.com",
          "b=1; Domain=com",
          "c=1; Domain=b.a.example.com",
          "__Host-d=1",
          "",
          "\u0000"
        ])
        cookies.keep("http://a.co.uk/", ["e=1; Domain=co.uk"])
        assert.isUndefined(cookies.header("http://a.example.com/"))
        assert.isUndefined(cookies.header("http://b.co.uk/"))
      })
      assert.deepStrictEqual(linesOf(file), [])
    })
  )

  it.live("is not used, nor replaced, when it is some other file", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      fs.writeFileSync(file, "# my notes\n\nbuy milk\n")
      const fault = yield* Effect.flip(session({ cookieJar: file }))
      assert.deepStrictEqual([fault._tag, fault.option, fault.value], ["OptionUnusable", "--cookie-jar", file])
      assert.include(fault.detail, "line 3")
      assert.strictEqual(fs.readFileSync(file, "utf8"), "# my notes\n\nbuy milk\n")
      const folder = yield* Effect.flip(session({ cookieJar: path.dirname(file) }))
      assert.include(folder.detail, "EISDIR")
    })
  )
})

describe("a session with a jar", () => {
  it.live("sends back what it was given, on redirects too, and a new cookie makes a new try of the same URL", () =>
    Effect.gen(function* () {
      const file = yield* jarFile
      const seen: Array<string | undefined> = []
      const { origin } = yield* httpServer((request, response) => {
        seen.push(request.headers.cookie)
        if (request.headers.cookie?.includes("login=yes")) response.end("in")
        else response.writeHead(302, { location: "/", "set-cookie": ["login=yes", "b=2; Path=/"] }).end()
      })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const one = yield* session({ cookieJar: file, headers: [["Cookie", "mine=1"]] })
          const { body, error } = yield* ask(one, `${origin}/`)
          assert.isUndefined(error)
          assert.strictEqual(body.toString(), "in")
        })
      )
      assert.deepStrictEqual(seen, ["mine=1", "mine=1; login=yes; b=2"])
      assert.strictEqual(linesOf(file).length, 2)
      // the next run starts where this one ended
      const next = yield* session({ cookieJar: file })
      assert.strictEqual((yield* ask(next, `${origin}/`)).body.toString(), "in")
    })
  )

  it.live("without a jar keeps no cookies", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { origin } = yield* httpServer((request, response) => {
        seen.push(request.headers.cookie)
        response.writeHead(200, { "set-cookie": "a=1" }).end()
      })
      const one = yield* session()
      yield* ask(one, origin)
      yield* ask(one, origin)
      assert.deepStrictEqual(seen, [undefined, undefined])
    })
  )
})
