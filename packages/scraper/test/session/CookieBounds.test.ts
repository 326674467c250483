import { assert, describe, it } from "@effect/vitest"
import type { CookieJar } from "tough-cookie"
import * as CookieBounds from "../../src/session/CookieBounds.ts"

const nowMs = Date.UTC(2100, 0, 1)
const set = (jar: CookieJar, url: string, ...lines: ReadonlyArray<string>) => CookieBounds.keep(jar, url, lines, nowMs)
const pairsOf = (jar: CookieJar, url: string) => jar.getCookiesSync(url).map((cookie) => cookie.cookieString())
/** The pairs that are in a fresh jar after these lines. */
const kept = (...lines: ReadonlyArray<string>) => {
  const jar = CookieBounds.empty()
  set(jar, "https://a.test/", ...lines)
  return pairsOf(jar, "https://a.test/")
}

describe("CookieBounds", () => {
  it("gives a host back what it set, whatever the host is called", () => {
    const below: Array<string> = []
    const names = "test local example invalid localhost intranet com co.uk a.test a.test. a.com. a..b 10.0.0.1 [::1]"
    for (const host of names.split(" ")) {
      const jar = CookieBounds.empty()
      set(jar, `http://${host}/`, "a=1", `b=2; Domain=${host}`, `c=3; Domain=.${host}`)
      assert.deepStrictEqual(pairsOf(jar, `http://${host}/`), ["a=1", "b=2", "c=3"], host)
      const other = `http://x.${host}/`
      if (URL.canParse(other) && pairsOf(jar, other).length > 0) below.push(host)
    }
    // of a public suffix, and of a name without a dot, which may be one, it is of that host alone; but `invalid` and
    // `localhost` are known to be none
    assert.deepStrictEqual(below, ["invalid", "localhost", "a.test", "a.test.", "a.com."])
    assert.deepStrictEqual(pairsOf(CookieBounds.empty(), "http://test/"), [])
    assert.lengthOf(kept("b=2; Domain=test"), 0)
  })

  it("refuses what is empty, longer than 4,096 octets, or a guarded name in the guise of a value", () => {
    assert.lengthOf(kept(`a=${"x".repeat(4095)}`), 1)
    assert.lengthOf(kept(`a=${"x".repeat(4096)}`), 0)
    assert.lengthOf(kept(`a=${"\u00e4".repeat(4095)}`), 1)
    assert.lengthOf(kept(`a=${"\u00e4".repeat(4096)}`), 0)
    for (const line of ["=", "__Host-z", "__secure-z", "=__HTTP-z"]) assert.lengthOf(kept(line), 0, line)
    assert.lengthOf(kept("=__Other"), 1)
  })

  it("refuses a domain that is no name of a host", () => {
    for (const host of ["a.test", "127.0.0.1", "[::1]"]) {
      const jar = CookieBounds.empty()
      set(jar, `https://${host}/`, "a=1; Secure; Path=/x")
      for (const domain of ["\xfc", "xn--\xfc", "[::", "::2::2", "\xff.test", "a b\xa0", "::1]:80"])
        for (const scheme of ["http", "https"]) set(jar, `${scheme}://${host}/`, `a=2; Domain=${domain}`)
      assert.deepStrictEqual(pairsOf(jar, `https://${host}/x`), ["a=1"], host)
    }
  })

  it("overlooks attributes of more than 1,024 octets", () => {
    const url = "https://www.a.test/p/q"
    const keptFor = (asked: string, attributes: string) => {
      const jar = CookieBounds.empty()
      set(jar, url, `a=1; ${attributes}`)
      return pairsOf(jar, asked)
    }
    const long = (length: number) => "x".repeat(length)
    for (const [asked, attributes, pairs] of [
      ["https://www.a.test/y", `Path=/; Path=/${long(1024)}`, ["a=1"]],
      ["https://www.a.test/p/y", `Path=/${long(1024)}`, ["a=1"]],
      ["https://www.a.test/p/y", `Path= /${long(1023)} `, []],
      [`https://www.a.test/${long(1023)}`, `Path= /${long(1023)} `, ["a=1"]],
      ["https://a.test/p/y", `Domain=a.test; Domain=${long(1025)}`, ["a=1"]],
      [url, `Domain=${long(1025)}`, ["a=1"]],
      [url, `Domain=${long(1024)}`, []],
      [url, `Max-Age=0; Max-Age=${"1".repeat(1025)}`, []]
    ] as const)
      assert.deepStrictEqual<ReadonlyArray<string>>(keptFor(asked, attributes), pairs, attributes.slice(0, 40))
  })

  it("takes one dot before a domain for none of it, and refuses one that begins with more or with a blank", () => {
    for (const domain of ["a.test", ".a.test", "  .a.test"]) assert.lengthOf(kept(`a=1; Domain=${domain}`), 1, domain)
    for (const domain of ["..a.test", ". a.test", ".\ta.test"])
      assert.lengthOf(kept(`a=1; Domain=${domain}`), 0, domain)
  })

  it("keeps nothing of a host without a name, for which a jar has no line", () => {
    for (const url of ["http://./", "http://../"]) {
      const jar = CookieBounds.empty()
      set(jar, url, "a=1")
      assert.deepStrictEqual(pairsOf(jar, url), [], url)
    }
  })

  it("holds a name to what its beginning promises, in letters of either size", () => {
    for (const [name, attributes] of [
      ["__Secure-a", "Secure"],
      ["__Http-a", "Secure; HttpOnly"],
      ["__Host-a", "Secure; Path=/"],
      ["__Host-Http-a", "Secure; Path=/; HttpOnly"]
    ] as const)
      for (const cased of [name, name.toLowerCase(), name.toUpperCase()]) {
        assert.lengthOf(kept(`${cased}=1; ${attributes}`), 1, cased)
        for (const attribute of attributes.split("; ")) {
          const line = `${cased}=1; ${attributes.replace(attribute, "")}`
          assert.lengthOf(kept(line), 0, line)
        }
        if (attributes.includes("Path")) assert.lengthOf(kept(`${cased}=1; ${attributes}; Domain=a.test`), 0, cased)
      }
  })

  it("reads the name to the first `=`, and takes blanks alone for none of it", () => {
    for (const [line, key, value] of [
      ["==b", "", "=b"],
      ["=a=b", "", "a=b"],
      ["a==b", "a", "=b"],
      [" a \t=\t b c ; Path=/", "a", "b c"],
      ["a=voil\u00c3\u00a0", "a", "voil\u00c3\u00a0"],
      ["b", "", "b"]
    ] as const) {
      const jar = CookieBounds.empty()
      set(jar, "https://a.test/", line)
      const [cookie] = jar.getCookiesSync("https://a.test/")
      assert.deepStrictEqual([cookie?.key, cookie?.value], [key, value], line)
    }
    // one name in the guise of another
    assert.sameMembers(kept("a=1", "=a=2"), ["a=1", "a=2"])
    assert.lengthOf(kept("=__Host-a=1; Secure; Path=/"), 0)
  })

  it("refuses a line with a control octet anywhere in it", () => {
    for (const code of [...Array.from({ length: 32 }, (_, code) => code), 127]) {
      if (code === 9) continue
      const octet = String.fromCharCode(code)
      for (const line of [`a${octet}=1`, `a=1${octet}`, `${octet}a=1`, `a=1; X=${octet}`])
        assert.lengthOf(kept(line), 0, JSON.stringify(line))
    }
    assert.deepStrictEqual(kept("\ta=1\t; X=\t", "b=\u00e9"), ["a=1", "b=\u00e9"])
  })

  it("keeps nothing for longer than 400 days", () => {
    const expires = (line: string) => {
      const jar = CookieBounds.empty()
      set(jar, "https://a.test/", line)
      return jar.getCookiesSync("https://a.test/", { expire: false })[0]?.expires
    }
    for (const [line, days] of [
      ["a=1; Max-Age=99999999999", 400],
      ["a=1; Expires=Fri, 01 Jan 2900 00:00:00 GMT", 400],
      ["a=1; Max-Age=86400", 1]
    ] as const)
      assert.strictEqual(Number(expires(line)), nowMs + days * 86_400_000, line)
    assert.strictEqual(Number(expires("a=1; Max-Age=0")), 0)
    assert.strictEqual(expires("a=1"), "Infinity")
  })

  it("lets a plain answer set, hide or replace no secure cookie, of a domain above or below it either", () => {
    const jar = CookieBounds.empty()
    set(
      jar,
      "https://bank.a.test:8443/x/y",
      "login=1; Secure; Path=/x; HttpOnly",
      "top=1; Secure; Domain=a.test; Path=/"
    )
    set(
      jar,
      "http://bank.a.test:81/x/y",
      "login=2",
      "login=2; Path=/x/z",
      "new=2; Secure",
      "__Secure-n=2; Secure",
      "top=2"
    )
    set(jar, "http://evil.a.test/", "login=3; Domain=a.test; Path=/x/y", "top=3", "other=3; Domain=a.test")
    assert.sameMembers(pairsOf(jar, "https://bank.a.test/x/y"), ["login=1", "top=1", "other=3"])
    // where the secure one is not sent, nothing is hidden
    set(jar, "http://bank.a.test/", "login=4; Path=/")
    assert.sameMembers(pairsOf(jar, "http://bank.a.test/"), ["login=4", "other=3"])
    set(jar, "https://bank.a.test/x/y", "login=5; Path=/x")
    assert.include(pairsOf(jar, "https://bank.a.test/x/"), "login=5")
    // nor by one that is of the folder above it, for want of a path of its own
    set(jar, "https://bank.a.test/x/y", "page=6; Secure; Path=/x/y")
    set(jar, "http://bank.a.test/x/y", "page=7")
    assert.include(pairsOf(jar, "http://bank.a.test/x/z"), "page=7")
    assert.includeMembers(pairsOf(jar, "https://bank.a.test/x/y"), ["page=6", "page=7"])
  })

  it("drops the oldest of more than 180 of a domain, and reads 200 lines of an answer", () => {
    const jar = CookieBounds.empty()
    set(jar, "https://b.test/", "kept=1")
    const lines = (from: number) => Array.from({ length: 300 }, (_, index) => `c${from + index}=1`)
    set(jar, "https://a.test/", ...lines(0))
    assert.sameMembers(pairsOf(jar, "https://a.test/"), lines(0).slice(20, 200))
    set(jar, "https://a.test/", ...lines(1000))
    assert.sameMembers(pairsOf(jar, "https://a.test/"), lines(1000).slice(20, 200))
    assert.deepStrictEqual(pairsOf(jar, "https://b.test/"), ["kept=1"])
  })

  it("keeps 3,000 of all domains together", () => {
    const jar = CookieBounds.empty()
    const lines = Array.from({ length: 100 }, (_, index) => `c${index}=1`)
    for (let host = 0; host < 40; host++) set(jar, `https://h${host}.test/`, ...lines)
    const counts = Array.from({ length: 40 }, (_, host) => pairsOf(jar, `https://h${host}.test/`).length)
    const total = counts.reduce((sum, count) => sum + count)
    assert.isAtMost(total, 3000)
    assert.isAtLeast(total, 2700)
    assert.deepStrictEqual([counts[0], counts[39]], [0, 100])
  })
})
