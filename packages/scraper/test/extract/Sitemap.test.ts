import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { gzipSync } from "node:zlib"
import * as Sitemap from "../../src/extract/Sitemap.ts"
import * as Robots from "../../src/robots/Robots.ts"

const url = "http://h/a/map.xml"

const read = (document: string | Uint8Array, options: Partial<Sitemap.Options> = {}) =>
  Effect.runPromise(Sitemap.read(typeof document === "string" ? Buffer.from(document) : document, { url, ...options }))

const urls = async (document: string | Uint8Array) => {
  const { entries, summary } = await read(document)
  return [summary.kind, ...entries.map((entry) => entry.url)]
}

/** The same, in chunks of memory that is used again. */
const readCut = (document: Uint8Array, size: number) =>
  new Promise<{ entries: Array<Sitemap.Entry>; summary: Sitemap.Summary }>((resolve) => {
    const entries: Array<Sitemap.Entry> = []
    const sitemap = new Sitemap.Sitemap(
      { url },
      { entry: (entry) => entries.push(entry), drain: () => {}, end: (summary) => resolve({ entries, summary }) }
    )
    for (let start = 0; start < document.length; start += size) {
      const chunk = Uint8Array.from(document.subarray(start, start + size))
      sitemap.write(chunk)
      chunk.fill(0x3c)
    }
    sitemap.end()
  })

const set = `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url><loc> http://h/1?a&amp;b </loc><lastmod>2004-12-23</lastmod><changefreq> Weekly</changefreq><priority>0.3</priority></url>
  <url><loc><![CDATA[http://h/2?a&b]]></loc><lastmod>2004-12-23T18:00:15+02:00</lastmod><priority>7</priority></url>
  <url><lastmod>then</lastmod><priority>high</priority><loc>/3</loc><loc>/4</loc></url>
</urlset>`

