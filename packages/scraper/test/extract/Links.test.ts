import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Links from "../../src/extract/Links.ts"
import * as Margins from "../../src/extract/Margins.ts"
import * as Robots from "../../src/robots/Robots.ts"

const url = "http://h/a/b"

type Given = Partial<Links.Options>

const read = (page: string | Uint8Array, options: Given = {}, size = Infinity) => {
  const bytes = typeof page === "string" ? Buffer.from(page) : page
  const links: Array<Links.Link> = []
  const reader = new Links.Links({ url, ...options }, (link) => links.push(link))
  for (let start = 0; start < bytes.length; start += size) {
    const chunk = Uint8Array.from(bytes.subarray(start, start + size))
    reader.write(chunk)
    chunk.fill(0x3c)
  }
  return { links, page: reader.end() }
}

/** `kind source path`, a line each. */
const lines = (page: string | Uint8Array, options?: Given, size?: number): ReadonlyArray<string> =>
  read(page, options, size).links.map((link) => `${link.kind} ${link.source} ${link.url.replace("http://h", "")}`)

describe("the links of a page", () => {
  it("are told apart by what they are for", () => {
    for (const [page, expected] of [
      ["<a href=x ping='/p /q'>", ["navigation a href /a/x", "report a ping /p", "report a ping /q"]],
      ["<area href=x>", ["navigation area href /a/x"]],
      ["<link rel=stylesheet href=x>", ["resource link href /a/x"]],
      ["<link rel='Alternate StyleSheet' href=x>", ["resource link href /a/x"]],
      [
        "<link rel=next href=x><link rel=dns-prefetch href=//y>",
        ["navigation link href /a/x", "reference link href http://y/"]
      ],
      [
        "<link rel=preload as=image imagesrcset='x 1x, y 2x'>",
        ["resource link imagesrcset /a/x", "resource link imagesrcset /a/y"]
      ],
      [
        "<img src=x srcset='y 1x' data-src=z longdesc=w>",
        [
          "resource img src /a/x",
          "resource img srcset /a/y",
          "resource img data-src /a/z",
          "reference img longdesc /a/w"
        ]
      ],
      ["<picture><source srcset='x,y 1x'></picture>", ["resource source srcset /a/x,y"]],
      [
        "<video src=x poster=y><audio src=z><track src=w>",
        ["resource video src /a/x", "resource video poster /a/y", "resource audio src /a/z", "resource track src /a/w"]
      ],
      ["<iframe src=x></iframe><frame src=y>", ["navigation iframe src /a/x", "navigation frame src /a/y"]],
      [
        "<embed src=x><object data=y codebase=z><param value=w>",
        ["resource embed src /a/x", "resource object data /a/y", "base object codebase /a/z"]
      ],
      ["<script src=x></script>", ["resource script src /a/x"]],
      [
        "<form action=x><form action=y method=POST><button formaction=z formmethod=post>",
        ["form form action get /a/x", "form form action post /a/y", "form button formaction post /a/z"]
      ],
      ["<blockquote cite=x><body background=y>", ["reference blockquote cite /a/x", "resource body background /a/y"]],
      [
        "<svg><image xlink:href=x /><a href=y /><use href='#z'/></svg>",
        ["resource image xlink:href /a/x", "navigation a href /a/y"]
      ],
      ["<meta http-equiv=Refresh content='5; url=x'>", ["navigation meta refresh /a/x"]],
      ["<meta property=og:image content=x><meta name=description content=/y>", ["reference meta og:image /a/x"]],
      [
        "<meta name=twitter:image0 content=x><meta name=twitter:player:stream content=y>",
        ["reference meta twitter:image0 /a/x", "reference meta twitter:player:stream /a/y"]
      ],
      [
        "<meta http-equiv=Content-Security-Policy content=\"img-src 'self'; report-uri /x\">",
        ["report meta report-uri /x"]
      ],
      ["<img style='background:url(x)' src=y>", ["resource css url /a/x", "resource img src /a/y"]],
      ["<style>@import 'x'; a{b:url(y)}</style>", ["resource css import /a/x", "resource css url /a/y"]],
      [
        "<iframe srcdoc='<img src=x><a href=&quot;y&quot;>'></iframe>",
        ["resource img src /a/x", "navigation a href /a/y"]
      ],
      ["<iframe srcdoc='<a href=x>' src=y>", ["navigation a href /a/x", "navigation iframe src /a/y"]],
      ["<noscript><a href=x></noscript>", ["navigation a href /a/x"]]
    ] as const)
      assert.deepStrictEqual(lines(page), expected, page)
  })

  it("are not in comments, scripts, text or attributes that mean nothing", () => {
    for (const page of [
      "<!-- <a href=x> -->",
      "<script>'<a href=x>'</script>",
      "<textarea><a href=x></textarea>",
      "<title><a href=x></title>",
      "see http://h/x and /y",
      "<div href><a href=''><a href='#x'><a name=x src><p data=x action>",
      "<a href=javascript:x()><a href=mailto:x><img src='data:image/svg+xml,<image href=/x>'>"
    ])
      assert.deepStrictEqual(lines(page), [], page)
  })

  it("say which relation they have", () => {
    const { links } = read("<p>\n<a rel=' Next  UGC' href=x><a rel=nofollow href=y><a rel=xnofollow href=z>")
    assert.deepStrictEqual(
      links.map(({ rel, nofollow }) => [rel, nofollow]),
      [
        ["next ugc", true],
        ["nofollow", true],
        ["xnofollow", false]
      ]
    )
    assert.isTrue(read("<a rel='ugc,me' href=x>").links[0]!.nofollow)
  })

  it("are found in what is shown where there are no frames, scripts or plug-ins", () => {
    assert.deepStrictEqual(
      lines("<noscript><a href=x></noscript><noembed><img src=y></noembed><noframes><a href=z></noframes><a href=w>"),
      ["navigation a href /a/x", "resource img src /a/y", "navigation a href /a/z", "navigation a href /a/w"]
    )
  })

  it("are resolved against the first base that says where, from there on", () => {
    const page = "<a href=x><base target=y><base href='/c/d?e'><base href=/f/><a href=x><a href='#g'>"
    assert.deepStrictEqual(lines(page), [
      "navigation a href /a/x",
      "base base href /c/d?e",
      "navigation a href /c/x",
      "navigation a href /c/d?e"
    ])
    assert.strictEqual(read(page).page.base, "http://h/c/d?e")
    assert.deepStrictEqual(lines("<base href=data:,x><a href=y>"), ["navigation a href /a/y"])
    assert.deepStrictEqual(
      lines("<base href='file:///C:/x/'><a href=y><a href=/y><a href=//h/y><a href=#y><a href=http://h/z>"),
      ["navigation a href /z"]
    )
    assert.deepStrictEqual(lines("<svg><base href=/x/></svg><a href=y>"), ["navigation a href /a/y"])
    for (const inner of [
      "<iframe srcdoc='<base href=/x/><a href=y>'></iframe>",
      "<noframes><base href=/x/><a href=y></noframes>"
    ])
      assert.deepStrictEqual(lines(`${inner}<a href=z>`).slice(1), ["navigation a href /x/y", "navigation a href /a/z"])
  })

  it("are guessed where that is asked for", () => {
    for (const [page, expected] of [
      ["see http://h/x, or ./y.", ["guess p text /x", "guess p text /a/y", "guess p text /y"]],
      ["<!--[if IE]><link href='/x'><![endif]-->", ["guess p text /x"]],
      ["<x-tag z='/x'>", ["guess x-tag z /x"]],
      ["<img src=\"data:image/svg+xml,<image href='/x'/>\">", ["resource image href /x"]],
      ["<img src='data:image/svg+xml;base64,PGltYWdlIGhyZWY9Ii94Ii8+'>", ["resource image href /x"]],
      ["<link href='data:text/css,a{b:url(/x)}' rel=stylesheet>", ["resource css url /x"]],
      ["<script>'/x'</script>", []]
    ] as const)
      assert.deepStrictEqual(lines(`<p id=x>${page}`, { guesses: true }), expected, page)
  })

  it("are guessed once, also where the page breaks off within an end tag", () => {
    for (const end of ["", "</p", "</p ", "</p x='/y'", "</p>"])
      for (const before of [0, 2000])
        for (const size of [1, 5, Infinity])
          assert.deepStrictEqual(
            lines(`${" ".repeat(before)}<p id=x>see http://h/x ${end}`, { guesses: true }, size),
            ["guess p text /x"],
            `${end}, ${before}, ${size}`
          )
  })
})

