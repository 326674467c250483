import { assert, describe, it } from "@effect/vitest"
import * as FetchError from "../src/FetchError.ts"
import type { Outcome } from "../src/Outcome.ts"
import * as Report from "../src/Report.ts"

const about = { attempts: 1, durationMs: 1 }
const file = { path: "p", bytes: 10 }
const saved = (url: string): Outcome => ({ _tag: "Saved", url, status: 200, ...about, ...file })
const unchanged = (url: string): Outcome => ({ _tag: "Unchanged", url, status: 304, ...about, ...file })
const refused = (url: string): Outcome => ({
  _tag: "Refused",
  url,
  ...about,
  error: { reason: "robots", message: `line ${url.length}` }
})
const failed = (url: string, error: FetchError.FetchReason, status?: number): Outcome => ({
  _tag: "Failed",
  url,
  ...about,
  error,
  ...(status === undefined ? {} : { status })
})
const notFound = new FetchError.StatusError({ status: 404 })
const cut = (received: number) => new FetchError.TruncatedError({ received, expected: 100 })

const fold = (outcomes: Iterable<Outcome>, capacity?: number) => {
  const report = Report.make(capacity)
  for (const outcome of outcomes) report.add({ outcome })
  return report
}
const mixed = [
  saved("https://a.example/1"),
  saved("https://b.example:8080/1"),
  unchanged("https://a.example/2"),
  refused("https://c.example/long"),
  refused("https://c.example/longer"),
  failed("https://a.example/3", notFound, 404),
  failed("https://b.example:8080/3", cut(3), 200),
  failed("https://b.example:8080/4", cut(4), 200)
]

