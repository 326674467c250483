import { assert, describe, it } from "@effect/vitest"
import * as UrlPattern from "../../src/crawl/UrlPattern.ts"

const patternOf = UrlPattern.make()
const host = "http://h:8080"
const patterns = {
  "/about/team.html": "/about/team.html",
  "/calendar/2031/07/?view=week": "/calendar/#/#/?view",
  "/s/4f9d2ca1b0/item-12.html": "/s/#/item-#.html",
  "/shop?size=m&color=red&size=l": "/shop?color&size",
  "/x/en/x/en/x/en/p.html": "/(x|en)+/p.html",
  "/x/en/x/en/x/en/x/en/x/en/p.html": "/(x|en)+/p.html",
  "/a/a/a/": "/(a)+/",
  "/a/b/x/a/b/y/a/b": "/(a|b)+/x/()+/y/()+",
  "/a/b/c/d/e/f/g/h/i/7/p.html": "/a/b/c/d/e/f/g/h/i/#/p.html",
  "/1/2/3/4/a/a/": "/#/#/#/#/a/a/",
  "/2024/05/17/": "/#/#/#/",
  "/a/b/a/b.html": "/a/b/a/b.html",
  "/?": "/?"
}

describe("UrlPattern", () => {
  it("takes out what varies, and what a path grows by", () => {
    for (const [path, pattern] of Object.entries(patterns)) {
      const name = patternOf(host + path)
      assert.strictEqual(name, host + pattern.replace(/\?$/, ""), path)
    }
  })

  it("is not much longer than its URL, and made in a time that is linear in it", () => {
    const names = Array.from({ length: 300 }, (_, index) => String.fromCharCode(97 + (index % 26), 97 + index / 26))
    const path = names.map((name) => `/${name}/${name}x/${name}`).join("") + names[0]!
    assert.isBelow(patternOf(host + path).length, 2 * path.length)
    patternOf(`${host}/${"a".repeat(1_000_000)}`)
  })

  it("is the same whatever pattern was made before", () => {
    const urls = {
      "http://h/a/1": "http://h/a/#",
      "http://h/a/2?x=1": "http://h/a/#?x",
      "http://h/a/3?y=1": "http://h/a/#?y",
      "http://h/a/4?": "http://h/a/#",
      "http://g/a/5": "http://g/a/#",
      "http://h/b/6": "http://h/b/#",
      "http://h/b/7/b/b": "http://h/(b)+/#/()+",
      "http://h/b/b/b": "http://h/(b)+"
    }
    for (const [before, pattern] of Object.entries(urls))
      for (const [url, own] of Object.entries(urls)) {
        assert.strictEqual(patternOf(before), pattern)
        assert.strictEqual(patternOf(url), own, `${url} after ${before}`)
      }
  })

  it("keeps the host as it is", () => {
    assert.strictEqual(patternOf("http://h2.example:81/a"), "http://h2.example:81/a")
  })
})
