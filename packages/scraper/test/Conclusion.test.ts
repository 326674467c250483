import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Conclusion from "../src/Conclusion.ts"
import type * as Download from "../src/Download.ts"
import { type FetchReason, InvalidUrl, ProxyError, StatusError, TruncatedError, WriteError } from "../src/FetchError.ts"
import { Unreadable } from "../src/extract/PageError.ts"
import type { Crawl } from "../src/List.ts"
import type { Counts } from "../src/Progress.ts"
import type { Part } from "../src/Sink.ts"
import type { Settled, Waiting } from "../src/Store.ts"
import { asked, type Target } from "../src/Target.ts"

const target: Target = { url: "http://h/a", host: "http://h", path: "h/a", attempts: 0 }
const head = { status: 200, url: target.url, header: () => undefined }
const none: Counts = { saved: 0, unchanged: 0, refused: 0, failed: 0, bytes: 0 }
const partial = { validator: `"1"` }

/** What stages were told, in its order, and what was settled. */
const begin = (crawl?: Partial<Crawl>, proxyWait?: Effect.Effect<void>, maxTimeMs?: number, turnMs?: number) => {
  const told: Array<string> = []
  const settled: Array<Settled> = []
  const parked: Array<Waiting> = []
  /** The hosts whose slots were given back. */
  const slots: Array<string> = []
  const counts = { ...none }
  let answers = 0
  const conclusion = Conclusion.make(
    {
      naming: { suggest: (_target, name) => Effect.succeed(`h/${name}`), beside: (target) => target },
      sink: {
        note: () => void told.push("noted"),
        forget: () => void told.push("forgotten"),
        own: (path) => void told.push(`nothing tells of ${path}`),
        read: () => assert.fail()
      },
      frontier: {
        settle: () => void told.push("counted"),
        park: () => void told.push("waits"),
        turn: () => Effect.sync(() => (told.push("turned"), turnMs)),
        release: (one, verdict) => {
          slots.push(asked(one).host)
          told.push(`released ${JSON.stringify(verdict)}`)
        }
      },
      committer: {
        admit: () => Effect.void,
        settle: (one) => void (told.push("settled"), settled.push(one)),
        park: (one) => void (told.push("parked"), parked.push(one)),
        room: () => undefined
      },
      disk: {
        lacks: ({ size = 0, needed }) =>
          size === Infinity ? Effect.never : Effect.succeed(size > 100 ? { needed, free: 7 } : undefined),
        wait: (needed) => Effect.sync(() => void told.push(`room for ${needed}`))
      },
      proxy: { answered: () => void answers++, failed: () => proxyWait },
      now: () => 0
    },
    crawl as Crawl | undefined,
    { format: "files", retries: 1, ...(maxTimeMs === undefined ? {} : { maxTimeMs }) },
    { baseMs: 1000, random: () => 0 },
    counts
  )
  return { conclusion, told, settled, parked, slots, counts, answers: () => answers }
}
const complete = (more: Partial<Download.Complete> = {}): Download.Attempt => {
  const part = { place: (path: string) => path, discard: () => {} } as Partial<Part> as Part
  return { _tag: "Complete", part, bytes: 7, head, validators: {}, ...more }
}
const failed = (reason: FetchReason): Download.Attempt => ({ _tag: "Failed", reason, head, partial })

