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
      "Sun, 06 Nov 1994 10:49:37 +0200"
    ])
      assert.strictEqual(httpDateMs(text), at, text)
  })

  it("takes nothing else for a date", () => {
    for (const text of ["", "soon", "Thu, 32 Jan 2026 00:00:00 GMT"]) assert.isNaN(httpDateMs(text), text)
  })
})
