import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as fc from "fast-check"
import * as Pattern from "../../src/robots/Pattern.ts"

const fits = (pattern: string, path: string) => Pattern.matches(Pattern.make(pattern), Pattern.path(path))

/** Whole numbers below a bound, the same for the same seed. */
const below = (seed: number) => {
  const random = Randomness.make(seed)
  return (count: number) => Randomness.below(random, count)
}

/**
 * Slow and plain: the pattern as a regular expression for the URL as it is sent, in which escapes of unreserved octets are
 * undone (RFC 9309 2.2.2). What is escaped in the pattern may be so in the URL or not (2.2.3), and the other way about.
 */
const sentFits = (pattern: string, path: string): boolean => {
  // a percent sign that begins no escape; what is undone behind it must not make it one
  const lone = "\0"
  const undo = (text: string) =>
    text.replace(/%([0-9A-Fa-f]{2})?/g, (whole, hex?: string) => {
      if (hex === undefined) return lone
      const character = String.fromCharCode(Number.parseInt(hex, 16))
      return /[A-Za-z0-9._~-]/.test(character) ? character : whole.toUpperCase()
    })
  const either = (character: string) => {
    const escaped = `%${character.charCodeAt(0).toString(16).toUpperCase()}`
    const plain = character === "%" ? lone : `\\${character}`
    return `(?:${escaped}|${plain})`
  }
  const anchored = pattern.endsWith("$")
  const pieces = (anchored ? pattern.slice(0, -1) : pattern).split("*").map((piece) =>
    undo(piece).replace(/%[0-9A-F]{2}|[^]/g, (one) => {
      if (one.length > 1) return either(String.fromCharCode(Number.parseInt(one.slice(1), 16)))
      if (one === lone) return either("%")
      return /[A-Za-z0-9]/.test(one) ? one : /[/?&]/.test(one) ? `\\${one}` : either(one)
    })
  )
  return new RegExp(`^${pieces.join(".*")}${anchored ? "$" : ""}`, "s").test(undo(path))
}

describe("normalize", () => {
  it("decodes unreserved octets and encodes all but the reserved others", () => {
    assert.strictEqual(Pattern.normalize("/foo/bar/%62%61%7A%7e"), "/foo/bar/baz~")
    assert.strictEqual(Pattern.normalize('/a b"<>\\^`{|}\xe4'), "/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D%E4")
    assert.strictEqual(Pattern.normalize("/:/?#[]@!&'()+,;="), "/:/?#[]@!&'()+,;=")
    assert.strictEqual(Pattern.normalize("/*$"), "/%2A%24")
  })

  it("keeps encoded what is reserved in a path, in upper case", () => {
    assert.strictEqual(Pattern.normalize("/a%2fb%3F%25"), "/a%2Fb%3F%25")
  })

  it("decodes in a query what is reserved in paths only", () => {
    assert.strictEqual(Pattern.normalize("/%2F?a=https%3a%2F%2Fb%3f%40%26"), "/%2F?a=https://b?@%26")
  })

  it("encodes a percent sign that encodes nothing", () => {
    assert.strictEqual(Pattern.normalize("/100%/%4/%zz/%"), "/100%25/%254/%25zz/%25")
  })

  it("changes nothing the second time", () => {
    const next = below(1)
    const alphabet = ["%", "2", "F", "f", "4", "1", "/", "?", " ", "\xe4", "*", "$", "a"]
    for (let round = 0; round < 2000; round++) {
      const octets = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]!).join("")
      const once = Pattern.normalize(octets)
      assert.strictEqual(Pattern.normalize(once), once, octets)
    }
  })
})

