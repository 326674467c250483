import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, it, vi } from "@effect/vitest"
import type { Lane, Timeline } from "@simul/core/Timeline"
import * as Effect from "effect/Effect"
import * as Get from "../../src/Get.ts"
import type { Options } from "../../src/Options.ts"
import * as Politeness from "../../src/Politeness.ts"
import * as Recorder from "../../src/Recorder.ts"
import * as TargetRecorder from "../../src/recorder/TargetRecorder.ts"
import type { Settled, Store } from "../../src/Store.ts"
import type { Target } from "../../src/Target.ts"
import { Site } from "../../src/testing/index.ts"
import * as Folders from "../Folders.ts"
import * as Idle from "../Idle.ts"

const { folder } = Folders.make("recorder")
let site: Site.Site
beforeAll(async () => {
  site = await Site.start()
})
afterAll(async () => {
  await site.close()
})

/** Runs the paths to their end, or as long as `until` says. */
const record = async (paths: ReadonlyArray<string>, options: Partial<Options> = {}, until = (_: number) => true) => {
  const recorder = TargetRecorder.make({ title: "a run", robots: options.robots ?? false })
  const outcomes: Array<string> = []
  for await (const outcome of Get.get(
    paths.map((path) => site.url(path)),
    { directory: folder(), backoffMs: 1, recorder, ...options }
  )) {
    outcomes.push(outcome._tag)
    if (!until(outcomes.length)) break
  }
  return { timeline: recorder.timeline(), outcomes }
}
/** A recorder, and what it hears of the line: a host with one slot, and a store. `committing`: what happens meanwhile. */
const stages = (committing: (politeness: Politeness.Politeness) => void = () => {}) => {
  const recorder = TargetRecorder.make({ title: "a run", robots: false })
  const politeness = recorder.politeness(Politeness.make({ ...Idle.politeness, perHost: 1 }))
  const stage: Partial<Store["Service"]> = {
    commit: () =>
      Effect.sync(() => {
        committing(politeness)
        return { added: 0, isNearer: false }
      })
  }
  const store = recorder.store(stage as Store["Service"])
  return {
    recorder,
    politeness,
    /** Has targets wait in the store. */
    park: (...parked: ReadonlyArray<readonly [target: Target, dueMs: number]>) => {
      const waiting = parked.map(([target, dueMs]) => ({ target, dueMs, leased: false }))
      Effect.runSync(store.commit({ list: 1, settled: [], waiting, hosts: [] }))
    },
    settle: (...settled: ReadonlyArray<Settled>) =>
      void Effect.runSync(store.commit({ list: 1, settled, waiting: [], hosts: [] })),
    /** Asks the host for one target, which is told to come back in twelve seconds; those behind it wait for that. */
    pause: (target: Target) => {
      politeness.add(target)
      assert.strictEqual(politeness.take(Date.now())?.target, target)
      politeness.release(target, Date.now(), { pauseMs: 12_000 })
    }
  }
}
const targetOf = (name: string): Target => {
  return { url: `http://h.test/${name}`, host: "http://h.test", path: name, attempts: 0 }
}
const leftOut = (target: Target): Settled => {
  const error = { reason: "Excluded", message: "the rules leave it out" } as const
  return { target, outcome: { _tag: "Refused", url: target.url, attempts: 1, durationMs: 1, error }, isExcluded: true }
}
const laneOf = ({ lanes }: Timeline, path: string): Lane => {
  const lane = lanes.find(({ name }) => name === site.url(path))
  assert.isDefined(lane, path)
  return lane
}
const sum = (times: Lane["times"]) => Object.values(times).reduce((total, ms) => total + ms, 0)
const drawnOf = ({ overview }: Timeline) =>
  overview.binMs * overview.counts.flat().reduce((total, one) => total + one, 0)
const assertAddsUp = (timeline: Timeline) => {
  const { lanes, spans, totals } = timeline
  for (const [index, { name, times, startMs, endMs }] of lanes.entries()) {
    assert.approximately(sum(times), endMs - startMs, 1e-6, name)
    let lastMs = startMs
    for (const span of spans.filter(({ lane }) => lane === index)) {
      assert.strictEqual(span.startMs, lastMs, name)
      lastMs = span.endMs
    }
    assert.strictEqual(lastMs, endMs, name)
  }
  const all = lanes.reduce((total, { times }) => total + sum(times), 0)
  assert.approximately(
    totals.reduce((total, { times }) => total + sum(times), 0),
    all,
    1e-6
  )
  // the host's clock stands in for those of its targets, event by event
  assert.approximately(drawnOf(timeline), all, Math.max(1, all / 100))
}

