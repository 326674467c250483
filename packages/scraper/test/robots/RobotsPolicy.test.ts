import { assert, describe, it } from "@effect/vitest"
import * as RobotsPolicy from "../../src/robots/RobotsPolicy.ts"

const body = new TextEncoder().encode("user-agent: *\ndisallow: /x")

const kindOf = (status: number) => RobotsPolicy.judge({ kind: "response", status, body }).kind

describe("RobotsPolicy", () => {
  it("believes a success", () => {
    const verdict = RobotsPolicy.judge({ kind: "response", status: 200, body })
    assert.isFalse(RobotsPolicy.decide(verdict, "simul", "http://host/x").allowed)
    assert.isTrue(RobotsPolicy.decide(verdict, "simul", "http://host/y").allowed)
    assert.strictEqual(kindOf(206), "rules")
  })

  it("takes a client error for no file: all is allowed", () => {
    for (const status of [400, 401, 403, 404, 410, 451, 499]) assert.strictEqual(kindOf(status), "unavailable")
    const verdict = RobotsPolicy.judge({ kind: "response", status: 404, body })
    assert.deepStrictEqual(RobotsPolicy.decide(verdict, "simul", "http://host/x"), { allowed: true })
  })

  it("takes a server error, an overload and silence for a refusal", () => {
    for (const status of [429, 500, 503, 599]) assert.strictEqual(kindOf(status), "unreachable")
    const verdict = RobotsPolicy.judge({ kind: "failed" })
    assert.deepStrictEqual(RobotsPolicy.decide(verdict, "simul", "http://host/y"), { allowed: false })
  })

  it("takes redirects without end for no file", () => {
    assert.strictEqual(RobotsPolicy.judge({ kind: "redirects" }).kind, "unavailable")
    assert.strictEqual(kindOf(302), "unavailable")
  })

  it("asks at the root of the origin", () => {
    assert.strictEqual(
      RobotsPolicy.locationFor(new URL("https://user:secret@Host:8443/a/b?c#d")),
      "https://host:8443/robots.txt"
    )
  })
})