describe("a sitemap", () => {
  it("is a set of URLs with what it says of them", async () => {
    const { entries, summary } = await read(set)
    assert.deepStrictEqual(
      entries.map(({ url, lastModifiedMs, changeFrequency, priority }) => [
        url,
        lastModifiedMs,
        changeFrequency,
        priority
      ]),
      [
        ["http://h/1?a&b", Date.UTC(2004, 11, 23), "weekly", 0.3],
        ["http://h/2?a&b", Date.UTC(2004, 11, 23, 16, 0, 15), undefined, 1],
        ["http://h/3", undefined, undefined, undefined],
        ["http://h/4", undefined, undefined, undefined]
      ]
    )
    assert.deepStrictEqual(summary, {
      kind: "urlset",
      entries: 4,
      invalid: 0,
      bytes: Buffer.byteLength(set),
      warnings: [],
      error: undefined
    })
  })

  it("is an index of others", async () => {
    const { entries, summary } = await read("<sitemapindex><sitemap><loc>/b.xml</loc></sitemap></sitemapindex>")
    assert.strictEqual(summary.kind, "index")
    assert.deepInclude(entries[0], { url: "http://h/b.xml", isSitemap: true })
  })

  it("is a list of lines", async () => {
    assert.deepStrictEqual(await urls("\uFEFF http://h/1\r\nhttps://i/2 \r\n\r\n/3\nftp://h/4\nhttp://h/5"), [
      "text",
      "http://h/1",
      "https://i/2",
      "http://h/5"
    ])
    assert.strictEqual((await read("http://h/1\nx\n")).summary.invalid, 1)
  })

  it("is a feed, whose entries may be named in several ways", async () => {
    assert.deepStrictEqual(
      await urls(
        "<rss><channel><link>/home</link><image><url>/logo</url><link>/x</link></image>" +
          "<item><atom:link href='/no'/><link>/1</link><guid>http://h/no</guid></item>" +
          "<item><guid>http://h/2</guid></item><item><guid>7</guid></item></channel></rss>"
      ),
      ["rss", "http://h/1", "http://h/2"]
    )
    assert.deepStrictEqual(
      await urls(
        "<feed><link href='/home'/><entry><source><link href='/no'/></source><link rel=self href='/no'/>" +
          "<link rel='alternate' href='/1'/></entry><entry><link rel='alternate' href='/no'/><link href='/2'/></entry></feed>"
      ),
      ["atom", "http://h/1", "http://h/2"]
    )
  })

  it("resolves the links of an Atom feed against what it says they are relative to", async () => {
    const feed =
      "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/b/'><link href='no'/><entry><link href='1'/></entry>" +
      "<entry xml:base='c/'><link href='2'/></entry><entry xml:base='mailto:x'><link xml:base='http://g/' rel='alternate' href='3'/>" +
      "</entry><entry><link href='/4'/></entry></feed>"
    assert.deepStrictEqual(await urls(feed), ["atom", "http://h/b/1", "http://h/b/c/2", "http://g/3", "http://h/4"])
  })

  it("dates its entries, without a zone in UTC", async () => {
    for (const [date, expected] of [
      ["2005", "2005-01-01T00:00:00.000Z"],
      ["2005-02", "2005-02-01T00:00:00.000Z"],
      ["2005-02-03T04:05", "2005-02-03T04:05:00.000Z"],
      ["2005-02-03 04:05:06", "2005-02-03T04:05:06.000Z"],
      ["2005-02-03T04:05:06.25Z", "2005-02-03T04:05:06.250Z"],
      ["2005-02-03T04:05:06-0100", "2005-02-03T05:05:06.000Z"],
      ["Thu, 03 Feb 2005 04:05:06 GMT", "2005-02-03T04:05:06.000Z"],
      ["3 Feb 2005 04:05 +0100", "2005-02-03T03:05:00.000Z"],
      ["2005-13-40", undefined],
      ["yesterday, 2005", undefined],
      ["", undefined]
    ] as const) {
      const { entries } = await read(`<url><loc>/1</loc><lastmod>${date}</lastmod></url>`)
      const ms = entries[0]!.lastModifiedMs
      assert.strictEqual(ms === undefined ? undefined : new Date(ms).toISOString(), expected, date)
    }
  })

  it("names the same page in other languages, and images that are no pages", async () => {
    const { entries } = await read(
      "<urlset><url><loc>/1</loc><xhtml:link rel='alternate' hreflang='de' href='/de'/>" +
        "<image:image><image:loc>/no.png</image:loc></image:image><image><loc>/no.png</loc></image></url></urlset>"
    )
    assert.lengthOf(entries, 1)
    assert.deepInclude(entries[0], { url: "http://h/1", alternates: [{ language: "de", url: "http://h/de" }] })
  })

  it("is read as far as it can be where it is no XML", async () => {
    for (const broken of [
      "<urlset><url><loc>/1</loc><url><loc>/2</loc></urlset>",
      "<url><loc>/1</url><url><loc>/2</lo",
      "<urlset><url>http://h/1</url><url> http://h/2 <lastmod>2005</lastmod></url></urlset>",
      "<urlset><url><loc><url><![CDATA[/1]]></url></loc></url><url><loc>/2</loc></url></urlset>",
      "<?xml version='1.0'?>\n<x><s:url><s:loc>/1<s:lastmod></s:url><s:url><s:loc>/2</x>",
      "<urlset><url><loc>/1</loc><description>&nbsp;<br></url><url><loc>/2</loc></url>",
      "<urlset><url><description><loc>/no</loc><url><loc>/1</loc></url></url><URL><LOC>/2</LOC></URL>"
    ])
      assert.deepStrictEqual(
        (await urls(broken)).filter((line) => line?.startsWith("http")),
        ["http://h/1", "http://h/2"],
        broken
      )
  })

  it("is not believed a URL that it breaks off in", async () => {
    assert.deepStrictEqual(await urls("<urlset><url><loc>/1</loc></url><url><loc>/page"), ["urlset", "http://h/1"])
    const list = gzipSync("http://h/1\nhttp://h/page", { level: 0 })
    assert.deepStrictEqual(await urls(list.subarray(0, -12)), ["text", "http://h/1"])
  })

  it("counts entries that lead nowhere", async () => {
    const { summary } = await read("<urlset><url/><url><loc>mailto:x</loc></url><url><loc>/1</loc></url></urlset>")
    assert.deepInclude(summary, { entries: 1, invalid: 2 })
  })

  it("is not a page, nor nothing", async () => {
    for (const other of ["<html><a href=x><link href=y>", "", " \n", "not\na list", "\0\x01"])
      assert.deepStrictEqual(await urls(other), [undefined], other)
  })

  it("defines no entities", async () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><urlset><url><loc>/&b;</loc></url></urlset>`
    assert.deepStrictEqual(await urls(bomb), ["urlset", "http://h/&b;"])
    const file = `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><url><loc>&a;</loc></url><url><loc>/1</loc></url>`
    assert.deepStrictEqual(await urls(file), ["urlset", "http://h/1"])
  })

  it("may be in any encoding", async () => {
    const latin = Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><url><loc>/\xe4</loc></url>', "latin1")
    assert.deepStrictEqual(await urls(latin), ["urlset", "http://h/%C3%A4"])
    assert.deepStrictEqual(await urls(Buffer.from("\uFEFF<url><loc>/ä</loc></url>", "utf16le")), [
      "urlset",
      "http://h/%C3%A4"
    ])
  })

  it("may be gzipped, which its first bytes tell", async () => {
    const { entries, summary } = await read(gzipSync(set))
    assert.lengthOf(entries, 4)
    assert.strictEqual(summary.bytes, Buffer.byteLength(set))
  })

  it("gives what it had before it was cut or damaged", async () => {
    const many = `<urlset>${"<url><loc>/1</loc></url>".repeat(20_000)}</urlset>`
    const whole = gzipSync(many, { level: 0 })
    const { entries, summary } = await read(whole.subarray(0, whole.length >> 1))
    assert.strictEqual(summary.error?._tag, "DecodeError")
    assert.isAbove(entries.length, 1000)
    assert.strictEqual(summary.entries, entries.length)
  })

  it("is the same however it is cut", async () => {
    const list = Buffer.from("http://h/1\r\nhttp://h/2\nhttp://h/3")
    for (const document of [Buffer.from(set), gzipSync(set), list, gzipSync(list), Buffer.from("x")]) {
      const whole = await read(document)
      for (const size of [1, 2, 3, 7, 100]) assert.deepStrictEqual(await readCut(document, size), whole, `${size}`)
    }
  })

  it("may exceed the protocol, and loses nothing", async () => {
    const urls = await read("http://h/\n".repeat(50_001))
    assert.strictEqual(urls.entries.length, 50_001)
    assert.deepStrictEqual(urls.summary.warnings, ["urls"])
    const bytes = await read(Buffer.concat([Buffer.alloc(Sitemap.limits.bytes, " "), Buffer.from("\nhttp://h/")]))
    assert.strictEqual(bytes.entries.length, 1)
    assert.deepStrictEqual(bytes.summary.warnings, ["bytes"])
  })

  it("is read to a bound where one is set", async () => {
    const { entries, summary } = await readCut(Buffer.from(set), 100)
    assert.isAbove(entries.length, 0)
    assert.isUndefined(summary.error)
    const bounded = await read(gzipSync(set), { maxBytes: 300 })
    assert.strictEqual(bounded.summary.error?._tag, "TooLargeError")
    assert.isBelow(bounded.entries.length, 3)
  })

  it("says nothing after it was closed", () => {
    let said = 0
    const sitemap: Sitemap.Sitemap = new Sitemap.Sitemap(
      { url },
      {
        entry: () => {
          said++
          sitemap.close()
        },
        drain: () => said++,
        end: () => said++
      }
    )
    sitemap.write(Buffer.from(set.padEnd(2000)))
    sitemap.end()
    assert.strictEqual(said, 1)
  })

  it("is read where all of it follows its first byte", () => {
    let entries = 0
    const sitemap = new Sitemap.Sitemap({ url }, { entry: () => entries++, drain: () => {}, end: () => {} })
    const bytes = Buffer.from(set.padEnd(1_000_000))
    sitemap.write(bytes.subarray(0, 1))
    sitemap.write(bytes.subarray(1))
    sitemap.end()
    assert.strictEqual(entries, 4)
  })

  it("takes time linear in its length", async () => {
    for (const piece of [
      "<url>",
      "<url><loc>",
      "x",
      "<a>",
      "<!",
      "&",
      "<url><x:link hreflang='x' href='/'/>",
      "<![CDATA["
    ])
      assert.isObject(await read(piece.repeat(300_000 / piece.length)), piece)
  })
})

describe("the sitemaps of a site", () => {
  it("are those of its robots.txt, or the usual one", () => {
    const robots = Robots.parse(Buffer.from("Sitemap: /a.xml\nSitemap: http://i/b\nSitemap: /a.xml\nSitemap: mailto:x"))
    assert.deepStrictEqual(Sitemap.locations(robots, "http://h/robots.txt"), ["http://h/a.xml", "http://i/b"])
    assert.deepStrictEqual(Sitemap.locations(undefined, "http://h/robots.txt"), ["http://h/sitemap.xml"])
  })
})
