import { assert, describe, it } from "@effect/vitest"
import { period, StallClock } from "../../src/session/StallClock.ts"
import type { Watched } from "../../src/session/StallClock.ts"

const watcher = (hear: (tick: number, now: number) => void = () => {}, stop: () => void = () => {}): Watched => ({
  slot: -1,
  onTick: hear,
  onStop: stop
})

describe("StallClock", () => {
  it("ticks each watched thing once, with the time of its clock", () => {
    let now = 0
    const clock = new StallClock(10, () => now)
    const heard: Array<string> = []
    const a = watcher((tick, at) => heard.push(`a${tick}@${at}`))
    const b = watcher((tick, at) => heard.push(`b${tick}@${at}`))
    clock.watch(a)
    clock.watch(b)
    now = 7
    clock.sweep()
    assert.deepStrictEqual(heard.toSorted(), ["a1@7", "b1@7"])
    clock.stop()
  })

  it("forgets what unwatches itself, and what another one unwatches, in the middle of a sweep", () => {
    const clock = new StallClock(10, () => 0)
    const heard: Array<string> = []
    const all: Array<Watched> = Array.from({ length: 6 }, (_, i) =>
      watcher(() => {
        heard.push(`${i}`)
        clock.unwatch(all[i] as Watched)
        if (i === 4) clock.unwatch(all[1] as Watched)
      })
    )
    for (const one of all) clock.watch(one)
    clock.sweep()
    assert.deepStrictEqual([...new Set(heard)].toSorted(), ["0", "2", "3", "4", "5"])
    assert.deepStrictEqual(
      all.map(({ slot }) => slot),
      [-1, -1, -1, -1, -1, -1]
    )
    heard.length = 0
    clock.sweep()
    assert.deepStrictEqual(heard, [])
    clock.stop()
  })

  it("does not tick in the same sweep what was watched during it", () => {
    const clock = new StallClock(10, () => 0)
    let late = 0
    const first = watcher(() => {
      clock.unwatch(first)
      clock.watch(watcher(() => late++))
    })
    clock.watch(first)
    clock.sweep()
    assert.strictEqual(late, 0)
    clock.sweep()
    assert.strictEqual(late, 1)
    clock.stop()
  })

  it("counts at least the asked time in ticks", () => {
    const clock = new StallClock(250)
    assert.strictEqual(clock.ticks(1000), 4)
    assert.strictEqual(clock.ticks(1001), 5)
    assert.strictEqual(clock.ticks(1), 1)
  })

  it("is as fine as a twentieth of the shortest bound, and never coarser than a quarter of a second", () => {
    assert.strictEqual(period(30_000), 250)
    assert.strictEqual(period(1_000), 50)
    assert.strictEqual(period(1), 5)
  })

  it("tells everything watched when it stops, and starts no timer afterwards", () => {
    const clock = new StallClock(10)
    const stopped: Array<string> = []
    const one = watcher(
      () => {},
      () => {
        clock.unwatch(one)
        stopped.push("one")
      }
    )
    clock.watch(one)
    clock.watch(
      watcher(
        () => {},
        () => stopped.push("two")
      )
    )
    clock.stop()
    assert.deepStrictEqual(stopped.toSorted(), ["one", "two"])
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    clock.watch(watcher())
    assert.strictEqual(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length, before)
  })

  it("keeps the process alive only while something is watched", () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    const before = timers()
    const clock = new StallClock(1000)
    const one = watcher()
    clock.watch(one)
    assert.strictEqual(timers(), before + 1)
    clock.unwatch(one)
    assert.strictEqual(timers(), before)
    clock.watch(one)
    assert.strictEqual(timers(), before + 1)
    clock.unwatch(one)
    clock.stop()
  })
})
