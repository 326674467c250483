import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as UrlKey from "../../src/crawl/UrlKey.ts"
import * as Url from "../../src/Url.ts"

const key = (url: string): string => {
  const parsed = Url.parse(url, "http://h/")
  return typeof parsed === "string" ? UrlKey.of(parsed) : assert.fail(`${url} is no URL`)
}

describe("the key of a URL", () => {
  it("is the same where one page is meant", () => {
    for (const [one, other] of [
      ["HTTP://H:80/a/../b#c", "http://h/b"],
      ["/%7ea%2fb%c3%a4", "/~a%2Fb%C3%A4"],
      ["/a|b^c`{d}[e]", "/a%7Cb%5Ec%60%7Bd%7D%5Be%5D"],
      ["/100%?50%", "/100%25?50%25"],
      ["/%%41", "/%25A"],
      ["/a?", "/a"],
      ["?a=1&&b=2&", "?a=1&b=2"],
      ["?b=2&a=1", "?a=1&b=2"],
      ["?a%5b%5d=1&%61=2", "?a=2&a[]=1"],
      ["?a=1&utm_source=x&UTM_Medium=y&gclid=z", "?a=1"],
      ["?utm_source=x", "/"],
      ["/a;jsessionid=0A1B?b=1", "/a?b=1"],
      ["/a;JSESSIONID=0A1B/c;d=e", "/a/c;d=e"],
      ["?PHPSESSID=abc&a=1", "?a=1"],
      ["http://h./a", "http://h/a"],
      ["http://h.:81/a", "http://h:81/a"]
    ] as const)
      assert.strictEqual(key(one), key(other), one)
  })

  it("is another one where it may be another page", () => {
    for (const [one, other] of [
      ["http://h/", "https://h/"],
      ["http://www.h/", "http://h/"],
      ["/a", "/a/"],
      ["/a", "/A"],
      ["/a//b", "/a/b"],
      ["/", "/index.html"],
      ["?a", "?a="],
      ["?a=1&a=2", "?a=2&a=1"],
      ["?b&a=1", "?a=1&b"],
      ["?x&utm_source=y", "?x"],
      ["/a%2Fb", "/a/b"],
      ["/a?b=%26", "/a?b=&"],
      ["http://h../", "http://h./"],
      ["?a=1+2", "?a=1%2B2"],
      ["http://u:p@h/", "http://h/"]
    ] as const)
      assert.notStrictEqual(key(one), key(other), one)
  })

  it("is a URL, and its own key", () => {
    for (const url of ["http://./", "http://../", "http://h../", "http://u@./"])
      assert.strictEqual(key(key(url)), key(url), url)
    const pieces = [
      "/",
      "%",
      "%41",
      "%2f",
      "%zz",
      "a",
      "=",
      "&",
      "?",
      ";jsessionid=",
      "utm_x=1",
      "ä",
      " ",
      "'",
      "|",
      "@",
      ":",
      "..",
      "+",
      "."
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 20 }), (parts) => {
        const once = key(`http://h/${parts.join("")}`)
        assert.strictEqual(key(once), once)
        assert.strictEqual(Url.parse(once), once)
      }),
      { numRuns: 2000 }
    )
  })

  it("takes time linear in the URL", () => {
    for (const piece of ["%", ";jsessionid=", "a=1&", "&", ".", "/", "|"])
      assert.isString(UrlKey.of(`http://h/?${piece.repeat(30_000)}`))
  })
})