describe("matches", () => {
  it("follows the examples of RFC 9309 2.2.2 and 2.2.3", () => {
    assert.isTrue(fits("/foo/bar?baz=quz", "/foo/bar?baz=quz"))
    assert.isTrue(fits("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"))
    assert.isTrue(fits("/foo/bar/\xe3\x83\x84", "/foo/bar/%E3%83%84"))
    assert.isTrue(fits("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"))
    assert.isTrue(fits("/foo/bar/%62%61%7A", "/foo/bar/baz"))
    assert.isTrue(fits("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"))
    assert.isFalse(fits("/path/file-with-a-%2A.html", "/path/file-with-a-b.html"))
    assert.isTrue(fits("/path/foo-%24", "/path/foo-$"))
    assert.isTrue(fits("/path/foo-%24", "/path/foo-$bar"))
  })

  it("takes a dollar sign within a pattern as it is", () => {
    assert.isTrue(fits("/a$b", "/a$b"))
    assert.isFalse(fits("/a$b", "/a"))
  })

  it("knows the query in a pattern with wildcards", () => {
    assert.isTrue(fits("/*?*=a%2Fb", "/x?y=a/b"))
    assert.isTrue(fits("/*/login/", "/?q=baz/login/"))
    assert.isFalse(fits("/a%2Fb", "/a/b"))
  })

  it("agrees with a regular expression on random patterns", () => {
    const next = below(2)
    const word = (alphabet: string, length: number) =>
      Array.from({ length }, () => alphabet[next(alphabet.length)]!).join("")
    for (let round = 0; round < 20_000; round++) {
      const pattern = `/${word("ab*", next(8))}${next(3) === 0 ? "$" : ""}`
      const path = `/${word("ab", next(10))}`
      const anchored = pattern.endsWith("$")
      const expected = new RegExp(
        `^${(anchored ? pattern.slice(0, -1) : pattern).replaceAll("*", ".*")}${anchored ? "$" : ""}`
      ).test(path)
      assert.strictEqual(fits(pattern, path), expected, `${pattern} on ${path}`)
    }
  })

  it("takes a character that the URL has as it is for one", () => {
    assert.isFalse(fits("/*2A", "/a*"))
    assert.isFalse(fits("/*24$", "/a$"))
    assert.isFalse(fits("/*7C", "/a|b"))
    assert.isFalse(fits("/*25", "/100%"))
    assert.isTrue(fits("/*2A", "/a%2A"))
    assert.isTrue(fits("/*2A", "/a*2A"))
    assert.isTrue(fits("/*%2A", "/a*"))
    // beyond the length from which Knuth, Morris and Pratt search
    const long = "%2A".repeat(20)
    assert.isFalse(fits(`/*${long.slice(1)}`, `/${"*".repeat(20)}`))
    assert.isTrue(fits(`/*${long.slice(1)}`, `/${"*".repeat(20)}%2A${"*".repeat(19)}`))
  })

  it("agrees with a matcher that works on the URL as it is sent", () => {
    const part = fc.constantFrom(..."/a2AC34%*$|?&", "\xe4", "%2A", "%2a", "%24", "%25", "%7c", "%E4", "%41")
    const text = fc.array(part, { maxLength: 7 }).map((parts) => `/${parts.join("")}`)
    fc.assert(
      fc.property(text, text, (pattern, path) => {
        assert.strictEqual(fits(pattern, path), sentFits(pattern, path), `${pattern} on ${path}`)
      }),
      { numRuns: 5_000, examples: [["/%", "/%A%41"]] }
    )
  })

  it("finds long pieces as the engine does", () => {
    const next = below(3)
    const word = (length: number) => Array.from({ length }, () => "ab"[next(2)]!).join("")
    for (let round = 0; round < 300; round++) {
      const unit = word(1 + next(4))
      const piece = (unit.repeat(40) + word(next(3))).slice(0, 33 + next(40))
      const path = `/${word(next(20))}${unit.repeat(next(40))}${piece.slice(next(3))}${word(next(20))}`
      assert.strictEqual(fits(`/*${piece}`, path), path.includes(piece), `${piece} in ${path}`)
    }
  })

  it("ends soon on patterns made to back-track", () => {
    const path = `/${"a".repeat(8000)}`
    assert.isFalse(fits(`/${"*a".repeat(4000)}*b`, path))
    assert.isTrue(fits(`/${"*a".repeat(8000)}$`, path))
    assert.isFalse(fits(`/${"*a".repeat(8001)}`, path))
    for (let round = 0; round < 200; round++) assert.isFalse(fits(`/*${"a".repeat(4000)}b`, path))
  })

  it("counts its normal form, wildcards and the dollar sign", () => {
    assert.strictEqual(Pattern.make("/a*b**$").length, 7)
    assert.strictEqual(Pattern.make("/%61").length, 2)
    assert.strictEqual(Pattern.make("/\xe4").length, 4)
  })
})
