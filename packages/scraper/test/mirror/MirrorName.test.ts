import { assert, describe, it } from "@effect/vitest"
import * as MirrorName from "../../src/mirror/MirrorName.ts"
import * as FileName from "../../src/sink/FileName.ts"

const name = (url: string, type: string) => MirrorName.of(`https://h${url}`, type).name.slice("h/".length)

describe("MirrorName", () => {
  it.each([
    ["/", "text/html; charset=utf-8", "index.html"],
    ["/about", "text/html", "about.html"],
    ["/a.htm", "TEXT/HTML", "a.htm"],
    ["/p.php?id=1", "text/html", "p@id=1.php.html"],
    ["/x.html", "text/plain", "x.html.txt"],
    ["/notes", "text/plain", "notes.data"],
    ["/x.html", "application/xhtml+xml", "x.html.xhtml"],
    ["/s.css?v=2", "text/css", "s@v=2.css"],
    ["/s.php", "text/css", "s.php.css"],
    ["/m.mjs", "application/javascript", "m.mjs"],
    ["/lib", "text/javascript", "lib.js"],
    ["/logo", "image/svg+xml", "logo.svg"],
    ["/logo.png", "image/svg+xml", "logo.png.svg"],
    ["/logo.png", "image/webp", "logo.png"],
    ["/logo.svg", "image/png", "logo.svg.png"],
    ["/image.php", "image/png", "image.php.png"],
    ["/feed", "application/rss+xml", "feed.xml"],
    ["/feed.rss", "application/rss+xml", "feed.rss"],
    ["/a.json", "application/pdf", "a.json.pdf"],
    ["/setup", "application/octet-stream", "setup.data"],
    ["/x", "", "x.data"],
    ["/x", "foo/bar", "x.data"],
    ["/x.y.data", "text/html", "x.y.data.html"]
  ])("names the file of %s (%s) %s", (url, type, expected) => {
    assert.strictEqual(name(url, type), expected)
  })

  it("gives each of many URLs a file of its own", () => {
    const paths = [
      "a",
      "a.data",
      "a.html",
      "a.php",
      "a.php.html",
      "a.html.html",
      "a.php.data",
      "a.data.html",
      "A",
      "A.html"
    ]
    const queries = ["", "?b", "?b.php", "?b.html", "?b.data", "?b.php.html", "?b.data.html", "?b.php.data"]
    const urls = paths.flatMap((path) => queries.map((query) => `https://h/${path}${query}`))
    for (const types of [["text/html"], ["text/html", "text/css", "image/png"], ["text/plain", "text/html"]]) {
      for (let skip = 0; skip < 5; skip++) {
        const saved = urls.filter((_, index) => index % 5 !== skip)
        const files = saved.map((url, index) => {
          const { name, rival } = MirrorName.of(url, types[index % types.length]!)
          return rival !== undefined && saved.includes(rival.url) ? rival.unique : name
        })
        const folded = new Set(files.map((file) => file.toLowerCase()))
        assert.strictEqual(folded.size, saved.length)
      }
    }
  })

  it("goes from file to file, whatever is in their names", () => {
    assert.strictEqual(MirrorName.way("h/a/b.html", "h/a/b.html"), "b.html")
    assert.strictEqual(MirrorName.way("h/a/b.html", "h/c/d e.html"), "../c/d%20e.html")
    assert.strictEqual(
      MirrorName.way("h/b.html", "other/a/é@x=1&y#(')%41.html"),
      "../other/a/%C3%A9%40x%3D1%26y%23%28%27%29%2541.html"
    )
  })

  it("has a folder that no host has", () => {
    assert.strictEqual(FileName.fromUrl("https://mirror/a.html"), "_mirror/a.html")
    assert.strictEqual(FileName.toUrl("_mirror/a.html"), "https://mirror/a.html")
    assert.match(FileName.fromUrl("https://_mirror/a.html"), /^_mirror\/a~[a-z2-7]{12}\.html$/)
    assert.strictEqual(FileName.fromUrl("http://mirror/a.html"), "mirror+80/a.html")
  })
})
