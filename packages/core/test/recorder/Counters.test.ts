import { assert, describe, it } from "@effect/vitest"
import { Counters } from "../../src/recorder/Counters.ts"
import { counters as names, EventRing } from "../../src/recorder/EventRing.ts"

const make = (loop?: { readonly delayMs: number; readonly utilisation: number }) => {
  const ring = new EventRing(64)
  let asked = 0
  const probe = loop && {
    sample: () => {
      asked++
      return loop
    }
  }
  const counters = new Counters({ ring, live: () => 7, loop: probe, sampleMs: 50 })
  const sampled = () => [...ring.events()].map(({ atMs, id, value }) => [atMs, names[id], value])
  return { counters, sampled, asked: () => asked }
}

describe("Counters", () => {
  it("tell how many are ready, now and at most, and how long they were", () => {
    const { counters } = make()
    for (const atMs of [0, 1, 2]) counters.schedule(atMs)
    for (const delayMs of [3, 5]) counters.begin(delayMs)
    counters.schedule(9)
    const { ready, mostReady, scheduled, delays } = counters
    assert.deepStrictEqual([ready, mostReady, scheduled, delays.most], [2, 3, 4, 5])
  })

  it("are sampled when a task is scheduled, so far apart at least, with the most that were ready between", () => {
    const { counters, sampled } = make()
    counters.schedule(0)
    counters.schedule(10)
    counters.begin(10)
    counters.begin(10)
    counters.schedule(49)
    counters.schedule(50)
    assert.deepStrictEqual(sampled(), [
      [0, "most ready", 1],
      [0, "live fibers", 7],
      [50, "most ready", 2],
      [50, "live fibers", 7]
    ])
  })

  it("ask what the event loop did with each sample, and without any when they are asked", () => {
    const idle = make({ delayMs: 1, utilisation: 0.5 })
    assert.deepStrictEqual(idle.counters.loop, { delayMs: 1, utilisation: 0.5 })
    assert.strictEqual(idle.asked(), 1)
    const { counters, sampled, asked } = make({ delayMs: 1, utilisation: 0.5 })
    counters.schedule(0)
    assert.deepStrictEqual(sampled().slice(2), [
      [0, "loop delay ms", 1],
      [0, "loop utilisation", 0.5]
    ])
    assert.deepStrictEqual(counters.loop, { delayMs: 1, utilisation: 0.5 })
    assert.strictEqual(asked(), 1)
    assert.isUndefined(make().counters.loop)
  })
})
