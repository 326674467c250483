import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import { InvalidUrl } from "../src/FetchError.ts"
import * as Url from "../src/Url.ts"

const detail = (text: string): string => {
  const result = Url.parse(text)
  if (typeof result === "string") return assert.fail(`${JSON.stringify(text)} was taken for ${result}`)
  assert.instanceOf(result, InvalidUrl)
  return result.detail
}

const texts = function* (seed: number, count: number) {
  const next = Randomness.make(seed)
  const pieces = [
    ..."http:// https:// HTTP: // / \\ @ : ? # % %2e %41 %zz . .. h EXAMPLE example.com xn-- [::1] [ 127.0.0.1 0x7f :80".split(
      " "
    ),
    ...":443 :8080 :99999 user:pass@ a/b q=1&r=2 é ß 😀 ' \" ` { | ^".split(" "),
    ...Array.from(" \t\n\0\u001b\u202e\ud800\ufeff")
  ]
  for (let index = 0; index < count; index++) {
    let text = next() < 0.7 ? "http://" : ""
    for (let length = 1 + next() * 8; length > 0; length--) text += pieces[Math.floor(next() * pieces.length)]
    yield text
  }
}

describe("parse", () => {
  it("normalises as WHATWG does and no further", () => {
    assert.strictEqual(
      Url.parse(" HTTP://EXAMPLE.com:80/a/../B%7e//?b=1&a=%2f "),
      "http://example.com/B%7e//?b=1&a=%2f"
    )
    assert.strictEqual(Url.parse("https://example.com"), "https://example.com/")
    assert.strictEqual(Url.parse("https://example.com/?"), "https://example.com/?")
    assert.strictEqual(Url.parse("https://bücher.example/ä"), "https://xn--bcher-kva.example/%C3%A4")
    assert.strictEqual(Url.parse("http://u:p@h:8080/"), "http://u:p@h:8080/")
  })

  it("cuts the fragment, also an empty one", () => {
    assert.strictEqual(Url.parse("http://h/a#b"), "http://h/a")
    assert.strictEqual(Url.parse("http://h/a?b#c?d"), "http://h/a?b")
    assert.strictEqual(Url.parse("http://h/a#"), "http://h/a")
  })

  it("takes a byte order mark for a part of a reference, as browsers do", () => {
    assert.strictEqual(Url.parse("\uFEFFa", "http://h/"), "http://h/%EF%BB%BFa")
    assert.instanceOf(Url.parse("\uFEFFhttp://h/"), InvalidUrl)
  })

  it("resolves a reference against a base", () => {
    assert.strictEqual(Url.parse("../c?d#e", "http://h/a/b"), "http://h/c?d")
    assert.strictEqual(Url.parse("https://other/", "http://h/a/b"), "https://other/")
    assert.instanceOf(Url.parse("mailto:a@b.example", "http://h/a/b"), InvalidUrl)
  })

  it("gives what follows one of its origin as the standard writes it", () => {
    const seed = 20262
    const next = Randomness.make(seed)
    const origins = ["http://h", "https://example.com:8443", "http://[::1]:80"]
    const pieces = [..."/aZ09-_.~!$&'()*+,;=:@?#%|^`{}<>\"\\ \t\u00e9", "/.", "/..", "%2e", "u:p@"]
    for (let index = 0; index < 20_000; index++) {
      const start = origins[Math.floor(next() * origins.length)]!
      Url.parse(`${start}/`)
      let text = start + (next() < 0.9 ? "/" : "")
      for (let length = next() * 8; length > 0; length--) text += pieces[Math.floor(next() * pieces.length)]
      const url = URL.parse(text)
      const result = Url.parse(text)
      if (url === null) assert.instanceOf(result, InvalidUrl)
      else {
        url.hash = ""
        assert.strictEqual(result, url.href, `seed ${seed}, ${JSON.stringify(text)}`)
      }
    }
  })

  it("suggests a scheme where only that lacks", () => {
    for (const text of ["example.com/a", "example.com", "localhost:8080/x", "//example.com/a", "10.0.0.1:80"]) {
      assert.include(detail(text), `https://${text.replace("//", "")}`)
    }
    for (const text of ["foo", "/a/b", "foo bar.baz", ".", "a..b:x"]) assert.notInclude(detail(text), "https://")
  })

  it("names the scheme that is not supported", () => {
    assert.include(detail("ftp://h/a"), '"ftp"')
    assert.include(detail("mailto:a@b.example"), '"mailto"')
    assert.include(detail("javascript:alert(1)"), '"javascript"')
  })

  it("tells an empty text, and one whose host or port is wrong", () => {
    assert.strictEqual(detail(" \t"), "empty URL")
    assert.include(detail("http://h:99999/"), "port")
    assert.include(detail("http:///"), "host")
    assert.include(detail("http://a b/"), "host")
  })

  it("quotes a text escaped and cut", () => {
    assert.include(detail("\u001b[31mred"), "\\u{1b}[31mred")
    assert.include(detail("http://\u202e \ud800\u0085/"), "http://\\u{202e} \\u{d800}\\u{85}/")
    assert.isBelow(detail(`http://h:x/${"a".repeat(100_000)}`).length, 300)
    assert.isBelow(detail(`${"a".repeat(100_000)}.example`).length, 600)
  })

  it("quotes no password", () => {
    for (const text of [
      "http://user:secret@h:x/",
      "https://user:secret#@host/",
      "https://user:se/secret@host/",
      "user:secret@example.com/a",
      "user:s@secret@example.com",
      "ftp://user:secret@h/",
      "ht\ntp://user:secret@h:x/",
      "http:user:secret@h:x",
      `http://user:secret${"x".repeat(300)}@h:x/`
    ]) {
      assert.notInclude(detail(text), "secret", text)
    }
  })

  it("gives what the WHATWG parser gives, or InvalidUrl, and the same again for its result", () => {
    const seed = 20261
    let valid = 0
    for (const text of texts(seed, 20_000)) {
      const about = `seed ${seed}, ${JSON.stringify(text)}`
      let expected: string | undefined
      try {
        const url = new URL(text)
        if (url.protocol.startsWith("http")) expected = url.href.replace(/#.*/s, "")
      } catch {
        // expected stays undefined
      }
      const result = Url.parse(text)
      if (typeof result === "string") {
        valid++
        assert.strictEqual(result, expected, about)
        assert.strictEqual(Url.parse(result), result, about)
        const url = new URL(result)
        assert.strictEqual(Url.origin(result), url.origin, about)
        url.username = url.password = ""
        assert.strictEqual(Url.withoutCredentials(result), url.href, about)
        assert.strictEqual(Url.redact(result).replace("***@", ""), url.href, about)
      } else {
        assert.isUndefined(expected, about)
        assert.notMatch(result.detail, /[\p{Cc}\p{Cf}\p{Cs}]/u, about)
      }
    }
    // enough to mean something: it is 3994 by the parser of Node 22.19, and more by later ones
    assert.isAbove(valid, 3900)
  })

  it("takes a text of ten million characters", () => {
    for (const piece of ["a", "@", ".", "/", ":", "a.", "a@", "%", "//a:b@"]) {
      const text = piece.repeat(10_000_000 / piece.length)
      assert.instanceOf(Url.parse(text), InvalidUrl)
      assert.isString(Url.redact(`http://${text}`))
    }
  })
})

describe("given", () => {
  it("makes no URL of two fields, or of lines that end with CR", () => {
    for (const text of ["http://a/1\thttp://a/2", "http://a/1\rhttp://a/2", "http://a/1\nhttp://a/2"]) {
      const result = Url.given(text)
      assert.instanceOf(result, InvalidUrl, JSON.stringify(text))
      assert.match(result.detail, /^a tab or a line end within a URL: "http:\/\/a\/1\\u\{[9ad]\}http:/)
    }
    assert.strictEqual(Url.given("\t http://a/1 \r\n"), "http://a/1")
    assert.strictEqual(Url.given("\uFEFFhttp://a/1"), "http://a/1")
  })
  it("makes no URL of what NUL parts", () => {
    for (const text of ["http://a/1\0http://a/2\0", "http://a/1\0", "h\0t\0t\0p\0:\0/\0/\0a\0/\0"]) {
      const result = Url.given(text)
      assert.instanceOf(result, InvalidUrl, JSON.stringify(text))
      assert.match(result.detail, /^a NUL within a URL: "h.*\\u\{0\}/)
    }
  })
  it("takes no part of a URL for the whole", () => {
    assert.match((Url.given("http://a/", true) as InvalidUrl).detail, /^too long for a URL: /)
  })
})

describe("inField", () => {
  it("escapes the octets beyond ASCII, and nothing else", () => {
    assert.strictEqual(Url.inField("/a b%e4\u0080\u00ff?\u00c3\u00a4"), "/a b%e4%80%FF?%C3%A4")
    assert.strictEqual(Url.inField("/\u20ac"), "/\u20ac")
  })
})

describe("redact", () => {
  it("replaces user name and password and nothing else", () => {
    assert.strictEqual(Url.redact("http://user:pass@host/a@b?c@d"), "http://***@host/a@b?c@d")
    assert.strictEqual(Url.redact("http://user@[::1]:80/"), "http://***@[::1]:80/")
    assert.strictEqual(Url.redact("http://host/@a"), "http://host/@a")
    assert.strictEqual(Url.redact("http://[::1]:80/@a"), "http://[::1]:80/@a")
    assert.strictEqual(Url.redact("http://host:80?a@b"), "http://host:80?a@b")
  })

  it("replaces them in texts that are no normalised URL", () => {
    for (const text of [
      "user:pass@host",
      "http:user:pass@host/",
      "http:\\\\user:pass@host",
      "http:////user:pass@host",
      "HTTP://u@user:pass@host/",
      "h\nttp://user:pass@host/",
      "http://user:pa/pass@host/",
      " http://user:pass@host/",
      "socks5://user:pass@host:1080"
    ]) {
      const redacted = Url.redact(text)
      assert.notInclude(redacted, "pass", text)
      assert.include(redacted, "***@host", text)
    }
    assert.strictEqual(Url.redact("\ud800@"), "***@")
    assert.strictEqual(Url.redact(""), "")
  })
})

describe("credentials", () => {
  it("are no part of the origin and can be taken away", () => {
    assert.strictEqual(Url.origin("http://u:p@h:8080/a@b"), "http://h:8080")
    assert.strictEqual(Url.origin("https://[::1]/"), "https://[::1]")
    // after one that begins alike, too
    for (const url of [
      "http://h/",
      "http://h:8080/",
      "http://h/",
      "http://h.x/",
      "http://h/",
      "http://h@x/h/",
      "http://h/"
    ])
      assert.strictEqual(Url.origin(url), new URL(url).origin)
    // and after what a program asked for that is none
    Url.origin("http:/x")
    assert.strictEqual(Url.origin("http://h/"), "http://h")
  })

  it("are looked for in any text without throwing", () => {
    for (const text of ["", "@", "://@", "a@b", "\ud800://\udc00@/", "http://"]) {
      for (const ask of [Url.origin, Url.withoutCredentials]) assert.doesNotThrow(() => ask(text), text)
    }
  })
})
