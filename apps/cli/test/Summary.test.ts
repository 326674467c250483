import { assert, describe, it } from "@effect/vitest"
import * as FetchError from "@simul/scraper/FetchError"
import type { Outcome } from "@simul/scraper/Outcome"
import * as Report from "@simul/scraper/Report"
import * as Url from "@simul/scraper/Url"
import { expect } from "vitest"
import { uncoloured } from "../src/Screen.ts"
import * as Summary from "../src/Summary.ts"
import { failed, idle, notFound, refused, saved } from "./FakeEngine.ts"

const cut = new FetchError.TruncatedError({ received: 3, expected: 5000 })
const render = (outcomes: Iterable<Outcome>, facts: Partial<Summary.Facts> = {}, columns = 80) => {
  const fold = Report.make()
  for (const outcome of outcomes) fold.add({ outcome })
  const report = fold.result()
  const progress = { ...idle, elapsedMs: 24_000, total: report.targets, ...facts.progress }
  const whole = { directory: "pages", format: "files" as const, interrupted: false, ...facts, report, progress }
  return `\n${Summary.render(whole, columns, uncoloured)}\n`
}
const times = <A>(count: number, make: (index: number) => A) => Array.from({ length: count }, (_, index) => make(index))
const mixed = [
  ...times(9979, (index) => saved(`https://a.example/${index}`, 220_000)),
  ...times(9, (index) => notFound(`https://a.example/x${index}`)),
  ...times(3, (index) => notFound(`https://b.example/x${index}`)),
  ...times(4, (index) => refused(`https://c.example/${index}`)),
  ...times(2, (index) =>
    failed(`https://d.example/${index}`, new FetchError.TimeoutError({ phase: "body", ms: 30_000 }))
  ),
  failed("https://e.example/\u202ecut\x1b[2J", cut)
]

