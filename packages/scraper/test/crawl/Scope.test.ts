import { assert, describe, it } from "@effect/vitest"
import * as Scope from "../../src/crawl/Scope.ts"

const scope = (seed: string, within: Scope.Within, options: Partial<Scope.Options> = {}) => {
  const made = Scope.make({ seeds: [seed], within, ...options })
  return (url: string, depth = 1, isResource = false) => made.decide({ url, depth, isResource })
}

/** Which of the URLs are in scope, by yes and no. */
const assertScope = (
  seed: string,
  within: Scope.Within,
  cases: ReadonlyArray<readonly [url: string, isIn: boolean]>
) => {
  const decide = scope(seed, within)
  for (const [url, isIn] of cases)
    assert.deepStrictEqual(
      decide(url),
      isIn ? { _tag: "InScope", by: within } : { _tag: "Outside", within },
      `${url} from ${seed}`
    )
}

describe("a scope", () => {
  it("is a host, by either scheme and with or without www", () => {
    assertScope("https://example.com/a", "host", [
      ["https://example.com/b", true],
      ["http://example.com/b", true],
      ["https://www.example.com/b", true],
      ["https://example.com./b", true],
      ["https://docs.example.com/", false],
      ["https://example.com:8443/", false],
      ["https://example.com.evil.example/", false]
    ])
    assertScope("http://h:8080/a", "host", [
      ["http://h:8080/b", true],
      ["http://h/b", false]
    ])
  })

  it("is a domain by the public suffix list", () => {
    assertScope("https://www.a.co.uk/x", "domain", [
      ["https://docs.deep.a.co.uk/", true],
      ["https://a.co.uk/", true],
      ["https://b.co.uk/", false],
      ["https://xa.co.uk/", false]
    ])
    assertScope("https://a.github.io/x", "domain", [
      ["https://a.github.io/y", true],
      ["https://b.github.io/", false]
    ])
    assertScope("http://127.0.0.1:81/x", "domain", [
      ["http://127.0.0.1:81/y", true],
      ["http://127.0.0.2:81/", false]
    ])
    assertScope("http://[::1]/x", "domain", [
      ["http://[::1]/y", true],
      ["http://[::2]/y", false]
    ])
    assertScope("http://localhost/x", "domain", [
      ["http://localhost/y", true],
      ["http://otherhost/", false]
    ])
  })

  it("is a folder of a host", () => {
    for (const seed of ["https://h/docs/", "https://h/docs/intro.html", "https://h/docs"])
      assertScope(
        seed,
        "path",
        [
          ["https://h/docs/a/b", true],
          ["https://h/docs/?q", true],
          ["https://h/%64ocs/x", true],
          ["https://h/docs-old/", false],
          ["https://h/", false],
          ["https://h/docs/../x", false],
          ["https://other/docs/", false]
        ].map(([url, isIn]) => [new URL(url as string).href, isIn as boolean] as const)
      )
    assertScope("https://h/", "path", [["https://h/anything", true]])
  })

  it("has its seeds, whatever the patterns say", () => {
    const decide = scope("https://h/docs?b=1&a=2", "path", { exclude: [/./], include: [/x/], maxDepth: 0 })
    assert.deepStrictEqual(decide("https://h/docs?a=2&b=1", 7), { _tag: "InScope", by: "seed" })
  })

  it("leaves out what is excluded, not included or too deep", () => {
    const decide = scope("https://h/", "host", { include: [/\/a/, /\/b/g], exclude: [/\.pdf$/, /x/y], maxDepth: 2 })
    for (let time = 0; time < 2; time++) {
      assert.strictEqual(decide("https://h/b")._tag, "InScope")
      assert.deepStrictEqual(decide("https://h/a.pdf"), { _tag: "Excluded", pattern: "\\.pdf$" })
      assert.deepStrictEqual(decide("https://h/c"), { _tag: "NotIncluded" })
      assert.deepStrictEqual(decide("https://h/a", 3), { _tag: "TooDeep", depth: 3, maxDepth: 2 })
      assert.strictEqual(decide("https://h/a", 2)._tag, "InScope")
    }
  })

  it("has what its pages need, wherever it lies", () => {
    const decide = scope("https://h/", "path", { include: [/html/], exclude: [/ads/], maxDepth: 1 })
    assert.deepStrictEqual(decide("https://cdn.example/a.css", 9, true), { _tag: "InScope", by: "resource" })
    assert.strictEqual(decide("https://ads.example/a.js", 1, true)._tag, "Excluded")
  })

  it("has each of its seeds, however many they are", () => {
    for (const count of [1, 8, 9, 100]) {
      const seeds = Array.from({ length: count }, (_, index) => `https://h/docs?b=1&a=${index}`)
      const { decide } = Scope.make({ seeds, within: "host", exclude: [/docs/] })
      for (let index = 0; index < count; index++) {
        const url = `https://h/docs?a=${index}&b=1`
        assert.deepStrictEqual(decide({ url, depth: 7, isResource: false }), { _tag: "InScope", by: "seed" }, url)
      }
      const other = decide({ url: "https://h/docs?a=x&b=1", depth: 7, isResource: false })
      assert.strictEqual(other._tag, "Excluded")
    }
  })

  it("may have several seeds", () => {
    const { decide } = Scope.make({ seeds: ["http://a/x/", "http://b/y/"], within: "path" })
    const tags = ["http://a/x/1", "http://b/y/1", "http://a/y/1"].map(
      (url) => decide({ url, depth: 1, isResource: false })._tag
    )
    assert.deepStrictEqual(tags, ["InScope", "InScope", "Outside"])
  })
})
