import { assert, describe, it } from "@effect/vitest"
import * as FetchError from "../src/FetchError.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import { retryAfterMs } from "../src/RetryAfter.ts"

const backoff = { baseMs: 1000, random: () => 1 }

describe("Retry", () => {
  it("doubles the wait up to a minute, and ends after the retries", () => {
    const cut = new FetchError.TruncatedError({ received: 3 })
    const delays = [1, 2, 3, 7, 8].map((attempts) => Retry.delayMs(cut, attempts, { retries: 7 }, backoff))
    assert.deepStrictEqual(delays, [1000, 2000, 4000, 60_000, undefined])
  })

  it("repeats only what may pass", () => {
    const delay = (reason: FetchError.FetchReason) => Retry.delayMs(reason, 1, { retries: 4 }, backoff)
    for (const status of [408, 425, 429, 500, 502, 503, 504])
      assert.isDefined(delay(new FetchError.StatusError({ status })), String(status))
    for (const status of [304, 400, 401, 403, 404, 410, 501, 505])
      assert.isUndefined(delay(new FetchError.StatusError({ status })), String(status))
    assert.isUndefined(delay(new FetchError.TlsError({ host: "a", code: "CERT_HAS_EXPIRED" })))
    assert.isUndefined(delay(new FetchError.TimeoutError({ phase: "total", ms: 1 })))
    assert.isDefined(delay(new FetchError.TimeoutError({ phase: "body", ms: 1 })))
  })

  it("lets Retry-After win, and pauses the host for it", () => {
    const reason = new FetchError.StatusError({ status: 503, retryAfterMs: 120_000 })
    assert.strictEqual(Retry.delayMs(reason, 1, { retries: 4 }, backoff), 120_000)
    assert.isUndefined(
      Retry.delayMs(reason, 1, { retries: 4, maxTimeMs: 60_000 }, backoff),
      "no longer than it may take"
    )
    const ofLonger = [50_000, 60_000].map((spentMs) =>
      Retry.delayMs(reason, 1, { retries: 4, maxTimeMs: 180_000 }, backoff, spentMs)
    )
    assert.deepStrictEqual(ofLonger, [120_000, undefined], "what is gone counts")
    assert.deepStrictEqual(Retry.verdict(reason, 1, backoff), { pauseMs: 120_000 })
    // nobody waits for years
    const endless = new FetchError.StatusError({ status: 429, retryAfterMs: 1e14 })
    assert.strictEqual(Retry.delayMs(endless, 1, { retries: 4 }, backoff), 86_400_000)
  })

  it("pauses a host that has too many requests without a time too, and tells one that cannot serve now", () => {
    const verdict = (status: number) => Retry.verdict(new FetchError.StatusError({ status }), 2, backoff)
    assert.deepStrictEqual([429, 503].map(verdict), [{ pauseMs: 2000 }, { unavailable: "HTTP 503", isFirst: false }])
    assert.deepStrictEqual([404, 500].map(verdict), ["answered", "answered"])
  })

  it("blames no host for the proxy before it, and asks no more where it wants other credentials", () => {
    const at = (code: string) => {
      const reason = new FetchError.ProxyError({ proxy: "http://p:1", code })
      return [Retry.verdict(reason, 1, backoff), Retry.delayMs(reason, 1, { retries: 4 }, backoff)]
    }
    assert.deepStrictEqual(["ECONNREFUSED", "PROXY_407"].map(at), [
      ["unasked", 1000],
      ["unasked", undefined]
    ])
  })

  it("tells a body that stalls from a host that does not answer", () => {
    const verdict = (phase: FetchError.TimeoutError["phase"]) =>
      Retry.verdict(new FetchError.TimeoutError({ phase, ms: 1000 }), 1, backoff)
    assert.deepStrictEqual(
      ["connect", "headers", "body", "pace", "total"].map((phase) => verdict(phase as "body")),
      [
        { fault: "no connection within 1 s" },
        { fault: "no answer within 1 s" },
        { stall: "no byte for 1 s" },
        { stall: "hardly a byte for 1 s" },
        "answered"
      ]
    )
  })

  it("blames no host for too many open files here", () => {
    const verdict = (code: string) => Retry.verdict(new FetchError.ConnectError({ host: "a", code }), 1, backoff)
    assert.deepStrictEqual(["EMFILE", "ENFILE"].map(verdict), ["unasked", "unasked"])
    assert.deepStrictEqual(verdict("ECONNREFUSED"), { fault: "cannot talk to a (ECONNREFUSED)" })
  })
})

describe("Retry-After", () => {
  const now = Date.parse("2026-11-23T00:00:00Z")
  const cases: ReadonlyArray<readonly [string | undefined, number | undefined]> = [
    [undefined, undefined],
    ["0", 0],
    [" 120 ", 120_000],
    ["Mon, 23 Nov 2026 00:01:00 GMT", 60_000],
    ["Monday, 23-Nov-26 00:01:00 GMT", 60_000],
    ["Mon Nov 23 00:01:00 2026", 60_000],
    ["Mon, 23 Nov 2026 00:00:60 GMT", 60_000],
    ["Saturday, 23-Nov-75 00:00:00 GMT", Date.UTC(2075, 10, 23) - now],
    ["Tuesday, 23-Nov-77 00:00:00 GMT", 0],
    ["Sun, 22 Nov 2026 00:00:00 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["", undefined]
  ]
  for (const [value, expected] of cases)
    it(`reads ${JSON.stringify(value)}`, () => assert.strictEqual(retryAfterMs(value, now), expected))

  it("reads a date by the clock of the host, where its answer tells that", () => {
    const later = "Mon, 23 Nov 2026 00:01:00 GMT"
    assert.strictEqual(retryAfterMs(later, now - 3_600_000, "Mon, 23 Nov 2026 00:00:58 GMT"), 2000)
    assert.strictEqual(retryAfterMs(later, now, "Mon, 23 Nov 2026 00:02:00 GMT"), 0)
    assert.strictEqual(retryAfterMs(later, now, "today"), 60_000)
    assert.strictEqual(retryAfterMs("120", now, "Mon, 23 Nov 2026 00:00:58 GMT"), 120_000)
  })
})

describe("RateLimit", () => {
  it("asks for pauses that hold the rate in the long run", () => {
    let now = 0
    const limit = RateLimit.make(1000, () => now)
    let taken = 0
    while (now < 60_000) {
      taken += 100
      now += limit.take(100)
    }
    assert.isAtMost(taken, 60_000 + 1000)
    assert.isAtLeast(taken, 60_000 - 1000)
  })
})
