import { assert, describe, it } from "@effect/vitest"
import { StatusError } from "../../src/FetchError.ts"
import { causes, indexOf } from "../../src/recorder/Cause.ts"
import { holds, noSums, type Sums } from "../../src/recorder/Gate.ts"
import type { Track } from "../../src/recorder/Track.ts"
import { Tracks } from "../../src/recorder/Tracks.ts"

const none = noSums
const held = (ms: Partial<Record<(typeof holds)[number], number>>): Sums =>
  Float64Array.from(holds, (hold) => ms[hold] ?? 0)
const timesOf = (track: Track) => {
  const sums = new Float64Array(causes.length)
  track.times(sums)
  return Array.from(sums)
}
const named = (track: Track) =>
  Object.fromEntries(timesOf(track).flatMap((ms, index) => (ms > 0 ? [[causes[index]!, ms]] : [])))
/** What it tells of when its time passed. */
const spreadOf = (track: Track) => {
  const spread: Record<string, number> = {}
  track.times(new Float64Array(causes.length), (cause, _from, _to, ms) => {
    spread[causes[cause]!] = (spread[causes[cause]!] ?? 0) + ms
  })
  return spread
}
const make = () => {
  const tracks = new Tracks(() => {})
  const begin = () => tracks.begin("http://h/", "http://h", 100, none)
  return { tracks, begin, track: begin() }
}

describe("Track", () => {
  it("charges a wait as its host was held back, and the rest to the queue", () => {
    const { track } = make()
    track.leaveQueue(indexOf.line, 150, held({ delay: 30, slot: 12 }))
    const spans = track.finish(151, {}).spans(3)
    assert.deepStrictEqual(named(track), { queue: 8, delay: 30, slot: 12, line: 1 })
    assert.deepStrictEqual(spans[0], {
      lane: 3,
      name: "delay",
      category: "delay",
      startMs: 100,
      endMs: 150,
      arguments: { "queue ms": 8, "delay ms": 30, "slot ms": 12 }
    })
    // its host has spread the wait
    assert.deepStrictEqual(spreadOf(track), { line: 1 })
  })

  it("never charges more wait than there was, for the host's clock is not its own", () => {
    const { track } = make()
    track.leaveQueue(indexOf.line, 110, held({ "retry-after": 9, delay: 9, slot: 9 }))
    assert.deepStrictEqual(named(track.finish(110, {})), { "retry-after": 9, delay: 1 })
  })

  it("draws a phase as one span, and knows what else went on in it", () => {
    const { track } = make()
    track.leaveQueue(indexOf.connection, 100, none)
    track.enter(indexOf.body, 110)
    track.charge(indexOf.disk, 112)
    track.charge(indexOf.body, 113)
    track.charge(indexOf.held, 120)
    track.charge(indexOf.body, 150)
    track.enter(indexOf.commit, 151)
    const spans = track.finish(160, {}).spans(0)
    const expected = { commit: 9, connection: 10, body: 10, held: 30, disk: 1 }
    assert.deepStrictEqual(named(track), expected)
    assert.deepStrictEqual(spreadOf(track), expected)
    assert.deepStrictEqual(
      spans.map(({ name, startMs, endMs }) => [name, startMs, endMs]),
      [
        ["connection", 100, 110],
        ["body", 110, 151],
        ["commit", 151, 160]
      ]
    )
    assert.deepStrictEqual(spans[1]!.arguments, { "body ms": 10, "held ms": 30, "disk ms": 1 })
  })

  it("says how it ended", () => {
    const endOf = (about: Parameters<Track["finish"]>[1]) => make().track.finish(101, about).end
    const about = { url: "http://h/", attempts: 1, durationMs: 1 }
    assert.strictEqual(endOf({ _tag: "Saved", ...about, path: "h/index.html", bytes: 1 }), "ok")
    assert.strictEqual(endOf({ _tag: "Failed", ...about, error: new StatusError({ status: 404 }) }), "failed")
    assert.strictEqual(endOf({ outcome: "waits for another attempt", attempts: 1 }), "failed")
    assert.strictEqual(endOf({ outcome: "not begun" }), "interrupted")
  })

  it("adds up to its length, whatever is called when", () => {
    let seed = 42
    const random = (below: number) => {
      seed = (seed * 48_271) % 0x7fffffff
      return seed % below
    }
    const { tracks, begin } = make()
    for (let run = 0; run < 200; run++) {
      // most are used again
      const track = begin()
      let atMs = 100
      let sums: Sums = none
      for (let step = 0; step < 40; step++) {
        atMs += random(3) / 7
        const cause = random(causes.length)
        switch (random(4)) {
          case 0:
            track.charge(cause, atMs)
            break
          case 1:
            track.enter(cause, atMs)
            break
          case 2:
            track.queue("http://h", atMs, sums)
            break
          default:
            sums = sums.map((ms) => ms + random(2))
            if (track.phase === indexOf.queue) track.leaveQueue(cause, atMs, sums)
        }
      }
      const lane = track.finish(atMs, {})
      const { startMs, endMs } = lane
      const times = timesOf(track)
      assert.approximately(
        times.reduce((sum, ms) => sum + ms, 0),
        endMs - startMs,
        1e-9
      )
      assert.isTrue(times.every((ms) => ms >= 0))
      let lastMs = startMs
      for (const span of lane.spans(0)) {
        assert.strictEqual(span.startMs, lastMs)
        lastMs = span.endMs
      }
      assert.strictEqual(lastMs, endMs)
      if (run % 3 > 0) tracks.giveBack(track)
    }
  })

  it("keeps a bounded number of spans and counts the others", () => {
    const { track } = make()
    for (let step = 1; step <= 1000; step++) track.enter(step % 2 === 0 ? indexOf.body : indexOf.connection, 100 + step)
    const lane = track.finish(1100, {})
    const { spansLeftOut } = lane
    const spans = lane.spans(0)
    assert.strictEqual(spans.length + spansLeftOut, 1000)
    assert.isAtMost(spans.length, 100)
    assert.strictEqual(
      timesOf(track).reduce((sum, ms) => sum + ms, 0),
      1000
    )
  })
})
