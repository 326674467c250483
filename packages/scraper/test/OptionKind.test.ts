import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as Crawl from "../src/Crawl.ts"
import * as Get from "../src/Get.ts"
import * as OptionKind from "../src/OptionKind.ts"
import { defaults, kinds } from "../src/Options.ts"
import { OptionUnusable } from "../src/RunError.ts"
import * as Folders from "./Folders.ts"

const { folder } = Folders.make("options")

/** Why a run is not opened with these, as programs give them that no compiler checks. */
const refusal = <E>(opened: Effect.Effect<unknown, E, Scope.Scope>) => Effect.flip(Effect.scoped(opened))
const get = (options: object) => refusal(Get.open({ urls: ["http://h/"] }, options))
const crawl = (rules: object, options: object) => refusal(Crawl.open(["http://h/"], rules, options))

describe("options", () => {
  it.effect("that cannot be are refused before anything is made, by name, fact and what they take", () =>
    Effect.gen(function* () {
      const directory = folder()
      const told = yield* Effect.forEach(
        [
          { jobs: "8" },
          { jobs: 0 },
          { perHost: 0 },
          { delayMs: -1 },
          { delayMs: Infinity },
          { backoffMs: Number.NaN },
          { retries: 1.5 },
          { timeoutMs: 0.5 },
          { robots: null },
          { durability: "x" },
          { naming: { file: 5 } },
          { denyPrivate: ["10.0.0.0/8", 1] },
          { userAgent: "me\n" },
          { headers: "authorization: secret" },
          { onCheck: {} }
        ],
        (wrong) => get({ directory, ...wrong })
      )
      assert.isTrue(told.every((error) => error instanceof OptionUnusable))
      assert.deepStrictEqual(
        told.map(({ message }) => message),
        [
          `jobs "8": it takes a whole number of at least 1`,
          "jobs 0: it takes a whole number of at least 1",
          "perHost 0: it takes a whole number of at least 1",
          "delayMs -1: it takes a finite number of at least 0",
          "delayMs Infinity: it takes a finite number of at least 0",
          "backoffMs NaN: it takes a number of at least 0",
          "retries 1.5: it takes a whole number of at least 0",
          "timeoutMs 0.5: it takes a number of at least 1",
          "robots null: it takes true or false",
          `durability "x": it takes "process" or "power"`,
          `naming (object): it takes "tree" or "flat" or { file }`,
          "denyPrivate (array): it takes true or false or an array of networks",
          `userAgent "me\\n": it takes text without line breaks, control characters or characters outside Latin-1`,
          "headers (string): it takes an array of [name, value]",
          "onCheck (object): it takes a function"
        ]
      )
      assert.isFalse(fs.existsSync(directory))
    })
  )

  it.effect("that there are not are refused, and so are the rules of a crawl", () =>
    Effect.gen(function* () {
      const directory = folder()
      const told = [
        yield* get({ directory, job: "secret" }),
        yield* crawl({ maxPage: 5 }, { directory }),
        yield* crawl({}, { directory, retries: -1 }),
        yield* crawl({ include: "docs" }, { directory }),
        yield* crawl({ scope: "site" }, { directory }),
        yield* crawl({ priorities: [{ pattern: /a/, value: 101 }] }, { directory })
      ]
      assert.isTrue(told.every((error) => error instanceof OptionUnusable))
      assert.deepStrictEqual(
        told.map(({ message }) => message),
        [
          `job (string): no such option among ${Object.keys(kinds).join(", ")}`,
          "maxPage (number): no such option among scope, include, exclude, depth, sitemaps, priorities, traps, maxPages, maxPagesPerHost, skipNoindex, mirror, denyPrivate",
          "retries -1: it takes a whole number of at least 0",
          `include "docs": it takes an array of regular expressions`,
          `scope "site": it takes "host" or "domain" or "path"`,
          "priorities (array): it takes an array of { pattern, value }, the value a whole number from -100 to 100"
        ]
      )
      assert.deepStrictEqual(
        told.slice(1, 3).map((error) => "hint" in error && error.hint),
        ["take one of those for maxPage, or leave it out", "check the value of retries"]
      )
      assert.isFalse(fs.existsSync(directory))
    })
  )

  it.effect("that are no source are refused before a directory is made", () =>
    Effect.gen(function* () {
      const directory = folder()
      const sources: ReadonlyArray<unknown> = [
        null,
        "list.txt",
        ["http://h/"],
        {},
        { file: "" },
        { bytes: "http://h/" }
      ]
      const told = yield* Effect.forEach(sources, (source) =>
        Effect.scoped(Effect.flip(Get.open(source as Get.Source, { directory })))
      )
      assert.deepStrictEqual(
        told.map(({ message }) => message),
        [
          "source null: it takes an object with file, bytes or urls",
          "source (string): it takes an object with file, bytes or urls",
          "source (array): it takes an object with file, bytes or urls",
          "source (object): it takes an object with file, bytes or urls",
          'file "": it takes some text',
          'bytes "http://h/": it takes an AsyncIterable of bytes'
        ]
      )
      assert.isFalse(fs.existsSync(directory))
    })
  )

  it("that are no options at all are refused, and so is what is no signal", async () => {
    const directory = folder()
    const refused = async (outcomes: AsyncIterable<unknown>) => {
      try {
        for await (const outcome of outcomes) assert.fail(`it gave ${JSON.stringify(outcome)}`)
      } catch (error) {
        assert.instanceOf(error, OptionUnusable)
        return error.message
      }
      return assert.fail("it ended")
    }
    const urls = ["http://h/"]
    const any = (value: unknown) => value as never
    assert.deepStrictEqual(
      await Promise.all(
        [
          Get.get(urls, any(null)),
          Get.get(urls, any(5)),
          Get.get(urls, { directory }, any(null)),
          Get.get(urls, { directory }, any(new AbortController().signal)),
          Get.get(urls, { directory }, { signal: any(5) }),
          Crawl.crawl(urls, any(null), { directory }),
          Crawl.crawl(urls, {}, any(null)),
          Crawl.crawl(urls, {}, { directory }, { signal: any(null) })
        ].map(refused)
      ),
      [
        "options null: it takes an object",
        "options 5: it takes an object",
        "the last argument null: it takes { signal }",
        "the last argument (object): it takes { signal }",
        "signal 5: it takes an AbortSignal",
        "rules null: it takes an object",
        "options null: it takes an object",
        "signal null: it takes an AbortSignal"
      ]
    )
    assert.isFalse(fs.existsSync(directory))
    const more = { signal: undefined, more: 1 }
    for await (const outcome of Get.get([], { directory }, more)) assert.fail(outcome.url)
  })

  it.effect("are told of in a message that is no longer than it need be", () =>
    Effect.gen(function* () {
      const long = "x".repeat(1e6)
      const { message } = yield* get({ durability: long })
      assert.strictEqual(message, `durability "${"x".repeat(99)}...: it takes "process" or "power"`)
      const seed = yield* refusal(Crawl.open([long]))
      assert.isBelow(seed.message.length, 500)
    })
  )

  it.effect("show no password of a seed that is no URL, nor of a URL in the place of options, however long", () =>
    Effect.gen(function* () {
      for (const secret of ["secret", "secret".repeat(100)])
        for (const scheme of ["htp:", "http:", ""]) {
          const url = `${scheme}//user:${secret}@host.example:x/`
          const shown = `${scheme}//***@host.example:x/`
          const seed = yield* refusal(Crawl.open([url]))
          assert.strictEqual((seed as { readonly value?: string }).value, shown)
          assert.notInclude(seed.message, "secret")
          const { message } = yield* refusal(Get.open({ urls: [] }, url as unknown as {}))
          assert.strictEqual(message, `options "${shown}": it takes an object`)
        }
    })
  )

  it.effect("that are no list of URLs are refused, a single URL too", () =>
    Effect.gen(function* () {
      const directory = folder()
      const refused = (urls: unknown) =>
        Effect.all([
          refusal(Get.open({ urls: urls as [] }, { directory })),
          refusal(Crawl.open(urls as [], {}, { directory }))
        ])
      for (const [urls, shown] of [
        ["http://user:secret@h/", "(string)"],
        [5, "(number)"],
        [null, "null"],
        [undefined, "null"],
        [{}, "(object)"]
      ])
        assert.deepStrictEqual(
          (yield* refused(urls)).map(({ message }) => message),
          [
            `urls ${shown as string}: it takes an array of URLs, or another iterable of them`,
            `urls ${shown as string}: it takes an array of URLs`
          ]
        )
      assert.isFalse(fs.existsSync(directory))
    })
  )

  it.effect("may be left out, all of them", () =>
    Effect.gen(function* () {
      const missing = yield* refusal(Get.open({ file: `${folder()}/missing` }))
      assert.strictEqual(missing._tag, "ListUnreadable")
      const seedless = yield* refusal(Crawl.open(["no url"]))
      assert.strictEqual(seedless._tag, "OptionUnusable")
    })
  )

  it.effect("that are measures may be fractions, as products are", () =>
    OptionKind.check(kinds, {
      delayMs: 0.1,
      backoffMs: 0.1,
      timeoutMs: 4.35 * 100,
      connectTimeoutMs: 4.35 * 100,
      maxTimeMs: 1.005 * 1000,
      maxSize: 1.1 * 2 ** 20
    })
  )

  it.effect("that bound nothing may be infinite", () =>
    Effect.forEach(
      Object.entries({
        ...defaults,
        jobs: Infinity,
        backoffMs: Infinity,
        rate: Infinity,
        retries: Infinity,
        maxSize: Infinity,
        maxTimeMs: Infinity,
        perHost: Infinity
      }),
      ([option, value]) => OptionKind.check(kinds, { [option]: value })
    )
  )
})