describe("a page", () => {
  it("says to crawlers what is to be done with it and its links", () => {
    const robots = (page: string, options?: Given) => read(page, options).page.robots
    assert.deepStrictEqual(robots("<meta name=ROBOTS content=NoFollow>"), { noindex: false, nofollow: true })
    assert.deepStrictEqual(robots("<meta name=robots content=noindex><meta name=simul content=nofollow>"), {
      noindex: true,
      nofollow: true
    })
    assert.deepStrictEqual(robots("<meta name=googlebot content=none>"), { noindex: false, nofollow: false })
    assert.deepStrictEqual(robots("<meta name=other content=none>", { token: "Other" }), {
      noindex: true,
      nofollow: true
    })
    assert.isFalse(robots("<iframe srcdoc='<meta name=robots content=none>'>").noindex)
  })

  it("is read in its encoding, queries included", () => {
    const latin = (text: string) => Buffer.from(text, "latin1")
    assert.deepStrictEqual(lines(latin("<a href='\xe4?\xe4'>")), ["navigation a href /a/%C3%A4?%E4"])
    assert.deepStrictEqual(lines(latin("<meta charset=koi8-r><a href='?\xe4'>")), ["navigation a href /a/b?%E4"])
    assert.deepStrictEqual(lines("<meta charset=utf-8><a href='?ä'>"), ["navigation a href /a/b?%C3%A4"])
    assert.strictEqual(read("", { contentType: "text/html; charset=big5" }).page.encoding, "big5")
    assert.strictEqual(read("<p>", { contentType: "application/xhtml+xml" }).page.encoding, "utf-8")
  })

  it("may declare its encoding late: it counts from there on, up to 64 KiB", () => {
    const page = (before: number, how = "<meta charset=utf-8>") =>
      `<script>${"x".repeat(before)}</script><a href='/ä'>${how}<a href='/ä'>`
    const late = ["navigation a href /%C3%83%C2%A4", "navigation a href /%C3%A4"]
    for (const before of [1100, 5000, 65_000]) assert.deepStrictEqual(lines(page(before)), late)
    assert.deepStrictEqual(lines(page(2000, "<meta content='text/html;charset=utf-8' http-equiv=content-type>")), late)
    assert.deepStrictEqual(lines(page(66_000)), [late[0]!, late[0]!])
    assert.deepStrictEqual(lines(page(2000), { contentType: "text/html; charset=windows-1252" }), [late[0]!, late[0]!])
    assert.strictEqual(read(page(5000)).page.encoding, "utf-8")
    assert.strictEqual(read("<meta charset=koi8-r>".padStart(3000)).page.encoding, "koi8-r")
  })

  it("may be XHTML, where a script can be empty", () => {
    const page = "<script src='x'/><a href='y'/>"
    assert.lengthOf(lines(page, { contentType: "application/xhtml+xml" }), 2)
    assert.lengthOf(lines(page, { contentType: "text/html" }), 1)
  })

  it("may be XML, which names its sheets before the first element", () => {
    const sheet = (href: string) => `<?xml-stylesheet type="text/css" href="${href}"?>`
    const page = `<?xml version="1.0"?>\n${sheet("s.css?a&amp;b")}<!--?xml-stylesheet href="no"?-->${sheet("#own")}<html><p>${sheet("no")}</p></html>`
    const expected = ["resource xml-stylesheet href /a/s.css?a&b"]
    for (const size of [Infinity, 1, 7])
      for (const contentType of ["application/xhtml+xml", "image/svg+xml; charset=utf-8"])
        assert.deepStrictEqual(lines(page, { contentType }, size), expected)
    assert.deepStrictEqual(lines(page, { contentType: "text/html" }), [])
  })

  it("is read to its bounds, and says when they were reached", () => {
    const page = "<a href=x>".repeat(10)
    assert.deepInclude(read(page, { maxBytes: 35 }).page, { links: 3, truncated: "bytes" })
    assert.deepInclude(read(page, { maxBytes: 35 }, 7).page, { links: 3, truncated: "bytes" })
    assert.deepInclude(read(page, { maxBytes: 100 }).page, { links: 10, truncated: undefined })
    assert.deepInclude(read(page, { maxLinks: 4 }).page, { links: 4, truncated: "links" })
    assert.lengthOf(read(page, { maxLinks: 4 }).links, 4)
    assert.deepInclude(read(page, { maxLinks: 10 }).page, { links: 10, truncated: undefined })
    const reader = new Links.Links({ url, maxBytes: 5 }, () => {})
    assert.isTrue(reader.write(Buffer.from("<a hr")))
    assert.isFalse(reader.write(Buffer.from("ef")))
    assert.isFalse(reader.write(Buffer.from("=x>")))
  })

  it("counts the references in a margin that it passes over as well", () => {
    const margins = new Margins.Margins()
    let asked = 0
    const passesOver = (bytes: Uint8Array, from: number) => {
      asked++
      return bytes[from] === 0x6d
    }
    const menu = `<ul>${"<a href=m>x</a>".repeat(20)}</ul>`
    const html = `${" ".repeat(1024)}${menu}${"<a href=x>y</a>".repeat(5)}`
    for (const expected of [25, 5]) {
      asked = 0
      const bounded = {
        contentType: "text/html; charset=utf-8",
        passesOver,
        margins: new Margins.OfPage(margins, 0, url),
        maxLinks: 22
      }
      const { links, page } = read(html, bounded)
      assert.deepInclude(page, { links: 22, truncated: "links" })
      assert.lengthOf(links, 2)
      assert.strictEqual(asked, expected)
    }
  })

  it("may hold documents in documents without end", () => {
    const nest = (depth: number): string =>
      depth === 0
        ? "<a href=x>"
        : `<a href=/${depth}><iframe srcdoc="${nest(depth - 1)
            .replaceAll("&", "&amp;")
            .replaceAll('"', "&quot;")}">`
    assert.lengthOf(lines(nest(8)), 3)
  })

  it("leaves out what is too long, and nothing else", () => {
    const long = "x".repeat(300_000)
    assert.deepStrictEqual(
      lines(`<img src='data:,${long}' srcset='${long}' alt='${long}'><a href=${long}><a href=y>`),
      ["navigation a href /a/y"]
    )
  })
})