describe("the summary", () => {
  it("counts what was had, groups what was not, and says what to do", () => {
    expect(render(mixed)).toMatchInlineSnapshot(`
      "
      saved 9,979 of 9,998 URLs (2.0 GB) in 24s, 417/s

        12  HTTP 404                       a.example 9, b.example 3
         4  refused by robots.txt          c.example
         2  no byte for 30 s               d.example
         1  body ended at 3 of 5000 bytes  e.example/\\u{202e}cut\\u{1b}[2J

      hint: run the same command again to retry the 3 that may succeed
      hint: \`--no-robots\` would fetch what robots.txt refuses; ask the site first
      hint: \`simul report pages --failed\` lists every URL
      "
    `)
  })
  it("names no host where lines of the list have none", () => {
    const invalid = (url: string) => failed(url, new FetchError.InvalidUrl({ detail: "not an absolute URL" }))
    const shown = render([invalid("hello"), invalid("world"), invalid("http://a.example:99999/")])
    assert.include(shown, "  3  no http(s) URL  no host 2, a.example:99999 1\n")
  })
  it("knows a way to make a list of JSON", () => {
    const error = new FetchError.InvalidUrl({ detail: "not an absolute URL", line: 1 })
    for (const [url, query] of [
      ['{"url":"http://a.example/"}', ".url"],
      ['"http://a.example/"', "."]
    ] as const)
      assert.include(
        render([failed(url, error)]),
        `hint: a list has a URL a line: \`jq -r ${query} LIST | simul get -i -\``
      )
  })
  it("knows a way to make a list of CSV", () => {
    const error = new FetchError.InvalidUrl({ detail: "not an absolute URL", line: 1 })
    for (const [line, separator] of [
      ["url,name", ","],
      ['"http://a.example/","Lamp, red"', ","],
      ["id;page url", ";"]
    ] as const)
      assert.include(
        render([failed(line, error)]),
        `hint: a list has a URL a line: \`grep -oE 'https?://[^"${separator}[:space:]]+' LIST | simul get -i -\``
      )
    assert.include(render([failed("hello", error)]), "hint: a URL starts with")
  })
  it("says what is wrong with a line, which stands beside it, however long it is", () => {
    const url = "http://a.example/1\thttp://a.example/2"
    const invalid = Url.given(url)
    assert.instanceOf(invalid, FetchError.InvalidUrl)
    const shown = render([failed(url, new FetchError.InvalidUrl({ detail: invalid.detail, line: 7 }))])
    assert.include(shown, "  1  line 7: a tab or a line end within a URL  a.example/1")
  })
  it("says in one line that all is well", () => {
    expect(render(times(3, (index) => saved(`https://a.example/${index}`)))).toMatchInlineSnapshot(`
      "
      saved 3 URLs (2.9 KB) in 24s
      "
    `)
  })
  it("says where links were not followed, since their pages are too long", () => {
    const long = { ...saved("https://a.example/1"), linksCut: true } as Outcome
    expect(render([long, saved("https://a.example/2")])).toMatchInlineSnapshot(`
      "
      saved 2 URLs (2.0 KB) in 24s
      1 page is too long to be read to the end: later links were not followed
      "
    `)
  })
  it("says that what is saved already does not change its form", () => {
    const progress = { ...idle, skipped: 9, inOtherForm: true } as const
    expect(render([], { progress, format: "warc" })).toMatchInlineSnapshot(`
      "
      all 9 URLs already saved; nothing to do

      hint: \`--refresh\` asks again and takes what changed
      hint: what was saved as files stays so, and is in no archive: \`-o\` another directory archives all
      "
    `)
    expect(render([], { progress })).toMatchInlineSnapshot(`
      "
      all 9 URLs already saved; nothing to do

      hint: \`--refresh\` asks again and takes what changed
      hint: what was archived stays so, and is no file: \`-o\` another directory makes files of all
      "
    `)
    // nothing is
    assert.notInclude(
      render(
        times(1, () => saved("https://a.example/")),
        { format: "warc" }
      ),
      "stays"
    )
  })
  it("says that nothing is written through a link, and what to do about that", () => {
    const error = new FetchError.WriteError({ path: "a.example", code: "EUNSAFE" })
    assert.include(
      render([failed("https://a.example/1", error)]),
      "hint: nothing is written through a link below the directory: put a folder in its place, or `-o` another directory\n"
    )
  })
  it("says from when on a host may be asked again that asked to be left alone", () => {
    const leftAlone = { host: "https://a.example", untilMs: Date.UTC(2026, 10, 28, 11, 24, 50, 700) }
    const progress = { ...idle, leftAlone }
    const busy = failed("https://a.example/1", new FetchError.StatusError({ status: 429, retryAfterMs: 1e8 }))
    const until = "; a.example asked to be left alone until 2026-11-28T11:24:50Z\n"
    const retry = `hint: run the same command again to try once more${until}`
    assert.include(render([busy], { progress }), retry)
    assert.include(render([busy], { progress, only: busy }), retry)
    assert.include(
      render([busy, busy], { progress }),
      `hint: run the same command again to retry the 2 that may succeed${until}`
    )
    const other = failed("https://b.example/1", cut)
    assert.include(
      render([busy, other], { progress }),
      "hint: run the same command again to retry the 2 that may succeed; what is of a.example waits until 2026-11-28T11:24:50Z\n"
    )
    // what no run gets is no reason to tell of less
    assert.include(render([busy, notFound("https://b.example/1")], { progress }), until)
    assert.include(render([], { progress, interrupted: true }), `hint: run the same command again to resume${until}`)
    assert.notInclude(render([notFound("https://a.example/2")], { progress }), "left alone")
  })
  it("says of a crawl that it stopped at the number of its pages", () => {
    const progress = {
      ...idle,
      elapsedMs: 400,
      saved: 1,
      skipped: 9,
      total: 15,
      limit: { by: "maxPages", most: 10 } as const
    }
    expect(render([saved("https://a.example/")], { progress })).toMatchInlineSnapshot(`
      "
      saved 1 URL (1.0 KB) in 0.4s, 9 already saved

      hint: it stopped at \`--max-pages 10\` with 5 URLs queued: the same command with a larger one goes on
      "
    `)
    assert.notInclude(render([saved("https://a.example/")], { progress: { ...progress, total: 10 } }), "hint")
    const limit = { by: "maxPagesPerHost", most: 5 } as const
    assert.include(
      render([saved("https://a.example/")], { progress: { ...progress, limit } }),
      "it stopped at `--max-pages-per-host 5` with 5 URLs queued"
    )
  })
  it("does not call a host that cannot be had a rule of it", () => {
    const error = { reason: "RobotsUnreachable", message: "robots.txt of https://a.example cannot be had: 503" }
    const told = render([{ _tag: "Refused", url: "https://a.example/", attempts: 0, durationMs: 1, error }])
    assert.notInclude(told, "--no-robots")
    assert.include(told, "run the same command again when it answers")
  })
  it("names what has no end by its pattern, and says what may end a loop of redirects", () => {
    const url = "https://a.example/calendar/2031/7"
    const message = `https://a.example/calendar/#/# has no end: 128 pages of it had 1 different contents, and led to more of them`
    const loop = new FetchError.RedirectError({ kind: "loop", location: "https://b.example/", count: 1 })
    const outcomes: ReadonlyArray<Outcome> = [
      { _tag: "Refused", url, attempts: 0, durationMs: 1, error: { reason: "Trap", message } },
      { _tag: "Failed", url: "https://b.example/", attempts: 1, durationMs: 1, error: loop }
    ]
    const told = render(outcomes)
    assert.notInclude(render(outcomes, { keepsCookies: true }), "--cookie-jar")
    const limit = new FetchError.RedirectError({ kind: "limit", location: "https://b.example/", count: 20 })
    const between = { _tag: "Failed", url: "https://b.example/", attempts: 1, durationMs: 1, error: limit } as const
    assert.include(render([between]), "--cookie-jar")
    expect(told).toMatchInlineSnapshot(`
      "
      saved 0 of 2 URLs (0 B) in 24s

        1  redirects in a loop, to https://b.example/  b.example/
        1  no end: /calendar/#/#                       a.example/calendar/2031/7

      hint: \`--cookie-jar FILE\` keeps cookies: some sites redirect until one is sent back
      hint: \`--no-traps\` fetches what has no end, too
      hint: \`simul report pages --failed\` lists every URL
      "
    `)
  })
  it("counts what an earlier run saved", () => {
    expect(render([saved("https://a.example/")], { progress: { ...idle, elapsedMs: 400, skipped: 9999 } }))
      .toMatchInlineSnapshot(`
      "
      saved 1 URL (1.0 KB) in 0.4s, 9,999 already saved
      "
    `)
  })
  it("says that all was saved before", () => {
    expect(render([], { progress: { ...idle, skipped: 10_000 } })).toMatchInlineSnapshot(`
      "
      all 10,000 URLs already saved; nothing to do

      hint: \`--refresh\` asks again and takes what changed
      "
    `)
  })
  it("says that the list is empty", () => {
    expect(render([])).toMatchInlineSnapshot(`
      "
      nothing to do: the list has no URLs
      "
    `)
  })
  it("says how to go on after an interruption, and counts what has no outcome yet", () => {
    const progress = { ...idle, elapsedMs: 12_000, saved: 9_990, bytes: 2_200_000_000, total: 20_000 }
    expect(render(mixed, { interrupted: true, progress })).toMatchInlineSnapshot(`
      "
      interrupted after 12s: saved 9,990 of 20,000 (2.0 GB)

        12  HTTP 404                       a.example 9, b.example 3
         4  refused by robots.txt          c.example
         2  no byte for 30 s               d.example
         1  body ended at 3 of 5000 bytes  e.example/\\u{202e}cut\\u{1b}[2J

      hint: run the same command again to resume
      "
    `)
  })
  it("takes no failure that an interruption left without an outcome for a line that is no URL", () => {
    const progress = { ...idle, elapsedMs: 12_000, failed: 3 }
    const shown = render([notFound("https://a.example/x")], { interrupted: true, progress })
    assert.notInclude(shown, "no URL")
    assert.include(render([notFound("https://a.example/x")], { progress }), "2 lines of the list are no URL, as before")
  })
  it("says of a run that waited for room on the disk that it did", () => {
    const progress = { ...idle, elapsedMs: 12_000, diskFull: { free: 9, needed: 10 } }
    assert.include(render([], { interrupted: true, progress }), "hint: the disk was full: make room on it, and run")
  })
  it("counts nothing that may find no room on the disk any more", () => {
    const progress = { ...idle, elapsedMs: 12_000, saved: 9, bytes: 9000, diskFull: { free: 9, needed: 10 }, total: 20 }
    const shown = render([saved("https://a.example/")], { interrupted: true, progress })
    assert.include(shown, "interrupted after 12s: saved 1 of 20 (1.0 KB)\n")
  })
  it("tells apart what is unchanged", () => {
    const unchanged: Outcome = { ...saved("https://a.example/u"), _tag: "Unchanged" } as never
    expect(render([saved("https://a.example/"), unchanged]) + render([unchanged])).toMatchInlineSnapshot(`
      "
      saved 2 URLs (2.0 KB, 1 of them unchanged) in 24s

      unchanged 1 URL (1.0 KB) in 24s
      "
    `)
  })
  it("knows a way out of proxies, certificates, private addresses and sizes", () => {
    const hints = (error: FetchError.FetchReason) => render(times(2, (at) => failed(`https://a.example/${at}`, error)))
    assert.include(hints(new FetchError.TimeoutError({ phase: "total", ms: 1000 })), "hint: `--max-time TIME`")
    const tls = (code: string) => hints(new FetchError.TlsError({ host: "a.example", code }))
    for (const code of ["DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"])
      assert.include(tls(code), "hint: `--cacert FILE`")
    // a certificate that is trusted is still too old, or another host's
    for (const code of ["CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID"])
      assert.match(tls(code), /^hint: `--insecure`(?![^]*--cacert)/mu)
    assert.include(tls("ERR_SSL_WRONG_VERSION_NUMBER"), "hint: that port speaks no TLS")
    assert.notMatch(tls("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"), /--cacert|--insecure|speaks no TLS/u)
    assert.include(hints(new FetchError.ProxyError({ proxy: "http://p:1", code: "ECONNREFUSED" })), "hint: `--proxy")
    // a host may say so as well, with no proxy on the way
    const credentials = [failed("http://a.example/", new FetchError.StatusError({ status: 407 }))]
    assert.include(render(credentials, { hasProxy: true }), "hint: `--proxy")
    assert.notInclude(render(credentials), "proxy")
    assert.include(hints(new FetchError.AddressError({ host: "a", address: "10.0.0.1" })), "hint: `--allow-private`")
    assert.include(hints(new FetchError.AddressError({ host: "a", address: "fd00:ec2::254" })), "credentials")
    const room = { needed: 10, free: 9 }
    const noRoom = new FetchError.WriteError({ path: "h/a", code: "ENOSPC", room })
    assert.include(hints(noRoom), "hint: make room on the disk, and run the same command again")
    assert.include(hints(new FetchError.TooLargeError({ maxBytes: 9, bomb: false })), "hint: `--max-size SIZE`")
  })
  it("quotes a directory that a shell would take apart", () => {
    assert.include(render(mixed, { directory: "my pages" }), "`simul report 'my pages' --failed`")
    assert.include(render(mixed, { directory: "-x" }), "`simul report ./-x --failed`", "no flag")
  })
  it("names as many hosts as it has room for, and cuts no count", () => {
    const hosts = Array.from({ length: 6 }, (_, host) => `http://192.168.${host}.100:8080`)
    const outcomes = hosts.flatMap((host, index) => times(20 - index, (page) => notFound(`${host}/${page}`)))
    const where = (columns: number) => /HTTP 404 +(.*)/.exec(render(outcomes, {}, columns))?.[1]
    assert.deepStrictEqual([120, 75, 60].map(where), [
      "192.168.0.100:8080 20, 192.168.1.100:8080 19, 192.168.2.100:8080 18, others 48",
      "192.168.0.100:8080 20, 192.168.1.100:8080 19, others 66",
      "192.168.0.100:8080 20, others 85"
    ])
    const long = "http://cdn-7.downloads.static.example:8080"
    const two = [
      ...times(1200, (page) => notFound(`${long}/${page}`)),
      ...times(900, (page) => notFound(`http://a/${page}`))
    ]
    const narrow = (columns: number) => /HTTP 404 +(.*)/.exec(render(two, {}, columns))?.[1]
    assert.deepStrictEqual([60, 40].map(narrow), ["cdn-7.downl…ample:8080 1,200, others 900", "some hosts"])
  })
  it("keeps to the width of the terminal", () => {
    for (let columns = 60; columns < 160; columns++) {
      const rows = render(mixed, {}, columns)
        .split("\n")
        .filter((line) => line.startsWith("  "))
      for (const row of rows) assert.isAtMost(row.length, columns, row)
    }
  })
})

describe("the summary of one URL", () => {
  const one = (outcome: Outcome, file?: string) =>
    render([outcome], { only: outcome, ...(file === undefined ? {} : { file }) })
  it("names the file", () => {
    assert.strictEqual(
      one(saved("https://a.example/b", 10_240), "pages/a.example/b"),
      "\nsaved pages/a.example/b (10 KB)\n"
    )
  })
  it("says what went wrong and what may help", () => {
    expect(one(failed("https://a.example/b", cut)) + one(notFound("https://a.example/c"))).toMatchInlineSnapshot(`
      "
      error: body ended at 3 of 5000 bytes: https://a.example/b

      hint: run the same command again to try once more

      error: HTTP 404: https://a.example/c
      "
    `)
  })
})