describe("Report", () => {
  it("counts every target once", () => {
    const report = fold(mixed)
    report.add({ pending: { url: "https://a.example/4", attempts: 2 } })
    const beyondIt = { by: "maxPages", most: 2 } as const
    report.add({ pending: { url: "https://a.example/5", attempts: 0, beyond: beyondIt } })
    const { targets, saved, unchanged, refused, failed, pending, beyond, bytes, limit } = report.result()
    assert.deepStrictEqual(
      { targets, saved, unchanged, refused, failed, pending, beyond, bytes, limit },
      { targets: 10, saved: 2, unchanged: 1, refused: 2, failed: 3, pending: 1, beyond: 1, bytes: 30, limit: beyondIt }
    )
  })
  it("counts by host, with its port, most targets first", () => {
    assert.deepStrictEqual(
      fold(mixed)
        .result()
        .hosts.map(({ host, targets, failed, bytes }) => [host, targets, failed, bytes]),
      [
        ["a.example", 3, 1, 20],
        ["b.example:8080", 3, 2, 10],
        ["c.example", 2, 0, 0]
      ]
    )
  })
  it("counts by the status of the last answer, no answer last", () => {
    assert.deepStrictEqual(
      fold(mixed)
        .result()
        .statuses.map(({ status, targets }) => [status, targets]),
      [
        [200, 4],
        [304, 1],
        [404, 1],
        [undefined, 2]
      ]
    )
  })
  it("takes alike what failed alike, and keeps the first as its example", () => {
    const { reasons, otherReasons } = fold(mixed).result()
    assert.deepStrictEqual(
      reasons.map(({ outcome, reason, text, targets, retryable, example }) => [
        outcome,
        reason,
        text,
        targets,
        retryable,
        example.message
      ]),
      [
        ["failed", "TruncatedError", "body cut short", 2, true, "body ended at 3 of 100 bytes"],
        ["refused", "robots", "robots", 2, false, "line 22"],
        ["failed", "StatusError", "HTTP 404", 1, false, "HTTP 404"]
      ]
    )
    assert.strictEqual(otherReasons, 0)
  })
  it("names the hosts of a reason and how many targets are at others", () => {
    const urls = ["https://a/1", "https://a/2", "https://b/1", "https://c/1"]
    const [reason] = fold(urls.map((url) => failed(url, notFound))).result(2).reasons
    assert.deepStrictEqual(reason!.hosts, [
      { host: "a", targets: 2 },
      { host: "b", targets: 1 }
    ])
    assert.strictEqual(reason!.otherTargets, 1)
  })
  it("keeps its sums when there are more hosts than it holds", () => {
    const report = fold(
      (function* () {
        for (let index = 0; index < 5000; index++) yield failed(`https://host${index}.example/`, notFound)
        for (let index = 0; index < 50; index++) yield saved("https://big.example/")
      })(),
      16
    ).result(5)
    assert.strictEqual(report.hosts[0]!.host, "big.example")
    assert.strictEqual(report.hosts[0]!.targets, 50)
    assert.strictEqual(report.hosts.length, 5)
    assert.strictEqual(report.otherHosts.targets + report.hosts.reduce((sum, { targets }) => sum + targets, 0), 5050)
    assert.strictEqual(report.otherHosts.bytes + report.hosts.reduce((sum, { bytes }) => sum + bytes, 0), 500)
  })
  it("shows at most as many reasons as asked and counts the rest", () => {
    const outcomes = [400, 400, 403, 404].map((status) => failed("https://a/", new FetchError.StatusError({ status })))
    const { reasons, otherReasons } = fold(outcomes).result(1)
    assert.deepStrictEqual([reasons.map(({ text }) => text), otherReasons], [["HTTP 400"], 2])
  })
  it("counts every target under a reason or among the rest, with more reasons than it tells apart", () => {
    const statuses = Array.from({ length: 400 }, (_, index) => 400 + index)
    const outcomes = statuses.map((status) => failed("https://a/", new FetchError.StatusError({ status })))
    const { reasons, otherReasons } = fold(outcomes).result(1000)
    assert.isBelow(reasons.length, 400)
    assert.strictEqual(otherReasons + reasons.reduce((sum, { targets }) => sum + targets, 0), 400)
  })
  it("says in words what the usual codes of TLS mean, and the code for whoever looks for it", () => {
    const told = (code: string) => {
      const error = new FetchError.TlsError({ host: "a.test", code })
      return [error.message, Report.describe(error)]
    }
    assert.deepStrictEqual(told("ERR_TLS_CERT_ALTNAME_INVALID"), [
      "TLS with a.test failed: certificate of another host (ERR_TLS_CERT_ALTNAME_INVALID)",
      "certificate of another host (ERR_TLS_CERT_ALTNAME_INVALID)"
    ])
    assert.deepStrictEqual(told("EPROTO"), ["TLS with a.test failed (EPROTO)", "TLS failed (EPROTO)"])
  })
  it("has words for every reason that are free of what differs from target to target", () => {
    const host = "secret.example"
    const reasons: ReadonlyArray<FetchError.FetchReason> = [
      new FetchError.InvalidUrl({ detail: host }),
      new FetchError.DnsError({ host, code: "ENOTFOUND" }),
      new FetchError.ConnectError({ host, code: "ECONNREFUSED" }),
      new FetchError.TlsError({ host, code: "CERT_HAS_EXPIRED" }),
      new FetchError.AddressError({ host, address: "10.0.0.1" }),
      new FetchError.ProtocolError({ detail: host }),
      ...(["loop", "limit", "location"] as const).map(
        (kind) => new FetchError.RedirectError({ kind, location: host, count: 20 })
      ),
      cut(3),
      new FetchError.RangeError({ detail: host }),
      ...(["unknown", "corrupt", "cut", "nested"] as const).map(
        (kind) => new FetchError.DecodeError({ kind, coding: host })
      ),
      new FetchError.TooLargeError({ maxBytes: 5, bomb: false }),
      new FetchError.TooLargeError({ maxBytes: 5, bomb: true }),
      new FetchError.WriteError({ path: host, code: "EACCES" }),
      new FetchError.WriteError({ path: host, code: "EUNSAFE" }),
      new FetchError.HostDown({ failures: 5, last: host })
    ]
    const words = reasons.map(Report.describe)
    assert.strictEqual(new Set(words).size, words.length)
    for (const text of words) assert.notInclude(text, host)
  })
})

describe("hostOf", () => {
  it.each([
    ["https://a.example/x", "a.example"],
    ["http://a.example:81?q", "a.example:81"],
    ["https://user:***@a.example#f", "a.example"],
    ["https://a.example/@b", "a.example"],
    ["http://[::1]:80/", "[::1]:80"],
    ["not a url", ""]
  ] as const)("finds the host of %s", (url, host) => {
    assert.strictEqual(Report.hostOf(url), host)
  })
})
