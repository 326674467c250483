import { assert, describe, it } from "@effect/vitest"
import * as Timeline from "../src/Timeline.ts"

const categories = [
  { name: "wait", description: "waits", waiting: true },
  { name: "work", description: "works", waiting: false }
]
const words = { lane: "task", group: "parent" }

/** A lane that waits for 1 ms and works for `workMs`. */
const lane = (index: number, workMs: number, group = "a"): Timeline.Ended => ({
  name: () => `lane ${index}`,
  group,
  startMs: index,
  endMs: index + 1 + workMs,
  slownessMs: workMs,
  times: (sums) => {
    sums[0]! += 1
    sums[1]! += workMs
  },
  spans: (lane) => [
    { lane, name: "wait", category: "wait", startMs: index, endMs: index + 1 },
    { lane, name: "work", category: "work", startMs: index + 1, endMs: index + 1 + workMs }
  ]
})
const sum = (times: Timeline.Times) => Object.values(times).reduce((total, ms) => total + ms, 0)

describe("Timeline", () => {
  it("keeps lanes in the order of their start, each with its spans and times", () => {
    const collector = Timeline.collect({ title: "t", words, categories })
    collector.add(lane(5, 2))
    collector.add({ ...lane(1, 0), spansLeftOut: 3, arguments: { outcome: "saved" } })
    const { lanes, spans, leftOut, durationMs } = collector.result(1000, 20)
    assert.deepStrictEqual(
      lanes.map(({ name, times, arguments: about }) => ({ name, times, about })),
      [
        { name: "lane 1", times: { wait: 1 }, about: { outcome: "saved" } },
        { name: "lane 5", times: { wait: 1, work: 2 }, about: undefined }
      ]
    )
    assert.deepStrictEqual(
      spans.map((span) => [span.lane, span.category, span.startMs, span.endMs]),
      [
        [0, "wait", 1, 2],
        [0, "work", 2, 2],
        [1, "wait", 5, 6],
        [1, "work", 6, 8]
      ]
    )
    assert.deepStrictEqual(leftOut, { lanes: 0, spans: 3, ungrouped: 0 })
    assert.strictEqual(durationMs, 20)
  })

  it("sums up all lanes, however few it shows, and gives back those that it does not", () => {
    const count = 5000
    const spare: Array<Timeline.Ended> = []
    const collector = Timeline.collect({ title: "t", words, categories, most: 30, spare: (lane) => spare.push(lane) })
    for (let index = 0; index < count; index++)
      collector.add({ ...lane(index, index % 7), end: index % 100 === 0 ? "failed" : "ok" })
    const { lanes, totals, leftOut } = collector.result(0, 2 * count)
    assert.isAtMost(lanes.length, 30)
    assert.strictEqual(new Set([...spare.map(({ name }) => name()), ...lanes.map(({ name }) => name)]).size, count)
    assert.deepStrictEqual(leftOut, { lanes: count - lanes.length, spans: 0, ungrouped: 0 })
    assert.strictEqual(spare.length, leftOut.lanes)
    const work = Array.from({ length: count }, (_, index) => index % 7).reduce((total, ms) => total + ms, 0)
    assert.deepStrictEqual(totals, [{ group: "a", lanes: count, failed: 50, times: { wait: count, work } }])
  })

  it("sums up groups beyond the bound as others, and loses no time", () => {
    const collector = Timeline.collect({ title: "t", words, categories, groups: 2 })
    for (const [index, group] of ["a", "b", "c", "a", "d"].entries()) collector.add(lane(index, 10 * index, group))
    const { totals, leftOut } = collector.result(0, 100)
    assert.deepStrictEqual(
      totals.map(({ group, lanes, times }) => [group, lanes, sum(times)]),
      [
        ["d", 1, 41],
        ["a", 2, 32],
        [Timeline.others, 2, 32]
      ]
    )
    assert.strictEqual(leftOut.ungrouped, 2)
  })

  it("keeps the groups with most time of any number of them, in bounded memory", () => {
    const collector = Timeline.collect({ title: "t", words, categories, groups: 10 })
    let spent = 0
    const add = (group: string, ms: number) => {
      collector.add(lane(0, ms, group))
      spent += 1 + ms
    }
    for (let index = 0; index < 5000; index++) {
      add(`small ${index}`, 1)
      if (index % 10 === 0) add(`large ${index % 50}`, 1000)
    }
    const { totals, leftOut } = collector.result(0, 100)
    assert.strictEqual(totals.length, 11)
    assert.deepStrictEqual(
      totals.slice(0, 5).map(({ group, lanes }) => [group, lanes]),
      [0, 10, 20, 30, 40].map((index) => [`large ${index}`, 100])
    )
    assert.strictEqual(
      totals.reduce((total, { times }) => total + sum(times), 0),
      spent
    )
    assert.strictEqual(totals.at(-1)!.lanes, leftOut.ungrouped)
    assert.deepStrictEqual(collector.result(0, 100).totals, totals)
  })

  it("spreads over many bins as over few, however it is coarsened meanwhile", () => {
    const collector = Timeline.collect({ title: "t", words, categories })
    collector.spread(1, 10.25, 500.75, 490.5)
    collector.spread(1, 100, 900, 1600)
    const { binMs, counts } = collector.result(0, 1000).overview
    const at = (ms: number) => counts[1]![Math.floor(ms / binMs)]!
    assert.deepStrictEqual([binMs, at(50), at(200), at(600), at(950)], [2, 1, 3, 2, 0])
    assert.deepStrictEqual(at(10.5), 1.75 / 2)
    assert.approximately(
      counts[1]!.reduce((total, count) => total + count * binMs, 0),
      2090.5,
      1e-9
    )
  })

  it("draws the overview in bounded memory, with every millisecond in it", () => {
    const collector = Timeline.collect({ title: "t", words, categories })
    let spent = 0
    for (let startMs = 0; startMs < 3_600_000; startMs += 997) {
      collector.spread(1, startMs, startMs + 1500, 750)
      spent += 750
    }
    const { binMs, counts } = collector.result(0, 3_601_500).overview
    assert.isAtMost(counts[1]!.length, 512)
    assert.isAtLeast(binMs * counts[1]!.length, 3_601_500)
    assert.approximately(
      counts[1]!.reduce((total, count) => total + count * binMs, 0),
      spent,
      1e-3
    )
    assert.approximately(counts[1]![100]!, 750 / 997, 0.05)
    assert.deepStrictEqual(
      counts[0]!.filter((count) => count > 0),
      []
    )
  })
})