describe("whatever it holds, a page", () => {
  const pieces =
    "<a|href=|<base href=/c/>|<meta charset=utf-8>|<style>|</style>|<script>|</script>|<svg>|</svg>|<img srcset='|'|\"|>|/>| |<!--|-->|&amp;|&|ä|😀|url(|)|@import|<iframe srcdoc=\"|&lt;a href=q&gt;|http://h/|x|?é|#|\0|\n|<link rel=next".split(
      "|"
    )
  const page = fc
    .array(fc.constantFrom(...pieces), { maxLength: 60 })
    .map((parts) => parts.join(""))
    .chain((text) => fc.constantFrom("", " ".repeat(1100)).map((before) => before + text))

  it("gives the same links however it is cut, and asks of the same references before", () => {
    const asking = (text: string, size?: number) => {
      const asked: Array<string> = []
      const passesOver: Given["passesOver"] = (bytes, from, to, base, kind) => {
        const reference = Buffer.from(bytes).toString("utf8", from, to)
        asked.push(`${kind} ${reference} ${base}`)
        return reference.includes("x")
      }
      return { asked, ...read(text, { passesOver }, size) }
    }
    fc.assert(
      fc.property(page, fc.integer({ min: 1, max: 40 }), fc.boolean(), (text, size, guesses) => {
        const whole = read(text, { guesses })
        // a guess may be cut where the text is
        assert.deepStrictEqual(read(text, { guesses: false }, size), read(text))
        assert.deepStrictEqual(asking(text, size), asking(text))
        assert.isAtMost(whole.links.length, text.length)
      }),
      { numRuns: 300 }
    )
  })

  it("gives links that are URLs as the line wants them", () => {
    fc.assert(
      fc.property(page, fc.boolean(), (text, guesses) => {
        for (const link of read(text, { guesses }).links) {
          assert.match(link.url, /^https?:\/\/[^#]+$/)
          assert.strictEqual(new URL(link.url).href, link.url)
        }
      }),
      { numRuns: 300 }
    )
  })
})

describe("the links of a style sheet", () => {
  it("are resolved against it, in the encoding of the page that asks", () => {
    const sheet = Buffer.from("@import 'x';a{b:url(../\xe4)}", "latin1")
    const options = { contentType: "text/css", fallback: "windows-1252" }
    assert.deepStrictEqual(lines(sheet, options), ["resource css import /a/x", "resource css url /%C3%A4"])
    assert.deepInclude(read(sheet, { ...options, maxLinks: 1 }).page, {
      links: 1,
      truncated: "links",
      encoding: "windows-1252"
    })
  })
})

describe("syntaxOf", () => {
  it("tells which documents have links for us", () => {
    assert.strictEqual(Links.syntaxOf("Text/HTML; charset=x"), "html")
    assert.strictEqual(Links.syntaxOf("image/svg+xml"), "html")
    assert.strictEqual(Links.syntaxOf(undefined), "html")
    assert.strictEqual(Links.syntaxOf("text/css"), "css")
    for (const type of ["image/png", "text/plain", "application/xml"]) assert.isUndefined(Links.syntaxOf(type))
  })
})

describe("robots.txt", () => {
  it("names sitemaps, and paths to guess", () => {
    const robots = Robots.parse(
      Buffer.from("User-agent: *\nDisallow: /x/\nAllow: /y*z\nSitemap: /map.xml\nSitemap: http://i/m")
    )
    const of = (guesses: boolean) =>
      Links.fromRobots(robots, { url: "http://h/robots.txt", guesses }).map((link) => link.url)
    assert.deepStrictEqual(of(false), ["http://h/map.xml", "http://i/m"])
    assert.deepStrictEqual(of(true), ["http://h/map.xml", "http://i/m", "http://h/x/"])
  })
})