describe("Conclusion", () => {
  it.effect("leaves a target its attempts while the line waits for a proxy", () =>
    Effect.gen(function* () {
      const fault = { _tag: "Failed", reason: new ProxyError({ proxy: "http://p:1", code: "ECONNREFUSED" }) } as const
      const waited: Array<string> = []
      const { conclusion, told, parked } = begin(
        undefined,
        Effect.sync(() => void waited.push("waited"))
      )
      yield* conclusion.conclude(target, 0, fault) ?? Effect.void
      assert.deepStrictEqual(told, ["waits", "parked", `released "unasked"`])
      assert.deepStrictEqual([parked[0]!.dueMs, parked[0]!.target.attempts, waited], [0, 0, ["waited"]])
      const others = begin()
      assert.isUndefined(others.conclusion.conclude(target, 0, fault))
      assert.strictEqual(others.parked[0]!.target.attempts, 1)
    })
  )
  it("settles what is not modified as the file of before, whatever record holds it", () => {
    const { conclusion, settled, counts } = begin()
    const saved = { bytes: 9, sha256: "ab", etag: '"1"', contentType: "text/html" }
    conclusion.conclude({ ...target, saved }, 0, { _tag: "Unchanged", head })
    conclusion.conclude({ ...target, saved: { ...saved, record: "a record" } }, 0, { _tag: "Unchanged", head })
    for (const [index, path] of ["h/a", "a record"].entries()) {
      const { outcome, validators } = settled[index]!
      assert.deepInclude(outcome, { _tag: "Unchanged", path, bytes: 9, sha256: "ab" })
      assert.strictEqual(validators?.etag, '"1"')
    }
    assert.deepStrictEqual(counts, { ...none, unchanged: 2, bytes: 18 })
  })
  it("settles a body under its name before it gives the slot back", () => {
    const { conclusion, told, settled, counts } = begin()
    assert.isUndefined(conclusion.conclude(target, 0, complete()))
    assert.deepStrictEqual(told, ["settled", `released "answered"`])
    const [{ outcome } = assert.fail()] = settled
    assert.isTrue(outcome._tag === "Saved" && outcome.path === "h/a" && outcome.bytes === 7 && outcome.attempts === 1)
    assert.deepStrictEqual(counts, { ...none, saved: 1, bytes: 7 })
  })

  it.effect("asks for the name that a server suggests", () =>
    Effect.gen(function* () {
      const { conclusion, settled } = begin()
      const saved = { bytes: 9 }
      yield* conclusion.conclude({ ...target, saved }, 0, complete({ suggested: "b.pdf" }))!
      const [{ target: named } = assert.fail()] = settled
      assert.strictEqual(named.path, "h/b.pdf")
      assert.isFalse(named.isNamedByUrl)
      // nothing of it lies there: it may be a file of the user's
      assert.isUndefined(named.saved)
    })
  )

  it("fails a body that cannot get its name", () => {
    const { conclusion, settled, counts } = begin()
    const place = () => {
      throw new WriteError({ path: "h/a", code: "EACCES" })
    }
    conclusion.conclude(target, 0, complete({ part: { place, discard: () => {} } as Partial<Part> as Part }))
    assert.strictEqual(settled[0]?.outcome._tag, "Failed")
    assert.deepStrictEqual(counts, { ...none, failed: 1 })
  })

  it("counts what attempts and waits took of a target's time, and tries no more when that is over", () => {
    const { conclusion, parked, settled } = begin(undefined, undefined, 3_600_000)
    const startedMs = performance.now() - 1000
    const busy = failed(new StatusError({ status: 503, retryAfterMs: 5000 }))
    conclusion.conclude(target, startedMs, busy)
    const { spentMs = 0 } = parked[0]!.target
    assert.isAtLeast(spentMs, 6000)
    assert.isBelow(spentMs, 3_600_000)
    conclusion.conclude({ ...target, spentMs: 3_595_000 }, startedMs, busy)
    assert.strictEqual(settled.length, 1)
  })

  it("parks what may pass with its part, and settles it when it was tried often enough", () => {
    const cut = failed(new TruncatedError({ expected: 9, received: 5 }))
    const first = begin()
    first.conclusion.conclude(target, 0, cut)
    assert.deepStrictEqual(first.parked[0]?.target, { ...target, attempts: 1, partial })
    assert.deepStrictEqual(first.told, ["waits", "parked", `released "answered"`])
    assert.deepStrictEqual(first.counts, none)

    const last = begin()
    last.conclusion.conclude({ ...target, attempts: 1 }, 0, cut)
    assert.deepStrictEqual(last.told, ["forgotten", "settled", `released "answered"`])
    assert.deepStrictEqual(last.counts, { ...none, failed: 1 })
  })

  it("archives what came of a body in the step that parks or settles its target", () => {
    const reason = new TruncatedError({ received: 5 })
    for (const [attempts, expected] of [
      [0, ["waits", "parked"]],
      [1, ["settled"]]
    ] as const) {
      const { conclusion, told } = begin()
      const part = { abandon: (truncated: string) => told.push(`abandoned: ${truncated}`) } as Partial<Part> as Part
      const cut = { part, truncated: "disconnect" } as const
      conclusion.conclude({ ...target, attempts }, 0, { _tag: "Failed", reason, head, cut })
      assert.deepStrictEqual(told, ["abandoned: disconnect", ...expected, `released "answered"`])
    }
  })

  it("settles at once what no attempt helps", () => {
    const { conclusion, told, settled } = begin()
    conclusion.conclude(target, 0, failed(new StatusError({ status: 404 })))
    const [{ outcome } = assert.fail()] = settled
    assert.isTrue(outcome._tag === "Failed" && outcome.error._tag === "StatusError" && outcome.attempts === 1)
    assert.deepStrictEqual(told, ["forgotten", "settled", `released "answered"`])
  })

  it("does not count an attempt that was not made, for its host is down", () => {
    const { conclusion, settled } = begin()
    conclusion.down(target, 0, { failures: 5, last: "connection refused" })
    const [{ outcome } = assert.fail()] = settled
    assert.isTrue(outcome._tag === "Failed" && outcome.error._tag === "HostDown" && outcome.attempts === 0)
  })

  it.effect("takes a full disk for nobody's fault: the target waits, and then its worker", () =>
    Effect.gen(function* () {
      const { conclusion, told, parked, counts } = begin()
      const rest = conclusion.conclude({ ...target, partial }, 0, { _tag: "DiskFull", needed: 101 })
      yield* rest!
      assert.deepStrictEqual(parked, [{ target, dueMs: 0, leased: false }])
      assert.deepStrictEqual(told, ["waits", "parked", `released "answered"`, "room for 101"])
      assert.deepStrictEqual(counts, none)
    })
  )

  it.effect("fails what the disk is never waited for with", () =>
    Effect.gen(function* () {
      const { conclusion, told, settled } = begin()
      yield* conclusion.conclude(target, 0, { _tag: "DiskFull", size: 101, needed: 1 })!
      assert.deepStrictEqual(told, ["settled", `released "answered"`])
      const [{ outcome } = assert.fail()] = settled
      assert.strictEqual(
        outcome._tag === "Failed" ? outcome.error.message : "",
        "no room on the disk: 1 bytes needed, 7 free, for h/a"
      )
      // what is kept of it is for the next run
      yield* conclusion.conclude({ ...target, partial }, 0, { _tag: "DiskFull", size: 101, needed: 1, partial })!
      assert.deepStrictEqual(settled.at(-1)?.partial, partial)
      assert.notInclude(told, "forgotten")
    })
  )

  it.effect("keeps the part of a target whose room is still looked for as the run is stopped", () =>
    Effect.gen(function* () {
      const { conclusion, parked } = begin()
      const ended = { _tag: "DiskFull", size: Infinity, needed: 1, partial } as const
      const looking = yield* Effect.forkChild(conclusion.conclude(target, 0, ended) ?? Effect.void, {
        startImmediately: true
      })
      yield* Fiber.interrupt(looking)
      assert.deepStrictEqual(parked, [{ target: { ...target, partial }, dueMs: 0, leased: false }])
    })
  )

  it.effect("takes no answer from a host that was not asked, for the disk has no room", () =>
    Effect.gen(function* () {
      for (const size of [100, 101])
        for (const said of [undefined, "unasked"] as const) {
          const { conclusion, told, settled, parked, answers } = begin()
          const ended = { _tag: "DiskFull", size, needed: 1, partial, ...(said && { said }) } as const
          yield* conclusion.conclude({ ...target, partial }, 0, ended)!
          const attempts = [...settled.map(({ outcome }) => outcome), ...parked.map(({ target }) => target)].map(
            (one) => one.attempts
          )
          const isAsked = said === undefined
          assert.include(told, `released "${said ?? "answered"}"`)
          assert.deepStrictEqual([attempts, answers()], [[size > 100 && isAsked ? 1 : 0], isAsked ? 1 : 0])
        }
    })
  )

  it.effect("queues a redirect at its host before it gives the slot back", () =>
    Effect.gen(function* () {
      const { conclusion, told } = begin()
      const hop = { url: "http://other/", host: "http://other", asked: ["http://h/a "] }
      yield* conclusion.conclude(target, 0, { _tag: "Turned", hop, turn: "wait" })!
      assert.deepStrictEqual(told, ["turned", `released "answered"`])
    })
  )

  it("gives back the slot of the host that redirects, where that leads to what may not be asked for", () => {
    const { conclusion, told, settled, slots } = begin()
    const hop = { url: "http://other/", host: "http://other", asked: ["http://h/a "] }
    const refused = { reason: "Robots", message: "no" } as const
    const aside = { head, dateMs: 0, body: new Uint8Array() }
    conclusion.conclude(target, 0, { _tag: "Turned", hop, turn: { refused }, partial, asides: [aside] })
    assert.deepStrictEqual(told, ["forgotten", "noted", "settled", `released "answered"`])
    assert.deepStrictEqual([settled[0]!.outcome._tag, slots], ["Refused", ["http://h"]])
  })

  it.effect("has a redirect wait as long as its host asks for, wherever it leads, and pauses that host", () =>
    Effect.gen(function* () {
      for (const host of ["http://h", "http://other"]) {
        const { conclusion, told, parked } = begin()
        const hop = { url: `${host}/b`, host, asked: ["http://h/a "], asides: [] }
        yield* conclusion.conclude(target, 0, { _tag: "Turned", hop, turn: "wait", waitMs: 7000 })!
        assert.deepStrictEqual(told, ["waits", "parked", `released {"pauseMs":7000}`])
        assert.deepStrictEqual(parked, [{ target: { ...target, hop }, dueMs: 7000, leased: false }])
      }
    })
  )

  it.effect("has a redirect wait where it has led, if its turn there is far off, with all that was answered", () =>
    Effect.gen(function* () {
      const { conclusion, told, parked } = begin({}, undefined, undefined, 9000)
      const hop = { url: "http://other/", host: "http://other", asked: ["http://h/a "] }
      const asides = [{ head, dateMs: 0, body: new Uint8Array() }]
      yield* conclusion.conclude(target, 0, { _tag: "Turned", hop, turn: "wait", asides })!
      assert.deepStrictEqual(told, ["turned", "noted", "waits", "parked", `released "answered"`])
      assert.deepStrictEqual(parked, [{ target: { ...target, hop: { ...hop, asides } }, dueMs: 9000, leased: false }])
    })
  )

  it("keeps what was answered on the way of what other rules leave out", () => {
    const { conclusion, told } = begin()
    const asides = [{ head, dateMs: 0, body: new Uint8Array() }]
    const hop = { url: "http://other/", host: "http://other", asked: ["http://h/a "], asides }
    conclusion.leaveOut({ ...target, hop }, { reason: "Excluded", message: "no" })
    assert.deepStrictEqual(told, ["noted", "settled"])
  })

  it("begins another attempt at the target's own URL", () => {
    const { conclusion, parked } = begin()
    const hop = { url: "http://other/", host: "http://other", asked: ["http://h/a "] }
    conclusion.conclude({ ...target, hop }, 0, { _tag: "Failed", reason: new StatusError({ status: 500 }) })
    assert.deepStrictEqual(
      parked.map((one) => one.target),
      [{ ...target, attempts: 1 }]
    )
  })

  it.effect("begins no wait for a redirect that takes longer than is left of a target's time", () =>
    Effect.gen(function* () {
      const hop = { url: "http://other/", host: "http://other", asked: ["http://h/a "] }
      const ended = (waitMs: number) => ({ _tag: "Turned", hop, turn: "wait", waitMs }) as const
      const late = begin({}, undefined, 60_000)
      late.conclusion.conclude(target, performance.now(), ended(60_000))
      assert.deepStrictEqual(late.told, ["counted", "settled", `released {"pauseMs":60000}`])
      assert.deepStrictEqual(
        late.settled.map(({ outcome }) => outcome._tag === "Failed" && outcome.error.message),
        ["not done within 60 s"]
      )
      const { conclusion, told } = begin({}, undefined, 60_000)
      yield* conclusion.conclude(target, performance.now(), ended(30_000))!
      assert.deepStrictEqual(told, ["waits", "parked", `released {"pauseMs":30000}`])
    })
  )

  it("keeps nothing that asks not to be indexed where that was wanted, but its links", () => {
    const link = { ...target, url: "http://h/b" }
    const told: Array<string> = []
    const { conclusion, settled, counts } = begin({ skipsNoindex: true, isNoindex: () => false })
    const part = { discard: () => told.push("discarded") } as Partial<Part> as Part
    const reading = { write: () => {}, end: () => [link], isNoindex: () => true }
    conclusion.conclude(target, 0, complete({ part, reading }))
    const [{ outcome, links } = assert.fail()] = settled
    assert.isTrue(outcome._tag === "Refused" && outcome.error.reason === "Noindex")
    assert.deepStrictEqual(links, [link])
    assert.deepStrictEqual(told, ["discarded"])
    assert.deepStrictEqual(counts, { ...none, refused: 1 })
  })

  describe("of a crawl that cannot read a body for its links", () => {
    const readWhole = () => Effect.fail(new Unreadable({ code: "EIO" }))
    it.effect("asks for one that is not modified again, by nothing that is known of it", () =>
      Effect.gen(function* () {
        const { conclusion, told, parked, counts } = begin({ readWhole })
        yield* conclusion.conclude({ ...target, saved: { bytes: 9, etag: '"1"' } }, 0, { _tag: "Unchanged", head })!
        assert.deepStrictEqual(told, ["nothing tells of h/a", "waits", "parked", `released "answered"`])
        assert.deepStrictEqual(parked, [{ target, dueMs: 0, leased: false }])
        assert.deepStrictEqual(counts, none)
      })
    )
    it.effect("fails one that has just come, and removes it", () =>
      Effect.gen(function* () {
        const { conclusion, told, settled, counts } = begin({ readWhole })
        const part = { discard: () => void told.push("discarded") } as Partial<Part> as Part
        yield* conclusion.conclude(target, 0, complete({ part }))!
        assert.deepStrictEqual(told, ["discarded", "counted", "settled", `released "answered"`])
        const [{ outcome } = assert.fail()] = settled
        assert.isTrue(outcome._tag === "Failed")
        assert.deepInclude(outcome, { error: new WriteError({ path: "h/a", code: "EIO" }) })
        assert.deepStrictEqual(counts, { ...none, failed: 1 })
      })
    )
  })

  it("settles lines that are no URL, without credentials in what it tells", () => {
    const { conclusion, settled, counts } = begin()
    conclusion.invalid({ text: "http://u:secret@h:99999/", number: 3 }, new InvalidUrl({ detail: "port", line: 3 }))
    assert.notInclude(settled[0]!.outcome.url, "secret")
    assert.deepStrictEqual(counts, { ...none, failed: 1 })
  })
})