describe("TargetRecorder", () => {
  it("gives every millisecond of every target to a cause", async () => {
    const paths = [
      "/bytes/10240/a.html",
      "/chunked/200000/b.bin",
      "/encoded/gzip/50000/c.html",
      "/encoded/br/900000/d.html",
      "/slow/30/bytes/100/e.bin",
      "/redirect/3/bytes/1000/f.bin",
      "/flaky/2/503/bytes/1000/g.bin",
      "/status/404/h",
      "/cut-once/900000/400000/i.bin",
      "/bytes/0/j.bin"
    ]
    const { timeline, outcomes } = await record(paths)
    assert.strictEqual(outcomes.length, paths.length)
    assert.deepStrictEqual(
      timeline.lanes.map(({ name }) => name).toSorted(),
      paths.map((path) => site.url(path)).toSorted()
    )
    assertAddsUp(timeline)
    assert.deepStrictEqual(
      timeline.totals.map(({ group, lanes }) => [group, lanes]),
      [[new URL(site.url("/")).origin, paths.length]]
    )
    for (const path of ["/bytes/10240/a.html", "/chunked/200000/b.bin", "/bytes/0/j.bin"])
      assert.containsAllKeys(laneOf(timeline, path).times, ["first byte", "disk", "commit", "line"], path)
    assert.containsAllKeys(laneOf(timeline, "/encoded/gzip/50000/c.html").times, ["decode", "disk"])
    assert.isAtLeast(laneOf(timeline, "/slow/30/bytes/100/e.bin").times["first byte"]!, 29)
    assert.deepInclude(laneOf(timeline, "/bytes/10240/a.html").arguments, {
      outcome: "saved",
      status: 200,
      bytes: 10_240,
      attempts: 1
    })
    assert.deepInclude(laneOf(timeline, "/status/404/h").arguments, { outcome: "failed", status: 404 })
    const again = laneOf(timeline, "/flaky/2/503/bytes/1000/g.bin")
    assert.deepInclude(again.arguments, { outcome: "saved", attempts: 3 })
    assert.isAbove(again.times["retry"]!, 0)
    const names = timeline.spans
      .filter(({ lane }) => timeline.lanes[lane] === again)
      .map(({ name }) => name)
      .filter((name) => name === "first byte" || name === "commit" || name === "retry")
    assert.deepStrictEqual(names, [
      "first byte",
      "commit",
      "retry",
      "first byte",
      "commit",
      "retry",
      "first byte",
      "commit"
    ])
  })

  it("tells apart what a target waits for before it is asked", async () => {
    const paths = Array.from({ length: 4 }, (_, index) => `/slow/20/bytes/10/wait-${index}`)
    const runs = await Promise.all([
      record(paths, { perHost: 1 }),
      record(paths, { jobs: 1 }),
      record(paths, { delayMs: 60 }),
      record(["/retry-after/1/1/503/bytes/100/first", ...paths], { perHost: 1 })
    ])
    const waits = runs.map(({ timeline: { totals, lanes } }) => {
      const { delay = 0, "retry-after": pause = 0, slot = 0 } = totals[0]!.times
      // who was read later than the first one has waited so much less
      const lateMs = lanes.reduce((sum, { startMs }) => sum + startMs - lanes[0]!.startMs, 0)
      return { delay, pause, slot, lateMs }
    })
    const [bySlot, byJobs, byDelay, byPause] = [waits[0]!, waits[1]!, waits[2]!, waits[3]!]
    assert.isAtLeast(bySlot.slot, 20 + 40 + 60 - 5 - bySlot.lateMs)
    assert.deepInclude(bySlot, { delay: 0, pause: 0 })
    assert.deepInclude(byJobs, { delay: 0, pause: 0, slot: 0 })
    assert.isAtLeast(byDelay.delay, 60 + 120 + 180 - 10 - byDelay.lateMs)
    assert.deepInclude(byDelay, { pause: 0, slot: 0 })
    // four targets wait while the host has asked for a second
    assert.isAtLeast(byPause.pause, 4 * 1000 - 50 - byPause.lateMs)
    for (const { timeline } of runs) assertAddsUp(timeline)
  })

  it("leaves no gap and counts nothing twice, whatever befalls a target on its way", async () => {
    const plain = await Site.start()
    const secure = await Site.start({ tls: true })
    const modern = await Site.start({ tls: true, http2: true })
    try {
      // a port that nobody listens on
      const closed = await Site.start()
      await closed.close()
      const named = (origin: string) => origin.replace("127.0.0.1", "localhost")
      const paths = [
        "/bytes/10240/a",
        "/redirect/2/bytes/500/b",
        "/retry-after/1/1/503/bytes/300/c",
        "/flaky/1/500/bytes/300/d",
        "/encoded/gzip/50000/e",
        "/cut-once/900000/400000/f",
        "/status/404/g",
        `/redirect-to?url=${encodeURIComponent(named(secure.url("/bytes/700/h")))}`
      ]
      const urls = [plain, secure, modern]
        .flatMap((site) => paths.map((path) => named(site.url(path))))
        .concat(named(closed.url("/nobody")))
      const recorder = TargetRecorder.make({ title: "a run", robots: false })
      const began = performance.now()
      const run = Get.get(urls, {
        directory: folder(),
        backoffMs: 1,
        retries: 2,
        // the first target of a host makes its connection
        perHost: 1,
        delayMs: 5,
        insecure: true,
        recorder
      })
      const elapsed = new Map<string, { readonly tag: string; readonly ms: number }>()
      for await (const outcome of run) elapsed.set(outcome.url, { tag: outcome._tag, ms: outcome.durationMs })
      const tookMs = performance.now() - began
      const timeline = recorder.timeline()
      assert.strictEqual(timeline.lanes.length, urls.length)
      assertAddsUp(timeline)
      for (const { name, times, startMs, endMs } of timeline.lanes) {
        assert.isAtMost(endMs, tookMs, name)
        assert.isAtLeast(startMs, 0, name)
        // what the outcome knows of its last attempt lies within
        assert.isAtLeast(sum(times), elapsed.get(name)!.ms - 1e-6, name)
      }
      const inAll = (site: Site.Site) =>
        Object.keys(timeline.totals.find(({ group }) => group === new URL(named(site.url("/"))).origin)!.times)
      const waits = ["delay", "retry", "retry-after", "commit"]
      for (const site of [plain, secure, modern])
        assert.includeMembers(inAll(site), [...waits, "dns", "connect", "first byte", "body", "decode", "disk"])
      for (const site of [secure, modern]) assert.include(inAll(site), "tls")
      // each hop is told apart: this one leads from a plain host to one with TLS
      const hops = timeline.lanes.findIndex(({ name }) => name === named(plain.url(paths[7]!)))
      for (const [lane, { name, times }] of timeline.lanes.entries())
        if (lane !== hops && name.startsWith(new URL(named(plain.url("/"))).origin))
          assert.notProperty(times, "tls", name)
      const phases = timeline.spans.filter(({ lane }) => lane === hops).map(({ name }) => name)
      assert.strictEqual(phases.filter((name) => name === "first byte").length, 2, phases.join())
      const refused = timeline.lanes.find(({ name }) => name.endsWith("/nobody"))!.times
      assert.isAbove(refused["connect"]!, 0)
    } finally {
      await Promise.all([plain.close(), secure.close(), modern.close()])
    }
  })

  it("says what waited for robots.txt, and for the delay that it asks for", async () => {
    const body = "User-agent: *\nCrawl-delay: 0.05\n"
    const slow = await Site.start({ files: { "/robots.txt": { headers: { "content-type": "text/plain" }, body } } })
    try {
      const recorder = TargetRecorder.make({ title: "a run", robots: true })
      const urls = [slow.url("/bytes/10/robots-1"), slow.url("/bytes/10/robots-2")]
      for await (const { _tag } of Get.get(urls, { directory: folder(), robots: true, recorder }))
        assert.strictEqual(_tag, "Saved")
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      for (const { times } of timeline.lanes) assert.isAbove(times["robots"]!, 0)
      assert.isAbove(timeline.totals[0]!.times["delay"]!, 0)
    } finally {
      await slow.close()
    }
  })

  it.each([150, 3000])("ends what was interrupted with the run, with a delay of %i ms", async (delayMs) => {
    const paths = ["/bytes/10/quick", "/silent", ...Array.from({ length: 5 }, (_, index) => `/bytes/10/later-${index}`)]
    const { timeline } = await record(paths, { perHost: 2, delayMs, timeoutMs: 60_000 }, () => false)
    assertAddsUp(timeline)
    assert.strictEqual(timeline.lanes.length, paths.length)
    const ended = timeline.lanes.map((lane) => lane.arguments!["outcome"])
    assert.include(ended, "saved")
    assert.include(ended, "not begun")
  })

  describe("with what waits in the store", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["Date", "performance"], now: 1_000_000 })
    })
    afterEach(() => {
      vi.useRealTimers()
    })
    const pass = (ms: number) => void vi.advanceTimersByTime(ms)
    const told = ({ lanes }: Timeline) =>
      lanes.map(({ name, times, arguments: about }) => [name.split("/").at(-1), times, about!["outcome"]])

    it("has what was put back in the queue, not as one that is tried again", () => {
      const { recorder, politeness, park } = stages()
      for (const name of ["a", "b"]) politeness.add(targetOf(name))
      pass(10)
      const out = politeness.withdraw(() => true)
      pass(20)
      park(...out.map((one) => [one, 0] as const))
      pass(30)
      // it comes from there as another one
      politeness.add(targetOf("a"))
      pass(40)
      assert.strictEqual(politeness.take(Date.now())?.target.path, "a")
      pass(50)
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      assert.deepStrictEqual(told(timeline), [
        ["a", { queue: 80, commit: 20, line: 50 }, "interrupted"],
        ["b", { queue: 130, commit: 20 }, "not begun"]
      ])
    })

    it("has once what comes from there before the commit that brought it there is told of", () => {
      const { recorder, politeness, park } = stages((politeness) => politeness.add(targetOf("a")))
      politeness.add(targetOf("a"))
      park(...politeness.withdraw(() => true).map((one) => [one, 0] as const))
      pass(10)
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      assert.deepStrictEqual(told(timeline), [["a", { queue: 10 }, "not begun"]])
    })

    it("has what is put off, as it is read or later, wait for its host", () => {
      const { recorder, politeness, park, pause } = stages()
      const targets = ["queued", "shed"].map(targetOf)
      pause(targetOf("first"))
      for (const one of targets) politeness.add(one)
      const late = targetOf("late")
      const dueMs = politeness.putOff(late, Date.now())
      assert.strictEqual(dueMs, 1_012_000)
      assert.isUndefined(politeness.take(Date.now()))
      park([late, dueMs!])
      pass(100)
      park(...politeness.shed(Date.now()))
      pass(11_900)
      // they come from there as others
      for (const name of ["shed", "late"]) {
        politeness.add(targetOf(name))
        pass(7)
      }
      assert.strictEqual(politeness.take(Date.now())?.target, targets[0])
      pass(50)
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      assert.deepStrictEqual(told(timeline), [
        ["first", { commit: 12_064 }, "interrupted"],
        ["queued", { "retry-after": 12_000, queue: 14, line: 50 }, "interrupted"],
        ["shed", { "retry-after": 12_000, queue: 14, slot: 50 }, "not begun"],
        ["late", { "retry-after": 12_000, queue: 14, slot: 50 }, "not begun"]
      ])
    })

    it("has a target wait for the host that a redirect led to, by what holds that one back", () => {
      const { recorder, politeness, pause } = stages()
      const other = { ...targetOf("other"), url: "http://other.test/", host: "http://other.test" }
      pause(other)
      const turning = targetOf("turning")
      politeness.add(turning)
      politeness.take(Date.now())
      politeness.add({ ...turning, hop: { url: other.url, host: other.host, asked: ["http://h/a "] } })
      politeness.release(turning, Date.now(), "answered")
      politeness.add(targetOf("own"))
      politeness.take(Date.now())
      politeness.add(targetOf("behind"))
      pass(100)
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      assert.deepStrictEqual(told(timeline).slice(1), [
        ["turning", { "retry-after": 100 }, "interrupted"],
        ["own", { line: 100 }, "interrupted"],
        ["behind", { slot: 100 }, "not begun"]
      ])
    })

    it("has a redirect wait there for as long as its host asked for", () => {
      const { recorder, politeness, park } = stages()
      const target = targetOf("a")
      politeness.add(target)
      politeness.take(Date.now())
      const hop = { url: "http://other.test/", host: "http://other.test", asked: ["http://h/a "] }
      politeness.release(target, Date.now(), { pauseMs: 60_000 })
      park([{ ...target, hop }, Date.now() + 60_000])
      pass(10)
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      assert.deepStrictEqual(told(timeline), [["a", { "retry-after": 10 }, "interrupted"]])
    })

    it("follows so many there, and counts none twice that was not begun", () => {
      const { recorder, politeness, park, pause } = stages()
      const most = 20_000
      pause(targetOf("first"))
      for (const name of ["queued", "shed"]) politeness.add(targetOf(name))
      assert.isUndefined(politeness.take(Date.now()))
      const late = Array.from({ length: most + 5 }, (_, index) => targetOf(`late-${index}`))
      for (const one of late) park([one, politeness.putOff(one, Date.now())!])
      pass(10)
      const out = politeness.shed(Date.now())
      assert.deepStrictEqual(
        out.map(([{ path }]) => path),
        ["shed"]
      )
      park(...out)
      pass(12_000)
      const last = targetOf(`late-${most + 4}`)
      politeness.add(last)
      assert.isDefined(last.recorded)
      pass(10)
      const timeline = recorder.timeline()
      const [total] = timeline.totals
      // the first, the queued one, the one that was shed, and of those that were put off all that were followed
      assert.strictEqual(total!.lanes, 3 + most + 1)
      assert.notProperty(total, "failed")
      assert.deepStrictEqual(
        told(timeline).filter(([name]) => name === "shed"),
        [["shed", { "retry-after": 10 }, "not begun"]]
      )
      assert.approximately(drawnOf(timeline), sum(total!.times), 1)
    })

    it("ends what waits there when other rules leave it out", () => {
      const { recorder, politeness, park, settle } = stages()
      const target = targetOf("a")
      politeness.add(target)
      politeness.take(Date.now())
      politeness.release(target, Date.now(), "answered")
      park([{ ...target, attempts: 1 }, Date.now() + 60_000])
      pass(10)
      // it comes from there as another one
      settle(leftOut(targetOf("a")))
      const timeline = recorder.timeline()
      assertAddsUp(timeline)
      assert.deepStrictEqual(told(timeline), [["a", { retry: 10 }, "refused"]])
    })
  })

  it("hears nothing for a target whose track is another's by now", () => {
    const { recorder, politeness, settle } = stages()
    // one more than a timeline keeps
    const targets = Array.from({ length: 2401 }, (_, index) => targetOf(`${index}`))
    for (const target of targets) politeness.add(target)
    settle(...politeness.withdraw(() => true).map(leftOut))
    const next = targetOf("next")
    politeness.add(next)
    politeness.take(Date.now())
    const before = targets.find(({ recorded }) => recorded === next.recorded)
    assert.isDefined(before)
    settle(leftOut(before))
    const lane = recorder.timeline().lanes.find(({ name }) => name === next.url)
    assert.strictEqual(lane!.arguments!["outcome"], "interrupted")
  })

  it("shows no credentials", async () => {
    const recorder = TargetRecorder.make({ title: "a run", robots: false })
    const url = site.url("/auth/user/secret/bytes/10/x", { userinfo: "user:secret" })
    for await (const _ of Get.get([url], { directory: folder(), recorder })) void _
    const [lane] = recorder.timeline().lanes
    assert.include(lane!.name, "***@")
    assert.notInclude(JSON.stringify(lane).replaceAll("/auth/user/secret/", ""), "secret")
  })

  it("is not there when nobody asked for it: the stages stay the very same", () => {
    const stage = {} as never
    for (const before of [Recorder.none.session, Recorder.none.sink, Recorder.none.store, Recorder.none.politeness])
      assert.strictEqual(before(stage), stage)
  })
})
