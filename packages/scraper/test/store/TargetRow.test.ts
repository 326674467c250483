import { assert, describe, it } from "@effect/vitest"
import { StatusError } from "../../src/FetchError.ts"
import type { Outcome } from "../../src/Outcome.ts"
import type { Settled } from "../../src/Store.ts"
import { fromOutcome, fromWaiting, toEntry, toKnown, toTarget, type Writing } from "../../src/store/TargetRow.ts"
import type { Target } from "../../src/Target.ts"

const writing: Writing = { list: 1, run: 2, siteOf: () => 3 }
const byUrl: Target = {
  url: "https://h/a.html",
  host: "https://h",
  path: "h/a.html",
  attempts: 1,
  isNamedByUrl: true
}
const { isNamedByUrl: _, ...named } = { ...byUrl, path: "its own" }
const saved = {
  bytes: 5,
  sha256: "ab",
  etag: '"1"',
  lastModified: "then",
  record: "a record",
  contentType: "text/html"
}

describe("a row of a target", () => {
  for (const [what, target] of Object.entries<Target>({
    "its URL names": byUrl,
    "has a name of its own": named,
    "is saved": { ...byUrl, saved },
    "is saved, and all that is known is its length": { ...named, saved: { bytes: 0 } },
    "has a part": { ...byUrl, partial: { validator: '"1"', total: 9 } },
    "has a part of a body that tells no length": { ...byUrl, partial: { validator: '"1"' } },
    "has taken some of its time": { ...byUrl, spentMs: 7 },
    "is a page of a crawl": { ...byUrl, depth: 2 },
    "is a picture of a page": { ...byUrl, depth: 0, isResource: true },
    "is a link of a page": { ...byUrl, depth: 0, isResource: false }
  }))
    it(`gives back a target that ${what}`, () => {
      const row = fromWaiting(writing, { target, dueMs: 7.4, leased: true })
      assert.deepStrictEqual(toTarget(row), target)
      assert.deepStrictEqual([row.due, row.lease, toKnown(row).state], [7, 2, "pending"])
    })

  const about = { url: byUrl.url, attempts: 1, durationMs: 5, status: 200 }
  const outcomes: ReadonlyArray<Outcome> = [
    { _tag: "Saved", ...about, path: "h/a.html", bytes: 5, sha256: "cd", finalUrl: "https://h/b" },
    { _tag: "Saved", ...about, path: "somewhere else", bytes: 5, noindex: true },
    { _tag: "Unchanged", ...about, path: "h/a.html", bytes: 5 },
    { _tag: "Failed", ...about, status: 404, error: new StatusError({ status: 404 }) },
    {
      _tag: "Refused",
      url: byUrl.url,
      attempts: 0,
      durationMs: 0,
      error: { reason: "RobotsDisallowed", message: "line 2" }
    }
  ]
  for (const outcome of outcomes)
    it(`gives back the outcome ${JSON.stringify(outcome)}`, () => {
      const row = fromOutcome(writing, { target: byUrl, outcome })
      assert.deepStrictEqual(toEntry(row), { outcome })
      const isDone = outcome._tag === "Saved" || outcome._tag === "Unchanged"
      assert.strictEqual(toKnown(row).state, isDone ? "done" : "failed")
    })

  it("keeps the file of an earlier run where it could not be refreshed, with its type", () => {
    const settled: Settled = { target: { ...byUrl, saved }, outcome: outcomes[3]! }
    const { bytes, sha256, record, type, etag } = fromOutcome(writing, settled)
    assert.deepStrictEqual([bytes, sha256, record, type, etag], [5, "ab", "a record", "text/html", null])
  })

  it("keeps so much of a Content-Type as one may be long", () => {
    const row = fromOutcome(writing, { target: byUrl, outcome: outcomes[0]!, contentType: "a".repeat(999) })
    assert.strictEqual(row.type?.length, 200)
  })

  it("tells what a rule of a crawl left out as refused, and as waiting to be let in", () => {
    const row = fromOutcome(writing, { target: byUrl, outcome: outcomes[4]!, isExcluded: true })
    assert.deepStrictEqual([row.state, toEntry(row)], [5, { outcome: outcomes[4]! }])
  })
})
