import { assert, describe, it } from "@effect/vitest"
import { EventRing } from "../../src/recorder/EventRing.ts"

describe("EventRing", () => {
  it("keeps the newest events, oldest first, and counts the others", () => {
    const ring = new EventRing(10)
    assert.strictEqual(ring.capacity, 16)
    for (let number = 0; number < 50; number++)
      ring.put(number % 12, number / 2, number, 4_000_000_000 + number, number / 4)
    assert.strictEqual(ring.overwritten, 34)
    assert.deepStrictEqual(
      [...ring.events()],
      Array.from({ length: 16 }, (_, index) => {
        const number = 34 + index
        return { kind: number % 12, atMs: number / 2, id: number, other: 4_000_000_000 + number, value: number / 4 }
      })
    )
  })

  it("has bounds", () => {
    assert.strictEqual(new EventRing(1).capacity, 16)
    assert.strictEqual(new EventRing(1000).capacity, 1024)
    assert.strictEqual(new EventRing(1024).capacity, 1024)
    assert.deepStrictEqual([...new EventRing(16).events()], [])
  })
})
