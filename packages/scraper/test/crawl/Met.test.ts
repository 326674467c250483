import { assert, describe, it } from "@effect/vitest"
import { Met } from "../../src/crawl/Met.ts"

/** Within other bytes, as in a page. */
const look = (met: Met, prefix: string, reference: string, depth: number, isResource = false) =>
  met.look(prefix, Buffer.from(`/${reference}/`), 1, 1 + Buffer.byteLength(reference), depth, isResource)

describe("Met", () => {
  it("knows what was found, as near or further from a seed, however it is cut", () => {
    const met = new Met()
    met.know("http://h/a/b", 2)
    for (const [prefix, reference] of [
      ["http://h", "/a/b"],
      ["http://h/a/", "b"],
      ["", "http://h/a/b"]
    ] as const) {
      assert.strictEqual(look(met, prefix, reference, 2), "known")
      assert.strictEqual(look(met, prefix, reference, 3), "known")
      assert.strictEqual(look(met, prefix, reference, 1), undefined)
    }
    assert.strictEqual(look(met, "http://h", "/a/b#c", 2), "known")
    for (const [prefix, reference] of [
      ["http://h", "/a/c"],
      ["http://h", "/a/b/"],
      ["http://g", "/a/b"],
      ["http://h/", "/a/b"]
    ] as const)
      assert.strictEqual(look(met, prefix, reference, 9), undefined)
    met.know("http://h/a/b", 5)
    assert.isTrue(met.isKnown("http://h/a/b", 2))
    assert.isFalse(met.isKnown("http://h/a/b", 1))
  })

  it("keeps apart what is left out as a page and as a resource", () => {
    const met = new Met()
    met.leaveOut("http://g/", 3, false)
    assert.strictEqual(look(met, "", "http://g/", 4), "out")
    assert.strictEqual(met.latest, "http://g/")
    assert.strictEqual(look(met, "", "http://g/", 2), undefined)
    assert.strictEqual(look(met, "", "http://g/", 4, true), undefined)
    met.leaveOut("http://g/", 0, true)
    assert.strictEqual(look(met, "", "http://g/", 0, true), "out")
    met.know("http://g/", 1)
    assert.strictEqual(look(met, "", "http://g/", 1), "known")
  })

  it("forgets rather than take one URL for another, and keeps what came last", () => {
    const met = new Met()
    const url = (number: number) => `http://h/${number}`
    const count = 300_000
    for (let i = 0; i < count; i++) met.know(url(i), i % 5)
    let kept = 0
    for (let i = 0; i < count; i++) {
      const isKnown = met.isKnown(url(i), i % 5)
      if (isKnown) kept++
      assert.isFalse(i % 5 > 0 && met.isKnown(url(i), (i % 5) - 1))
    }
    assert.isAbove(kept, 40_000)
    assert.isAtMost(kept, 65_536)
    assert.isTrue(met.isKnown(url(count - 1), 4))
    assert.isFalse(met.isKnown(url(count), 9))
  })

  it("forgets the oldest where long URLs leave no room, and never takes what lies there now for it", () => {
    const met = new Met()
    const url = (number: number) => `http://h/${"a".repeat(4000 + (number % 97))}/${number}`
    const count = 3000
    for (let i = 0; i < count; i++) assert.isTrue(met.know(url(i), 1))
    const kept = Array.from({ length: count }, (_, i) => met.isKnown(url(i), 1))
    assert.isBelow(kept.indexOf(true), 2100)
    assert.isAbove(kept.indexOf(true), 1900)
    assert.isFalse(kept.slice(kept.indexOf(true)).includes(false))
    assert.isTrue(met.know(url(0), 2))
    const beyond = `http://h/${"b".repeat(20_000)}`
    met.leaveOut(beyond, 0, false)
    assert.isTrue(met.know(beyond, 1))
    assert.isFalse(met.isKnown(beyond, 1))
  })

  it("knows what is not ASCII by its escapes", () => {
    const met = new Met()
    met.know(new URL("http://h/wiki/Ж?q=あ").href, 1)
    assert.strictEqual(look(met, "http://h", "/wiki/Ж?q=あ#б", 1), "known")
    assert.strictEqual(look(met, "http://h/wiki/", "Ж?q=あ", 1), "known")
    assert.strictEqual(look(met, "http://h", "/wiki/Ж?q=い", 1), undefined)
    assert.strictEqual(look(met, "http://h", `/wiki/${"Ж".repeat(9000)}`, 1), undefined)
    met.leaveOut(new URL("http://g/ж").href, 0, false)
    assert.strictEqual(look(met, "", "http://g/ж", 1), "out")
    assert.strictEqual(met.latest, "http://g/%D0%B6")
  })
})
