import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import * as Following from "../../src/crawl/Following.ts"
import * as Priorities from "../../src/crawl/Priorities.ts"
import { defaults } from "../../src/Options.ts"
import type { Target } from "../../src/Target.ts"

const seed = "http://h/"
const rules: Following.Rules = { scope: "host", include: [], exclude: [], sitemaps: false, traps: false }
const make = (given: Partial<Following.Rules> = {}, seeds = [seed]) =>
  Following.make(seeds, { ...rules, ...given }, { ...defaults, robots: true, directory: "unused" })
type Crawl = ReturnType<typeof make>

const page = (following: Crawl, url: string, depth: number) => {
  const target = { url, host: "http://h", path: "", attempts: 0, depth, isResource: false }
  const head = { status: 200, url, header: (name: string) => (name === "content-type" ? "text/html" : undefined) }
  return following.read(target, head)!
}
const read = (following: Crawl, url: string, depth: number, html: string) => {
  const reading = page(following, url, depth)
  reading.write(Buffer.from(html))
  return found(reading)
}
const found = (reading: ReturnType<typeof page>) =>
  reading.end().map(({ url, depth, isResource }) => `${depth} ${isResource === true ? "resource " : ""}${url}`)

const references = [
  "/a",
  "/b?x=1&amp;y=2",
  "c",
  "../d",
  "./e",
  "http://h/f",
  "http://g/",
  "#top",
  "",
  "mailto:x",
  "?q",
  "//h/i",
  "/\u00e4"
].map((reference) => `<a href="${reference}">x</a>`)
/** What a page may have in its margins. */
const parts = [
  ...references,
  ...["j", "/k"].map((reference) => `<img src="${reference}"><a rel=nofollow href=${reference}>x</a>`),
  `<img srcset="l 2x, /m">`,
  `<p style="background: url(n)">`,
  `<form action=o><input></form>`,
  `<style>p { background: url(p) }</style>`,
  `<script src=q></script>`,
  `<noframes><a href=r></a></noframes>`,
  `<noframes><base href=/v/></noframes>`,
  `<noframes><meta name=robots content=nofollow></noframes>`,
  `<svg><a href=s></a></svg>`,
  `<iframe srcdoc="<a href=t></a>"></iframe>`,
  `<base href=/v/>`,
  `<meta name=robots content=nofollow>`,
  `<meta http-equiv=refresh content="0; url=w">`,
  `<!-- -->`,
  `<ul><li>`,
  `</ul>`,
  `<nav>`,
  `</nav>`
]
/** Long enough to be known again. */
const menu = (html: string) => `<ul class=menu>${html}${" ".repeat(250)}</ul>`

/** One crawl finds in these pages what is found in each of them alone, but for what is known. */
const assertAlike = (
  pages: ReadonlyArray<{
    readonly url: string
    readonly depth: number
    readonly chunks: ReadonlyArray<string>
    readonly charset?: string
  }>,
  message: string
) => {
  const given = { exclude: [/f$/], depth: 4 }
  const crawl = () => make(given, [seed, "http://g/"])
  const following = crawl()
  const known = new Map<string, number>()
  pages.forEach(({ url, depth, chunks, charset = "utf-8" }, number) => {
    const [all, found] = [crawl(), following].map((crawl) => {
      const reading = page(crawl, url, depth)
      reading.write(Buffer.from(`<meta charset=${charset}>${" ".repeat(1024)}`))
      for (const chunk of [...chunks, `<a href=/${number}>x</a>`]) reading.write(Buffer.from(chunk))
      return reading.end()
    })
    const isNew = (target: Target) => {
      const isNearer = target.depth! < (known.get(target.url) ?? Infinity)
      if (isNearer) known.set(target.url, target.depth!)
      return isNearer
    }
    assert.deepStrictEqual(found, all!.filter(isNew), `${message}, ${number}: ${chunks.join("|")}`)
  })
}

