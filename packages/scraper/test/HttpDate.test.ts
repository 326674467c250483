import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { httpDateMs } from "../src/HttpDate.ts"

describe("httpDateMs", () => {
  const { TZ } = process.env
  beforeAll(() => {
    process.env.TZ = "Asia/Kolkata"
    assert.strictEqual(new Date(0).getTimezoneOffset(), -330)
  })
  afterAll(() => {
    if (TZ === undefined) delete process.env.TZ
    else process.env.TZ = TZ
  })

  it("reads each form as UTC, wherever the machine stands", () => {
    const at = Date.UTC(1994, 10, 6, 8, 49, 37)
    for (const text of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 10:49:37 +0200",
      "Sun, 06 Nov 1994 10:49:37 GMT+0200",
      "1994-11-06 08:49:37 GMT",
      "Nov 6, 1994 08:49:37 GMT"
    ])
      assert.strictEqual(httpDateMs(text), at, text)
  })

  it("reads a leap second as the instant after the second before it", () => {
    const at = Date.UTC(2017, 0, 1)
    for (const text of [
      "Sat, 31 Dec 2016 23:59:60 GMT",
      "Saturday, 31-Dec-16 23:59:60 GMT",
      "Sat Dec 31 23:59:60 2016",
      "Sun, 01 Jan 2017 01:59:60 +0200"
    ])
      assert.strictEqual(httpDateMs(text), at, text)
  })

  it("takes two digits of a year for the last that is at most 50 years ahead", () => {
    const now = Date.UTC(2026, 10, 26, 12)
    for (const [text, expected] of [
      ["Thursday, 26-Nov-76 12:00:00 GMT", Date.UTC(2076, 10, 26, 12)],
      ["Friday, 26-Nov-76 12:00:01 GMT", Date.UTC(1976, 10, 26, 12, 0, 1)],
      ["Monday, 01-Jan-75 00:00:00 GMT", Date.UTC(2075, 0, 1)],
      ["Sun, 06 Nov 94 08:49:37 GMT", Date.UTC(1994, 10, 6, 8, 49, 37)],
      ["Sunday, 01-Jan-77 00:00:00", Date.UTC(1977, 0, 1)],
      ["Sunday, 32-Jan-77 00:00:00 GMT", NaN]
    ] as const)
      assert.deepStrictEqual(httpDateMs(text, now), expected, text)
    assert.strictEqual(httpDateMs("Friday, 01-Jan-00 00:00:00 GMT", Date.UTC(2099, 11, 31)), Date.UTC(2100, 0, 1))
  })

  it("takes no day for one of the next month", () => {
    for (const text of [
      "Wed, 31 Feb 2027 00:00:00 GMT",
      "Monday, 29-Feb-27 00:00:00 GMT",
      "Thu Apr 31 00:00:00 2026",
      "Thu, 31 Apr 2026 01:00:00 +0200",
      "Fri, 30 Apr 2026 24:00:00 GMT"
    ])
      assert.isNaN(httpDateMs(text), text)
    assert.strictEqual(httpDateMs("Tue, 29 Feb 2028 01:00:00 +0200"), Date.UTC(2028, 1, 28, 23))
    assert.strictEqual(httpDateMs("Mon Feb 29 23:59:59 2028"), Date.UTC(2028, 1, 29, 23, 59, 59))
    assert.strictEqual(httpDateMs("Tue, 30 Jun 2026 23:00:00 -0200"), Date.UTC(2026, 6, 1, 1))
  })

  it("takes nothing else for a date", () => {
    for (const text of [
      "",
      "soon",
      "Thu, 32 Jan 2026 00:00:00 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sunday, 06-Nov-94 08:49:99 GMT",
      "Sun Nov  6 08:49:61 1994"
    ])
      assert.isNaN(httpDateMs(text), text)
  })
})
