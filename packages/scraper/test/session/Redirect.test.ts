import { assert, describe, it } from "@effect/vitest"
import * as FetchError from "../../src/FetchError.ts"
import * as Redirect from "../../src/session/Redirect.ts"

const resolve = (from: string, location: string) => {
  const next = Redirect.resolve(new URL(from), location)
  return next instanceof URL ? next.href : `${next.kind} ${next.location}`
}

describe("Redirect", () => {
  it("follows 301 302 303 307 308 and nothing else", () => {
    const followed = Array.from({ length: 100 }, (_, i) => 300 + i).filter(Redirect.isRedirect)
    assert.deepStrictEqual(followed, [301, 302, 303, 307, 308])
  })

  it("resolves against the URL it came from", () => {
    assert.strictEqual(resolve("http://a.test/x/y?q", "z"), "http://a.test/x/z")
    assert.strictEqual(resolve("http://a.test/x/y?q", "/z"), "http://a.test/z")
    assert.strictEqual(resolve("http://a.test/x/y?q", "?r"), "http://a.test/x/y?r")
    assert.strictEqual(resolve("https://a.test/x", "//b.test/y"), "https://b.test/y")
    assert.strictEqual(resolve("http://a.test/", "a b"), "http://a.test/a%20b")
  })

  it("drops the fragment", () => {
    assert.strictEqual(resolve("http://a.test/x#f", "y#g"), "http://a.test/y")
  })

  it("keeps credentials within the origin and drops them outside it", () => {
    assert.strictEqual(resolve("http://u:p@a.test/x", "/y"), "http://u:p@a.test/y")
    assert.strictEqual(resolve("http://u:p@a.test/x", "http://v:q@a.test/y"), "http://v:q@a.test/y")
    assert.strictEqual(resolve("http://u:p@a.test/x", "http://b.test/y"), "http://b.test/y")
    assert.strictEqual(resolve("http://u:p@a.test/x", "http://v:q@b.test/y"), "http://b.test/y")
    assert.strictEqual(resolve("http://u:p@a.test/x", "https://a.test/y"), "https://a.test/y")
    assert.strictEqual(resolve("http://u:p@a.test/x", "http://a.test:81/y"), "http://a.test:81/y")
  })

  it("sends octets of Location back as they came, whatever encoding they are in", () => {
    assert.strictEqual(resolve("http://a.test/", "/\u00c3\u00a9?\u00c3\u00a9"), "http://a.test/%C3%A9?%C3%A9")
    assert.strictEqual(resolve("http://a.test/", "/\u00e9?\u00e9=%e9"), "http://a.test/%E9?%E9=%e9")
    assert.strictEqual(resolve("http://a.test/", "//b\u00c3\u00bccher.test"), "http://xn--bcher-kva.test/")
  })

  it("escapes control octets of Location, but for tabs, and takes none in a host (URL 4.4, 3.5)", () => {
    assert.strictEqual(resolve("http://a.test/", "\x1b/a\tb\x01?\x7f\x0bc"), "http://a.test/ab%01?%7F%0Bc")
    assert.strictEqual(resolve("http://a.test/", "http://b\x1b.test/"), "location http://b\x1b.test/")
  })

  it("refuses what is no http(s) URL, and shows no password", () => {
    assert.strictEqual(resolve("http://a.test/", "ftp://u:p@b.test/x"), "location ftp://b.test/x")
    assert.strictEqual(resolve("http://a.test/", "javascript:alert(1)"), "location javascript:alert(1)")
    assert.strictEqual(resolve("http://a.test/", "file:///etc/passwd"), "location file:///etc/passwd")
    assert.strictEqual(resolve("http://a.test/", "http://"), "location http://")
  })

  it("calls the fifth time of one URL with the same cookies a loop, with others not", () => {
    const trail = new Redirect.Trail()
    for (let i = 0; i < 4; i++) {
      assert.isUndefined(trail.step("http://a.test/", undefined))
      assert.isUndefined(trail.step("http://a.test/", "a=1"))
    }
    assert.strictEqual(trail.step("http://a.test/", "a=1")?.kind, "loop")
    assert.strictEqual(trail.step("http://a.test/", undefined)?.kind, "loop")
    assert.isUndefined(trail.step("http://a.test/", "a=2"))
  })

  it("keeps little of what was asked for, however long that is", () => {
    const trail = new Redirect.Trail()
    trail.step(`http://a.test/${"x".repeat(60_000)}`, undefined)
    assert.isBelow(trail.asked.join().length, 100)
    assert.isUndefined(trail.step(`http://a.test/${"x".repeat(60_000)}`, "a=1"))
    assert.strictEqual(new Set(trail.asked).size, 2)
  })

  it("allows twenty redirects and not one more", () => {
    const trail = new Redirect.Trail()
    for (let i = 0; i <= Redirect.limit; i++) assert.isUndefined(trail.step(`http://a.test/${i}`, undefined))
    const fault = trail.step("http://a.test/more", undefined)
    assert.instanceOf(fault, FetchError.RedirectError)
    assert.deepStrictEqual([fault?.kind, fault?.count], ["limit", 20])
  })
})