describe("Following", () => {
  it("gives a link once, however it is written, and again where it is nearer", () => {
    const following = make()
    const html = `<a href=/a/b>1</a><a href=/a/b#top>2</a><a href="http://h/a/b">3</a><a href="/a/./b">4</a><img src=/i.png>`
    assert.deepStrictEqual(read(following, "http://h/x", 3, html), ["4 http://h/a/b", "3 resource http://h/i.png"])
    assert.deepStrictEqual(read(following, "http://h/a/y", 3, `<a href=b>1</a><a href=../a/b>1</a><a href=./c>2</a>`), [
      "4 http://h/a/c"
    ])
    assert.deepStrictEqual(read(following, "http://h/a/z", 2, `<a href=b#x>1</a><a href=c>2</a>`), [
      "3 http://h/a/b",
      "3 http://h/a/c"
    ])
  })

  it("knows a link again that is not ASCII, and not by what it would be in another encoding", () => {
    const following = make()
    const html = (charset: string) => `<meta charset=${charset}><a href="/ä?ä">1</a><a href="/&Auml;">2</a>`
    const first = read(following, seed, 0, html("utf-8"))
    assert.deepStrictEqual(first, ["1 http://h/%C3%A4?%C3%A4", "1 http://h/%C3%84"])
    assert.deepStrictEqual(read(following, seed, 0, html("utf-8")), [])
    const reading = page(following, seed, 0)
    reading.write(Buffer.from(html("windows-1252"), "latin1"))
    assert.deepStrictEqual(found(reading), ["1 http://h/%C3%A4?%E4"])
  })

  it("does not take for a path what is no path", () => {
    const following = make()
    read(following, seed, 0, `<a href="/mailto:x">1</a><a href="/javascript:y">2</a>`)
    assert.deepStrictEqual(
      read(following, seed, 0, `<a href="mailto:x">1</a><a href="//h/a">2</a><a href="?q">3</a>`),
      ["1 http://h/a", "1 http://h/?q"]
    )
  })

  it("follows no link with nofollow, though it stands without it elsewhere", () => {
    const following = make()
    const html = `<a href=/a rel=nofollow>1</a>`
    assert.deepStrictEqual(read(following, seed, 0, html), [])
    assert.deepStrictEqual(read(following, seed, 0, `<a href=/a>1</a>`), ["1 http://h/a"])
  })

  it("finds in pages with the same margins what there is to be found in each alone", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = Randomness.make(seed)
      const any = (count: number) => Randomness.below(random, count)
      const some = (most: number) =>
        Array.from({ length: 1 + any(most) }, () => parts[any(any(2) === 0 ? references.length : parts.length)]).join(
          ""
        )
      const margins = Array.from({ length: 3 }, () => menu(some(6)))
      margins.push(`<nav>${margins[0]}${some(2)}${margins[1]}</nav>`)
      const pages = Array.from({ length: 6 }, () => {
        const html = Array.from({ length: 3 }, () => margins[any(4)] + (any(3) === 0 ? some(2) : "")).join("\n")
        const isCut = any(3) === 0
        return {
          url: `http://${any(2) === 0 ? "g" : "h"}/${any(3) === 0 ? "x/" : ""}y/${any(2)}`,
          depth: any(3),
          chunks: isCut ? [html.slice(0, any(html.length)), html] : [html],
          charset: any(5) === 0 ? "windows-1252" : "utf-8"
        }
      })
      assertAlike(pages, String(seed))
    }
  })

  describe("with a big menu", () => {
    const words = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => `w${((from * 7919 + at * 104_729) % 4001).toString(36)}`).join(" ")
    const links = Array.from({ length: 200 }, (_, at) => `<li><a href="/${words(at, 1)}/">${words(at, 1)}</a>`)
    // as long as heads are: in its first bytes the encoding is looked for
    const head = `<meta charset=utf-8><style>${"p { margin: 0 } ".repeat(100)}</style>`
    const html = (url: string, text: string) =>
      `${head}<ul>${links.join("")}</ul><p>${text}</p><a href="${url}">next</a>`
    const visit = (url: (n: number) => string, text: (n: number) => string) => {
      const following = make({ traps: true })
      let n = 0
      for (; n < 600 && following.traps!.caught(url(n)) === undefined; n++)
        read(following, url(n), 1, html(url(n + 1), text(n)))
      return n
    }

    it("takes short articles that are different for no trap", () => {
      assert.strictEqual(
        visit(
          (n) => `http://h/article/${n}`,
          (n) => words(n, 12)
        ),
        600
      )
    })
    it("still catches what says the same on page after page", () => {
      const calendar = (n: number) => `${2026 + n} no events <table><tr><td>${words(0, 40)}</table>`
      assert.isBelow(
        visit((n) => `http://h/calendar/${n}`, calendar),
        200
      )
      const session = (n: number) => `${words(0, 60)} You are visitor ${n}`
      assert.isBelow(
        visit((n) => `http://h/s${n}x/article`, session),
        200
      )
    })
  })

  it("takes for the same margin what says the same, and nothing else", () => {
    for (const part of parts) {
      const html = menu(part)
      const nested = `<nav>${html}</nav>`
      const [x, y, z, other] = ["http://h/x/1", "http://h/y/1", "http://h/z/1", "http://g/y/1"]
      assertAlike(
        [
          ...[html, html, html, nested].map((html) => ({ url: x, depth: 2, chunks: [html] })),
          ...[html, html].map((html) => ({ url: y, depth: 2, chunks: [html] })),
          { url: z, depth: 2, chunks: [nested] },
          ...[1, 1, 2, 0].map((depth) => ({ url: y, depth, chunks: [html] })),
          { url: other, depth: 2, chunks: [html] },
          { url: y, depth: 1, chunks: [html], charset: "windows-1252" }
        ],
        part
      )
      // the same margin behind it
      const behind = menu("<a href=c>x</a>")
      const before = [part + behind, part + behind, behind]
      assertAlike(
        before.map((html) => ({ url: x, depth: 2, chunks: [html] })),
        part
      )
    }
    // an element that begins in one chunk, and what stands at its place in the next one
    const [before, link] = [`<ul class=menu>${" ".repeat(250)}`, `<a href=/z>x</a>-->${"<br>".repeat(50)}</ul>`]
    const chunks = [[`${before}<!--`, before + link], [before + link]]
    assertAlike(
      chunks.map((chunks) => ({ url: seed, depth: 0, chunks })),
      "chunks"
    )
  })

  it.effect("gives what is in a long sitemap in parts, all of it though the rules become wider meanwhile", () =>
    Effect.gen(function* () {
      const following = make({ sitemaps: true, exclude: [/[1-9]$/] })
      const urls = Array.from({ length: 20_000 }, (_, index) => `http://h/${index}`)
      const given: Array<ReadonlyArray<Target>> = []
      const reading = yield* following.readWhole(
        { url: "http://h/sitemap.xml", host: "http://h", path: "", attempts: 0, depth: -1 },
        { status: 200, url: "http://h/sitemap.xml", header: () => undefined },
        async function* () {
          yield Buffer.from(urls.map((url) => `<url><loc>${url}</loc></url>`).join(""))
        },
        (targets) =>
          Effect.sync(() => {
            if (given.push(targets) === 1) following.change({ ...rules, sitemaps: true })
          })
      )!
      given.push(reading.end())
      for (const targets of given) assert.isBelow(targets.length, 5100)
      assert.sameMembers([...new Set(given.flat().map(({ url }) => url))], urls)
    })
  )

  it.effect("reads of a robots.txt what counts, and no more", () =>
    Effect.gen(function* () {
      let read = 0
      const reading = yield* make({ sitemaps: true }).readWhole(
        { url: "http://h/robots.txt", host: "http://h", path: "", attempts: 0, depth: Following.robotsDepth },
        { status: 200, url: "http://h/robots.txt", header: () => undefined },
        async function* () {
          yield Buffer.from("Sitemap: /map\n")
          for (; read < 100; read++) yield Buffer.alloc(1 << 16, "#")
        },
        () => Effect.void
      )!
      assert.deepStrictEqual(found(reading), ["-4 resource http://h/map"])
      assert.strictEqual(read, 7)
    })
  )

  describe("with what cannot be read to its end", () => {
    const coded = (code?: string) => Object.assign(new Error(), { code })
    const breaksOff = async function* (start: string, error = coded("ESTALE")) {
      if (start !== "") yield Buffer.from(start)
      throw error
    }
    for (const [what, path, contentType, start] of [
      ["a page", "/", "text/html", "<a href=/a>x</a>"],
      ["a sitemap", "/sitemap.xml", "application/xml", "<url><loc>http://h/a</loc></url>"],
      ["a robots.txt", "/robots.txt", "text/plain", "Sitemap: /map\n"]
    ] as const) {
      const url = `http://h${path}`
      const target = { url, host: "http://h", path: "", attempts: 0, depth: path === "/" ? 0 : -1 }
      const head = { status: 200, url, header: () => contentType }
      const none = () => Effect.void
      it.effect(`tells why, of ${what}`, () =>
        Effect.gen(function* () {
          const bodies = [
            () => breaksOff(start),
            () => {
              throw coded("ESTALE")
            }
          ]
          for (const body of bodies) {
            const unread = yield* Effect.flip(make({ sitemaps: true }).readWhole(target, head, body, none)!)
            assert.deepInclude(unread, { _tag: "Unreadable", code: "ESTALE" })
          }
        })
      )
      const readAgain = (body: () => AsyncIterable<Uint8Array>) => {
        const given = { ...defaults, robots: true, directory: "unused" }
        const following = Following.make([seed], { ...rules, sitemaps: true }, given, body)
        const saved = { bytes: 9, contentType }
        return following.readAgain({ target: { ...target, path: "p", saved }, finalUrl: url }, none)
      }
      it.effect(`gives no links where it is gone or damaged, of ${what} that is read again`, () =>
        Effect.gen(function* () {
          for (const code of ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "Z_DATA_ERROR", "ERR_BROTLI", undefined])
            for (const begun of ["", start])
              assert.deepStrictEqual(yield* readAgain(() => breaksOff(begun, coded(code))), [], code)
        })
      )
      it.effect(`fails where nobody can tell, of ${what} that is read again`, () =>
        Effect.gen(function* () {
          for (const code of ["ESTALE", "EIO", "EACCES", "EMFILE"])
            for (const begun of ["", start]) {
              const error = yield* Effect.flip(readAgain(() => breaksOff(begun, coded(code))))
              assert.deepInclude(error, { _tag: "DirectoryUnusable", directory: "unused/p", code, isUnseen: true })
            }
        })
      )
    }
  })

  it("asks no host for its root because a page wants to be near to it", () => {
    const following = make()
    const html = `<link rel=preconnect href=/z><link rel="dns-prefetch x" href=//h><link rel=x href=/y>`
    assert.deepStrictEqual(read(following, seed, 0, html), ["1 http://h/y"])
  })

  it("judges what a page has by other rules that come before it is whole", () => {
    const following = make({ exclude: [/private/] })
    const links = `${menu("<a href=/private/a>1</a><a href=http://g/>2</a>")}<a href=/private/b rel=nofollow>3</a>`
    for (const depth of [0, 0, 0]) assert.deepStrictEqual(read(following, seed, depth, links), [])
    const reading = page(following, "http://h/x", 1)
    reading.write(Buffer.from(links))
    following.change(rules)
    assert.deepStrictEqual(found(reading), ["2 http://h/private/a"])
    following.change({ ...rules, exclude: [/private/] })
    assert.deepStrictEqual(read(following, seed, 0, links), [])
  })

  it("gives what a page has the priorities that come before it is whole", () => {
    const following = make({ priorities: [{ pattern: /a$/, value: 1 }] })
    const reading = page(following, "http://h/x", 1)
    // more than is looked at for the encoding before anything is read
    reading.write(Buffer.from(`<a href=/a>1</a><a href=/b>2</a>${" ".repeat(5000)}`))
    const priorities = [{ pattern: /b$/, value: 2 }]
    following.change({ ...rules, priorities })
    assert.deepStrictEqual(
      reading.end().map(({ priority }) => priority),
      ["http://h/a", "http://h/b"].map((url) => Priorities.of(priorities, url))
    )
  })
})
