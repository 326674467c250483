import { assert, describe, it } from "@effect/vitest"
import * as Politeness from "../src/Politeness.ts"
import type { Target } from "../src/Target.ts"

const target = (host: string, index = 0): Target => ({ url: `${host}/${index}`, host, path: "", attempts: 0 })
const make = (options: Partial<Politeness.PolitenessOptions> = {}) =>
  Politeness.make({
    perHost: 2,
    delayMs: 0,
    strikes: 2,
    robots: true,
    backoff: { baseMs: 1000, random: () => 0.5 },
    ...options
  })
const clock: Politeness.HostClock = {
  host: "a",
  nextMs: 0,
  pausedMs: 0,
  asked: false,
  strikes: 0,
  fault: "",
  delayMs: 0,
  crawlDelayMs: 0
}
const fill = (politeness: Politeness.Politeness, host: string, count: number) => {
  for (let index = 0; index < count; index++) politeness.add(target(host, index))
}

describe("Politeness", () => {
  it("gives a host no more slots than allowed, and each again when it is given back", () => {
    const politeness = make()
    fill(politeness, "a", 3)
    const first = politeness.take(0)!
    assert.isDefined(politeness.take(0))
    assert.isUndefined(politeness.take(0))
    politeness.release(first.target, 0, "answered")
    assert.strictEqual(politeness.take(0)!.target.url, "a/2")
  })

  it("sends nobody without a turn to a host that has a delay, waits, or is tried, met before or not", () => {
    const adaptive = { target: 1, maxMs: 1000 }
    assert.isFalse(make().keepsApart("a", 0))
    assert.isTrue(make({ delayMs: 1 }).keepsApart("a", 0))
    assert.isTrue(make({ adaptive }).keepsApart("a", 0))
    const after = (known: Partial<Politeness.HostClock>, nowMs: number) => {
      const politeness = make()
      politeness.restore([{ ...clock, ...known }], 0)
      return politeness.keepsApart("a", nowMs)
    }
    assert.isTrue(after({ delayMs: 5, crawlDelayMs: 5 }, 100))
    assert.isTrue(after({ pausedMs: 50, asked: true }, 49))
    assert.isFalse(after({ pausedMs: 50, asked: true }, 50))
    assert.isTrue(after({ strikes: 1 }, 100))
  })

  it("names the host that asked to be left alone longest, while that is long", () => {
    const politeness = make()
    const pause = (host: string, verdict: Politeness.Verdict) => {
      politeness.add(target(host))
      politeness.release(politeness.take(0)!.target, 0, verdict)
    }
    politeness.restore([{ ...clock, host: "restored", pausedMs: 90_000, asked: true }], 0)
    assert.deepStrictEqual(politeness.leftAlone(0), { host: "restored", untilMs: 90_000 })
    pause("at fault", { fault: "x" })
    pause("long", { pauseMs: 200_000 })
    pause("short", { pauseMs: 100_000 })
    assert.deepStrictEqual(politeness.leftAlone(139_999), { host: "long", untilMs: 200_000 })
    assert.isUndefined(politeness.leftAlone(140_000), "a minute is waited for")
  })

  it("names the host that asked for the next longest pause, where one is given up for an answer under way", () => {
    const politeness = make({ perHost: 2 })
    fill(politeness, "long", 2)
    const [one, other] = [politeness.take(0)!.target, politeness.take(0)!.target]
    politeness.add(target("short"))
    const short = politeness.take(0)!.target
    politeness.release(one, 0, { fault: "x", pauseMs: 200_000 })
    politeness.release(short, 0, { pauseMs: 100_000 })
    assert.deepStrictEqual(politeness.leftAlone(0), { host: "long", untilMs: 200_000 })
    politeness.release(other, 0, "answered")
    assert.deepStrictEqual(politeness.leftAlone(0), { host: "short", untilMs: 100_000 })
  })

  it("lets hosts take turns, so that a long queue does not starve a short one", () => {
    const politeness = make({ perHost: 100 })
    fill(politeness, "a", 10)
    fill(politeness, "b", 2)
    const order = Array.from({ length: 4 }, () => politeness.take(0)!.target.host)
    assert.deepStrictEqual(order, ["a", "b", "a", "b"])
  })

  it("keeps the delay between two starts", () => {
    const politeness = make({ delayMs: 100 })
    fill(politeness, "a", 2)
    assert.isDefined(politeness.take(1000))
    assert.isUndefined(politeness.take(1099))
    assert.strictEqual(politeness.wakeMs(), 1100)
    assert.isDefined(politeness.take(1100))
  })

  it("pauses the whole host for as long as it asked, a day at the most", () => {
    const politeness = make()
    fill(politeness, "a", 2)
    politeness.release(politeness.take(0)!.target, 0, { pauseMs: 5000 })
    assert.isUndefined(politeness.take(4999))
    politeness.release(politeness.take(5000)!.target, 5000, { pauseMs: 1e12 })
    fill(politeness, "a", 1)
    assert.isUndefined(politeness.take(5000))
    assert.strictEqual(politeness.wakeMs(), 5000 + 86_400_000)
  })

  it("counts faults in a row once a pause, then takes the host for down but for probes", () => {
    const politeness = make({ perHost: 3 })
    fill(politeness, "a", 20)
    let now = 0
    for (let strike = 1; strike <= 3; strike++) {
      // with strikes it is asked for one target at a time
      const taken = [politeness.take(now), politeness.take(now)]
      assert.strictEqual(taken.filter((one) => one !== undefined).length, strike === 1 ? 2 : 1)
      for (const one of taken) if (one !== undefined) politeness.release(one.target, now, { fault: "refused" })
      assert.strictEqual(politeness.changes(now)[0]!.strikes, strike)
      now += 100_000
    }
    // one probe, then the others are let through to be failed at once
    const probe = politeness.take(now)!
    assert.isUndefined(probe.down)
    const failed = politeness.take(now)!
    assert.deepStrictEqual(failed.down, { failures: 3, last: "refused" })
    politeness.release(failed.target, now)
    politeness.release(probe.target, now, "answered")
    assert.isUndefined(politeness.take(now)!.down, "a good answer clears the strikes")
  })

  it("waits for a host that has answered before, five minutes, before it takes it for down", () => {
    const politeness = make()
    fill(politeness, "a", 20)
    politeness.release(politeness.take(0)!.target, 0, "answered")
    let now = 0
    // two retries as with any host, and ten probes more
    for (let failed = 0; failed < 12; failed++) {
      politeness.release(politeness.take(now)!.target, now, { fault: "refused" })
      assert.isUndefined(politeness.take(now), "nobody is let through to be failed")
      now = politeness.wakeMs()
    }
    politeness.release(politeness.take(now)!.target, now, { fault: "refused" })
    assert.isAtLeast(now, 10 * 30_000)
    assert.isDefined(politeness.take(now)!.down)
  })

  it("takes a body that stalls for a fault of the host only where a fault or another stall ended before it", () => {
    const politeness = make()
    fill(politeness, "a", 9)
    let now = 0
    const strikes = (verdict: Politeness.Verdict) => {
      politeness.release(politeness.take(now)!.target, now, verdict)
      now += 100_000
      return politeness.changes(now).at(-1)?.strikes
    }
    const stall = { stall: "no byte" }
    assert.deepStrictEqual(
      [stall, "answered" as const, stall, "answered" as const].map(strikes),
      Array(4).fill(undefined)
    )
    assert.deepStrictEqual([{ fault: "refused" }, stall].map(strikes), [1, 2])
    assert.deepStrictEqual(["answered" as const, stall, stall].map(strikes), [0, undefined, 1])
  })

  it("takes it for a fault of the host that it cannot serve now from the eighth target in a row on", () => {
    const politeness = make({ perHost: 100 })
    fill(politeness, "a", 60)
    const strikes = (verdict: Politeness.Verdict, now = 0) => {
      politeness.release(politeness.take(now)!.target, now, verdict)
      return politeness.changes(now).at(-1)?.strikes ?? 0
    }
    const first = { unavailable: "HTTP 503", isFirst: true }
    const again = { unavailable: "HTTP 503", isFirst: false }
    const seven = Array.from({ length: 7 }, () => first)
    assert.deepStrictEqual(new Set(seven.map((one) => strikes(one))), new Set([0]))
    assert.strictEqual(strikes("answered"), 0)
    assert.deepStrictEqual(new Set(seven.map((one) => strikes(one))), new Set([0]))
    // who has heard it before says nothing new of the host
    for (let time = 0; time < 20; time++) assert.strictEqual(strikes(again), 0)
    assert.strictEqual(strikes(first), 1)
    assert.strictEqual(strikes(again, 100_000), 2)
    assert.strictEqual(strikes("answered", 200_000), 0)
  })

  it("remembers a stall of a host that has nothing queued for the moment", () => {
    const politeness = make()
    for (const paused of [false, true]) {
      politeness.add(target("a"))
      politeness.release(politeness.take(0)!.target, 0, { stall: "no byte" })
      assert.strictEqual((politeness.held("a")?.pausedMs ?? 0) > 0, paused)
    }
  })

  it("keeps the delay before a probe, too, where that is the longer wait", () => {
    const politeness = make({ delayMs: 40_000, strikes: 0 })
    fill(politeness, "a", 2)
    politeness.release(politeness.take(0)!.target, 1000, { fault: "silent" })
    // a probe may come 30 s after the fault
    assert.isDefined(politeness.take(39_999)!.down)
    fill(politeness, "a", 1)
    assert.isUndefined(politeness.take(40_000)!.down)
  })

  it("obeys clocks of an earlier run", () => {
    const politeness = make()
    politeness.restore([{ ...clock, pausedMs: 500 }], 0)
    fill(politeness, "a", 1)
    assert.isUndefined(politeness.take(499))
    assert.isDefined(politeness.take(500))
  })

  it("believes no wait of an earlier run that is longer than such waits are: the clock was set back since", () => {
    const hour = 3_600_000
    const wakesAt = (earlier: Partial<Politeness.HostClock>) => {
      const politeness = make()
      politeness.restore([{ ...clock, ...earlier }], 0)
      fill(politeness, "a", 1)
      assert.isUndefined(politeness.take(0))
      return politeness.wakeMs()
    }
    assert.strictEqual(wakesAt({ pausedMs: hour, asked: false }), 60_000)
    assert.strictEqual(wakesAt({ nextMs: hour, delayMs: 2000 }), 2000)
    // what a host asks for itself may be as long
    assert.strictEqual(wakesAt({ pausedMs: hour, asked: true }), hour)
  })

  it("keeps the delay that a host asked an earlier run for, from the first request on", () => {
    const politeness = make()
    politeness.restore([{ ...clock, nextMs: 700, delayMs: 1000, crawlDelayMs: 1000 }], 600)
    fill(politeness, "a", 2)
    assert.isUndefined(politeness.take(699))
    assert.isDefined(politeness.take(700))
    assert.isUndefined(politeness.take(1699))
    assert.isDefined(politeness.take(1700))
    politeness.setDelay("a", 0, 0)
    assert.strictEqual(politeness.changes(2000)[0]!.crawlDelayMs, 0)
    const deaf = make({ robots: false })
    deaf.restore([{ ...clock, delayMs: 1000, crawlDelayMs: 1000 }], 600)
    assert.strictEqual(deaf.crawlDelay("a"), 0, "not where robots.txt does not count")
  })

  it("asks a host whose delay adapts for one target until it knows how fast it is, then about so many at once", () => {
    const adaptive = { target: 2, maxMs: 60_000 }
    const politeness = make({ perHost: 6, adaptive })
    fill(politeness, "a", 9)
    const first = politeness.take(0)!
    assert.isUndefined(politeness.take(0))
    politeness.answered("a", 1, false)
    politeness.release(first.target, 1, "answered")
    const second = politeness.take(1)!
    assert.isUndefined(politeness.take(1), "an error does not tell how fast it is")
    politeness.answered("a", 400, true)
    politeness.release(second.target, 401, "answered")
    assert.isDefined(politeness.take(401))
    assert.isUndefined(politeness.take(600))
    assert.isDefined(politeness.take(601))
    const clocks = politeness.changes(601)
    assert.strictEqual(clocks[0]!.learnedMs, 200)

    const later = make({ perHost: 6, adaptive })
    later.restore(clocks, 700)
    fill(later, "a", 2)
    assert.isUndefined(later.take(800))
    assert.isDefined(later.take(801))
    assert.isUndefined(later.take(1000))
    assert.isDefined(later.take(1001), "two at once")
    const fixed = make()
    fixed.restore(clocks, 2000)
    fill(fixed, "a", 2)
    assert.isDefined(fixed.take(2000))
    assert.isDefined(fixed.take(2000), "without adaptive what was learned does not count")
  })

  it("tries a host that was down in an earlier run with one request at once, and then takes it for down", () => {
    const earlier = make()
    fill(earlier, "a", 10)
    for (let now = 0; now < 300_000; now += 100_000)
      earlier.release(earlier.take(now)!.target, now, { fault: "refused" })
    const clocks = earlier.changes(300_000)
    assert.deepStrictEqual([clocks[0]!.strikes, clocks[0]!.pausedMs, clocks[0]!.fault], [3, 230_000, "refused"])

    const politeness = make()
    politeness.restore(clocks, 210_000)
    fill(politeness, "a", 3)
    const probe = politeness.take(210_000)!
    assert.isUndefined(probe.down)
    assert.isUndefined(politeness.take(230_000))
    politeness.release(probe.target, 230_000, { fault: "still refused" })
    assert.deepStrictEqual(politeness.take(230_000)!.down, { failures: 3, last: "still refused" })
    // not where it asked for that pause, nor where it was not down yet
    for (const change of [{ asked: true }, { strikes: 2 }]) {
      const patient = make()
      patient.restore([{ ...clocks[0]!, ...change }], 210_000)
      fill(patient, "a", 1)
      assert.isUndefined(patient.take(210_000))
    }

    const nextDay = make()
    nextDay.restore(clocks, 86_400_000)
    fill(nextDay, "a", 2)
    assert.isDefined(nextDay.take(86_400_000))
    assert.isDefined(nextDay.take(86_400_000), "strikes of yesterday are forgotten")
  })

  it("takes targets out of their queues, and keeps the order of the others", () => {
    const politeness = make({ perHost: 100 })
    for (const host of ["a", "b"]) fill(politeness, host, 200)
    for (let index = 0; index < 150; index++) politeness.take(0)
    const isOut = ({ url }: Target) => /[13579]$/.test(url)
    const out = politeness.withdraw(isOut)
    assert.strictEqual(out.length, 126)
    assert.isTrue(out.every(isOut))
    assert.strictEqual(politeness.queued(), 124)
    const left: Array<string> = []
    for (let taken = politeness.take(0); taken !== undefined; taken = politeness.take(0)) {
      left.push(taken.target.url)
      politeness.release(taken.target, 0, "answered")
    }
    assert.deepStrictEqual(
      left.filter((url) => url.startsWith("a/")),
      Array.from({ length: 200 }, (_, index) => `a/${index}`)
        .slice(75)
        .filter((url) => !/[13579]$/.test(url))
    )
    assert.strictEqual(politeness.queued(), 0)
  })

  /** Asks hosts for one target each, which ends so. */
  const ask = (
    politeness: Politeness.Politeness,
    from: number,
    to: number,
    nowMs: number,
    said: Politeness.Verdict
  ) => {
    for (let index = from; index < to; index++) {
      politeness.add(target(`h${index}`))
      politeness.release(politeness.take(nowMs)!.target, nowMs, said)
    }
  }
  const isKnown = (politeness: Politeness.Politeness, index: number) => politeness.held(`h${index}`) !== undefined

  it("puts off what comes to a host whose turn is far off, one after the other", () => {
    const paused = make()
    paused.restore([{ ...clock, pausedMs: 60_000, asked: true }], 0)
    assert.isUndefined(paused.putOff(target("a"), 0), "one brings others, when its turn comes")
    assert.deepStrictEqual(
      ["a", "b"].map((host) => paused.room(host, 0)),
      [1, Infinity]
    )
    fill(paused, "a", 1)
    const times = Array.from({ length: 201 }, () => paused.putOff(target("a"), 0)!)
    assert.deepStrictEqual([times[0], times[1], times[200]], [60_000, 60_100, 60_200])
    assert.isUndefined(paused.putOff(target("a"), 50_001), "that is soon")
    assert.isUndefined(paused.putOff(target("b"), 0))
    const apart = make({ delayMs: 1000 })
    fill(apart, "a", 9)
    assert.isUndefined(apart.putOff(target("a"), 0))
    fill(apart, "a", 1)
    assert.deepStrictEqual([apart.putOff(target("a"), 0), apart.putOff(target("a"), 0)], [10_000, 11_000])
    const down = make()
    down.restore([{ ...clock, strikes: 9 }], 0)
    fill(down, "a", 3)
    down.release(down.take(0)!.target, 0, { fault: "x" })
    assert.isUndefined(down.putOff(target("a"), 1), "its targets fail at once")
  })

  it("has room in a crawl for the turns of three seconds, at a host that was not asked yet too", () => {
    const apart = make({ delayMs: 1000 })
    assert.strictEqual(apart.room("a", 0), 3)
    fill(apart, "a", 3)
    apart.take(0)
    assert.deepStrictEqual(
      [0, 1000, 5000].map((nowMs) => apart.room("a", nowMs)),
      [2, 3, 3]
    )
  })

  it("takes out of a queue what waits for a turn that is far off by now", () => {
    const politeness = make()
    fill(politeness, "a", 5)
    politeness.release(politeness.take(0)!.target, 0, { pauseMs: 20_000 })
    assert.isFalse(politeness.hasFar(), "nobody has asked for it")
    assert.isUndefined(politeness.take(0))
    assert.isTrue(politeness.hasFar())
    assert.deepStrictEqual(
      politeness.shed(0).map(([{ url }, dueMs]) => [url, dueMs]),
      [
        ["a/2", 20_000],
        ["a/3", 20_100],
        ["a/4", 20_100]
      ]
    )
    assert.isFalse(politeness.hasFar())
    assert.strictEqual(politeness.queued(), 1)
    assert.strictEqual(politeness.take(20_000)!.target.url, "a/1")
  })

  it("leaves the oldest idle hosts to the store where they are many, and asks it for them again", () => {
    const politeness = make({ delayMs: 10 })
    const origins = Array.from({ length: 40_000 }, (_, index) => `h${index}`)
    assert.strictEqual(politeness.meet([...origins, ...origins]).length, origins.length)
    ask(politeness, 0, 30_000, 0, { fault: "x" })
    const first = politeness.changes(0).find(({ host }) => host === "h0")!
    assert.strictEqual(first.strikes, 1)
    assert.isTrue(isKnown(politeness, 0), "it is not committed yet")
    ask(politeness, 30_000, 40_000, 0, { fault: "x" })
    politeness.changes(0)
    assert.deepStrictEqual(
      [0, 19_999, 20_000, 39_999].map((index) => isKnown(politeness, index)),
      [false, false, true, true]
    )
    assert.deepStrictEqual(politeness.meet(["h0", "h20000"]), ["h0"])
    politeness.restore([first], 0)
    assert.deepStrictEqual(politeness.held("h0"), { nextMs: 10, pausedMs: 500, asked: false, isFull: false })
  })

  it("forgets hosts once their delay has passed, without a word to the store", () => {
    const politeness = make({ delayMs: 10 })
    politeness.meet(["h0"])
    ask(politeness, 0, 1000, 0, "answered")
    politeness.changes(5)
    assert.isTrue(isKnown(politeness, 0))
    ask(politeness, 1000, 2000, 10, "answered")
    politeness.changes(10)
    assert.deepStrictEqual(
      [0, 999, 1000].map((index) => isKnown(politeness, index)),
      [false, false, true]
    )
    assert.deepStrictEqual(politeness.meet(["h0"]), [])
  })

  it("loses no target and never breaks a bound, in any order of events (seeded)", () => {
    for (let seed = 1; seed <= 200; seed++) {
      let state = seed
      const random = (below: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0
        return (state >>> 8) % below
      }
      const politeness = make({ perHost: 1 + random(3), delayMs: random(2) * 10, strikes: 1 + random(3) })
      const inFlight: Array<Target> = []
      let added = 0
      let taken = 0
      let now = 0
      for (let step = 0; step < 300; step++) {
        switch (random(4)) {
          case 0:
            politeness.add(target(`h${random(4)}`, added++))
            break
          case 1: {
            const admission = politeness.take(now)
            if (admission === undefined) break
            taken++
            inFlight.push(admission.target)
            break
          }
          case 2: {
            const [one] = inFlight.splice(random(inFlight.length || 1), 1)
            const verdicts = ["answered", { fault: "x" }, { stall: "x" }, { pauseMs: 50 }, undefined] as const
            if (one !== undefined) politeness.release(one, now, verdicts[random(5)])
            break
          }
          default:
            now += random(40)
        }
        assert.strictEqual(politeness.queued(), added - taken, `seed ${seed}`)
      }
      for (const one of inFlight) politeness.release(one, now, "answered")
      for (let round = 0; politeness.queued() > 0; round++) {
        assert.isBelow(round, 10_000, `seed ${seed}: it goes on to the end`)
        const admission = politeness.take(now)
        if (admission === undefined) {
          assert.isTrue(politeness.wakeMs() > now && politeness.wakeMs() < Infinity, `seed ${seed}: a time to wake`)
          now = politeness.wakeMs()
        } else politeness.release(admission.target, now, "answered")
      }
    }
  })
})
