import { assert, describe, it } from "@effect/vitest"
import * as Surt from "../../src/warc/Surt.ts"

// what internetarchive/surt answers, by its own tests
const cases: ReadonlyArray<readonly [url: string, key: string]> = [
  ["http://archive.org/", "org,archive)/"],
  ["http://www.archive.org/goo/", "org,archive)/goo"],
  ["http://archive.org/goo/?", "org,archive)/goo"],
  ["http://archive.org/goo/?b&a", "org,archive)/goo?a&b"],
  ["http://archive.org/goo/?a=2&b&a=1", "org,archive)/goo?a=1&a=2&b"],
  ["http://archive.org/index.html?b=a&b=b&a=b", "org,archive)/index.html?a=b&b=a&b=b"],
  ["http://www34.archive.org/index.html?a=b", "org,archive)/index.html?a=b"],
  ["http://www2foo.com/", "com,www2foo)/"],
  ["https://www.archive.org:443/", "org,archive)/"],
  ["https://www.archive.org:80/", "org,archive:80)/"],
  ["http://user:secret@archive.org/a#b", "org,archive)/a"],
  ["http://www.google.com.../", "com,google)/"],
  ["http://host.com//two//slashes?more//slashes", "com,host)/two/slashes?more//slashes"],
  ["http://host/%25%32%35", "host)/%25"],
  ["http://host/asdf%25%32%35asd", "host)/asdf%25asd"],
  ["http://host/%%%25%32%35asd%%", "host)/%25%25%25asd%25%25"],
  ["http://host.com/ab%23cd", "com,host)/ab%23cd"],
  ["http://host.com/A%C3%BC", "com,host)/a%c3%bc"],
  ["http://host.com/%257Ea%2521b%2540c%2523d%2524e%25f%255E00%2526", "com,host)/~a!b@c%23d$e%25f^00&"],
  ["http://xn--bcher-kva.ch:8080/", "ch,xn--bcher-kva:8080)/"],
  ["http://192.168.1.254/info/", "254,1,168,192)/info"],
  ["http://[::1]:8080/a", "::1:8080)/a"],
  ["http://a.com/(S(4hqa0555fwsecu455xqckv45))/mileg.aspx", "com,a)/mileg.aspx"],
  ["http://a.com/(4hqa0555fwsecu455xqckv45)/mileg.aspx", "com,a)/mileg.aspx"],
  ["http://a.com/photos/36050182@N05/", "com,a)/photos/36050182@n05"],
  ["http://a.com/?PHPSESSID=0123456789abcdefghijklemopqrstuv&action=profile", "com,a)/?action=profile"],
  ["http://a.com/?x=y&SID=0123456789abcdefghijklemopqrstuv", "com,a)/?&x=y"],
  ["http://a.com/?CFID=1171&CFTOKEN=92f7&a=b", "com,a)/?a=b"],
  ["http://a.com/?cfid=cfid=1&cftoken=2&a=b", "com,a)/?cfid=a=b"],
  ["http://a.com/?jsessionid=0123456789abcdefghijklemopqrstuv", "com,a)/"]
]

describe("Surt", () => {
  for (const [url, key] of cases)
    it(`${url} is ${key}`, () => {
      assert.strictEqual(Surt.fromUrl(url), key)
    })

  it("takes time linear in its URL", () => {
    for (const query of ["cfid=".repeat(200_000), "cfid=1&".repeat(150_000), `%${"25".repeat(500_000)}`])
      assert.isString(Surt.fromUrl(`http://a.com/?${query}`))
  })

  it("has no blank and no control character, whatever the URL", () => {
    const url = new URL("http://a.com/")
    url.pathname = Array.from({ length: 256 }, (_, code) => `${String.fromCharCode(code)}%${code.toString(16)}`).join(
      ""
    )
    url.search = url.pathname
    assert.match(Surt.fromUrl(url.href), /^[\x21-\x7e]+$/)
  })
})
