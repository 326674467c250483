import { assert, describe, it } from "@effect/vitest"
import { Cookie, CookieJar } from "tough-cookie"
import * as CookieBounds from "../../src/session/CookieBounds.ts"

const nowMs = Date.UTC(2026, 0, 1)
const read = (line: string) => Cookie.parse(line, { loose: true })!
const admits = (line: string, { jar = new CookieJar(), url = "https://a.test/x/y" } = {}) =>
  CookieBounds.admits(jar, read(line), url, nowMs)

describe("CookieBounds", () => {
  it("refuses what is empty, longer than 4,096 octets, or a guarded name in the guise of a value", () => {
    assert.isTrue(admits(`a=${"x".repeat(4095)}`))
    assert.isFalse(admits(`a=${"x".repeat(4096)}`))
    assert.isFalse(admits(`a=${"\u00e4".repeat(2048)}`))
    for (const line of ["=", "__Host-z", "__secure-z", "=__HTTP-z"]) assert.isFalse(admits(line), line)
    assert.isTrue(admits("=__Other"))
  })

  it("keeps nothing for longer than 400 days", () => {
    for (const [line, days] of [
      ["a=1; Max-Age=99999999999", 400],
      ["a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", 400],
      ["a=1; Max-Age=86400", 1]
    ] as const) {
      const cookie = read(line)
      CookieBounds.admits(new CookieJar(), cookie, "https://a.test/", nowMs)
      assert.strictEqual(Number(cookie.expires), nowMs + days * 86_400_000, line)
    }
    const over = read("a=1; Max-Age=0")
    CookieBounds.admits(new CookieJar(), over, "https://a.test/", nowMs)
    assert.strictEqual(Number(over.expires), 0)
    const ofTheSession = read("a=1")
    CookieBounds.admits(new CookieJar(), ofTheSession, "https://a.test/", nowMs)
    assert.strictEqual(ofTheSession.expires, "Infinity")
  })

  it("lets a plain reply hide or replace no secure cookie", () => {
    const jar = new CookieJar()
    jar.setCookieSync("login=1; Secure; Path=/x; HttpOnly", "https://a.test:8443/x/y")
    const url = "http://a.test:81/x/y"
    for (const line of ["login=2", "login=2; Path=/x/z", "login=2; Secure"])
      assert.isFalse(admits(line, { jar, url }), line)
    for (const line of ["other=2", "login=2; Path=/"]) assert.isTrue(admits(line, { jar, url }), line)
    assert.isTrue(admits("login=2", { jar }))
  })

  it("drops the oldest of more than 180 of a domain", () => {
    const jar = new CookieJar()
    jar.setCookieSync("kept=1", "https://b.test/")
    for (let index = 0; index < 200; index++) {
      jar.setCookieSync(`c${index}=1`, "https://a.test/")
      CookieBounds.prune(jar, "a.test")
    }
    const names = jar.getCookiesSync("https://a.test/").map(({ key }) => key)
    assert.strictEqual(names.length, 180)
    assert.includeMembers(names, ["c20", "c199"])
    assert.lengthOf(jar.getCookiesSync("https://b.test/"), 1)
  })
})
