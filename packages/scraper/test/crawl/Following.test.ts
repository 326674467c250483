import { assert, describe, it } from "@effect/vitest"
import * as Following from "../../src/crawl/Following.ts"
import * as Priorities from "../../src/crawl/Priorities.ts"
import { defaults } from "../../src/Options.ts"

const seed = "http://h/"
const rules: Following.Rules = { scope: "host", include: [], exclude: [], sitemaps: false, traps: false }
const make = (given: Partial<Following.Rules> = {}) =>
  Following.make([seed], { ...rules, ...given }, { ...defaults, robots: true, directory: "unused" })
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

  it("asks no host for its root because a page wants to be near to it", () => {
    const following = make()
    const html = `<link rel=preconnect href=/z><link rel="dns-prefetch x" href=//h><link rel=x href=/y>`
    assert.deepStrictEqual(read(following, seed, 0, html), ["1 http://h/y"])
  })

  it("judges what a page has by other rules that come before it is whole", () => {
    const following = make({ exclude: [/private/] })
    const links = `<a href=/private/a>1</a><a href=/private/b rel=nofollow>2</a><a href=http://g/>3</a>`
    assert.deepStrictEqual(read(following, seed, 0, links), [])
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
