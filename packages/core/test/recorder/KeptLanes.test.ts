import { assert, describe, it } from "@effect/vitest"
import { type Candidate, KeptLanes } from "../../src/recorder/KeptLanes.ts"

interface Numbered extends Candidate {
  readonly index: number
}

/** What is kept of so many lanes, in their order, and what was given back, in its. */
const kept = (most: number, count: number, about: (index: number) => Partial<Candidate> = () => ({})) => {
  const spare: Array<number> = []
  const lanes = new KeptLanes<Numbered>(most, ({ index }) => spare.push(index))
  for (let index = 0; index < count; index++) lanes.add({ index, slownessMs: 0, ...about(index) })
  const indexes = lanes.lanes().map(({ index }) => index)
  return { indexes: indexes.toSorted((a, b) => a - b), spare }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe("KeptLanes", () => {
  it("keeps all up to the bound, in their order", () => {
    assert.deepStrictEqual(kept(60, 60), { indexes: range(0, 60), spare: [] })
  })

  it("never keeps more than the bound, nor of more than its half, and gives back each other lane once", () => {
    for (const most of [1, 5, 6, 60, 61, 600])
      for (const count of [0, 1, most, most + 1, 5 * most, 5000]) {
        const { indexes, spare } = kept(most, count, (index) => ({
          slownessMs: (index * 1234) % 5003,
          end: index % 3 === 0 ? "failed" : "ok"
        }))
        assert.isAtMost(indexes.length, count > most ? Math.ceil(most / 2) : most, `${most} of ${count}`)
        assert.deepStrictEqual(
          [...indexes, ...spare].toSorted((a, b) => a - b),
          range(0, count),
          `${most} of ${count}`
        )
      }
  })

  it("keeps the first, the last and the slowest", () => {
    const slow = new Set([1000, 1001, 2345, 4000, 4990])
    const { indexes } = kept(120, 5000, (index) => ({ slownessMs: slow.has(index) ? 100 + index : index % 50 }))
    for (const index of [...range(0, 10), ...range(4990, 5000), ...slow]) assert.include(indexes, index)
  })

  it("keeps those that failed, of many an even sample of at least half its share", () => {
    const few = [700, 1500, 3000]
    const { indexes } = kept(120, 5000, (index) => ({ end: few.includes(index) ? "failed" : "ok" }))
    for (const index of few) assert.include(indexes, index)
    const all = kept(1200, 50_000, (index) => ({ end: index % 50 === 0 ? "failed" : "ok" }))
    const failed = all.indexes.filter((index) => index % 50 === 0 && index > 100 && index < 49_900)
    assert.isAtLeast(failed.length, 50)
  })

  it("samples all evenly, and hosts that take turns alike", () => {
    const share = 200
    const { indexes } = kept(1200, 64_000)
    const sample = indexes.filter((index) => index >= 100 && index < 63_900)
    assert.isAtLeast(sample.length, share / 2 - 1)
    const gaps = sample.slice(1).map((index, at) => index - sample[at]!)
    assert.isAtMost(Math.max(...gaps), 4 * (64_000 / sample.length))
    for (const hosts of [2, 3, 4, 8, 16])
      for (let host = 0; host < hosts; host++) {
        const own = sample.filter((index) => index % hosts === host).length
        assert.isAbove(own, sample.length / hosts / 2, `host ${host} of ${hosts}`)
      }
  })
})
