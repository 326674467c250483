import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Exclusion } from "../src/crawl/Exclusion.ts"
import { ProxyError } from "../src/FetchError.ts"
import * as Gate from "../src/Gate.ts"
import type { Refusal } from "../src/Outcome.ts"
import type { Ruling } from "../src/RobotsTxt.ts"
import type { Target } from "../src/Target.ts"

const target: Target = { url: "http://h/a", host: "http://h", path: "", attempts: 0, depth: 1 }
const disallowed: Refusal = { reason: "RobotsDisallowed", message: "line 2" }
const excluded: Exclusion = { reason: "Excluded", message: "excluded by /a/" }
const trap = { pattern: "/{n}", pages: 128, contents: 3, caught: true, latest: "" }

const gateOf = ({
  robots,
  known,
  excludes,
  follows = true,
  isCaught = false,
  keepsApart = false,
  startsAgain = true,
  proxyWait
}: {
  readonly robots?: Ruling
  readonly known?: Ruling
  readonly excludes?: Exclusion
  readonly follows?: boolean
  readonly isCaught?: boolean
  readonly keepsApart?: boolean
  readonly startsAgain?: boolean
  readonly proxyWait?: string
}) => {
  const did: Array<string> = []
  const stages: Gate.Stages = {
    politeness: { add: () => void did.push("queued"), keepsApart: () => keepsApart, startAgain: () => startsAgain },
    frontier: { release: (_target, verdict) => void did.push(`released ${JSON.stringify(verdict)}`) },
    committer: { room: () => undefined },
    robots: { rule: () => Effect.succeed(robots!), known: () => known },
    conclusion: {
      refuse: (_target, _startedMs, { reason }, verdict, isExcluded) =>
        void did.push(`refused: ${reason}, ${JSON.stringify(verdict)}${isExcluded === true ? ", excluded" : ""}`)
    },
    proxy: { failed: () => (proxyWait === undefined ? undefined : Effect.sync(() => void did.push(proxyWait))) },
    now: Date.now
  }
  const crawl = {
    excludes: () => excludes,
    redirect: () => follows,
    traps: { caught: () => (isCaught ? trap : undefined) } as never
  }
  const options = { robots: robots !== undefined || known !== undefined }
  const gate = Gate.make(stages, crawl, options, () => Effect.sync(() => void did.push("visited")))
  return { did, gate }
}
const carried = (asked: Parameters<typeof gateOf>[0], of: Target = target) =>
  Effect.suspend(() => {
    const { did, gate } = gateOf(asked)
    return Effect.as(gate.carry({ target: of }), did)
  })
const elsewhere = new URL("http://other/b")

describe("Gate", () => {
  it.effect("visits what nothing stands before, and what robots.txt allows", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* carried({}), ["visited"])
      assert.deepStrictEqual(yield* carried({ robots: { _tag: "Allowed" } }), ["visited"])
    })
  )

  it.effect("refuses what the rules leave out before robots.txt is asked, and says that its host was not", () =>
    Effect.gen(function* () {
      const robots = { _tag: "Refused", verdict: "answered", error: disallowed } as const
      assert.deepStrictEqual(yield* carried({ excludes: excluded, robots }), ['refused: Excluded, "unasked", excluded'])
      assert.deepStrictEqual(yield* carried({ robots }), ['refused: RobotsDisallowed, "answered"'])
    })
  )

  it.effect("refuses where redirects have led, if the rules follow them there no more", () =>
    Effect.gen(function* () {
      const led = { ...target, hop: { url: "http://other/", host: "http://other", asked: ["one"] } }
      assert.deepStrictEqual(yield* carried({ follows: false }, led), ['refused: OutOfScope, "unasked"'])
      assert.deepStrictEqual(yield* carried({}, led), ["visited"])
      assert.deepStrictEqual(yield* carried({ follows: false }), ["visited"])
    })
  )

  it.effect("refuses what has no end, but never what the user named, or a sitemap", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* carried({ isCaught: true }), ['refused: Trap, "unasked"'])
      for (const depth of [0, -3])
        assert.deepStrictEqual(yield* carried({ isCaught: true }, { ...target, depth }), ["visited"])
    })
  )

  it.effect("queues again what must wait for robots.txt, before it gives the slot back", () =>
    Effect.gen(function* () {
      const robots: Ruling = { _tag: "Deferred", verdict: { fault: "no answer" } }
      assert.deepStrictEqual(yield* carried({ robots }), ["queued", `released {"fault":"no answer"}`])
      const proxy = new ProxyError({ proxy: "http://p:1", code: "ECONNREFUSED" })
      const wanted = carried({ robots: { ...robots, proxy }, proxyWait: "waited for the proxy" })
      assert.deepStrictEqual(yield* wanted, ["queued", `released "unasked"`, "waited for the proxy"])
      const refused: Ruling = { _tag: "Refused", verdict: "answered", error: disallowed, proxy }
      const ended = carried({ robots: refused, proxyWait: "ended for the proxy" })
      assert.deepStrictEqual(yield* ended, ["queued", `released "unasked"`, "ended for the proxy"])
      assert.deepStrictEqual(yield* carried({ robots: refused }), ['refused: RobotsDisallowed, "answered"'])
    })
  )

  it("is open where a download alone is called for", () => {
    const { gate } = gateOf({})
    assert.isTrue(gate.isOpen({ target }))
    assert.isFalse(gate.isOpen({ target, down: { failures: 5, last: "refused" } }))
    assert.isFalse(gate.isOpen({ target: { ...target, partial: { validator: `"1"` } } }))
    assert.isFalse(gateOf({ known: { _tag: "Allowed" } }).gate.isOpen({ target }))
    assert.isFalse(gateOf({ isCaught: true }).gate.isOpen({ target }))
  })

  it("has a redirect wait for its turn at another host, or where hosts keep requests apart", () => {
    const turn = (asked: Parameters<typeof gateOf>[0], to: URL) => gateOf(asked).gate.turn(target, to)
    const within = new URL("http://h/b")
    assert.strictEqual(turn({}, within), "follow")
    assert.strictEqual(turn({ keepsApart: true }, within), "wait")
    assert.strictEqual(turn({}, elsewhere), "wait")
    assert.strictEqual(turn({ known: { _tag: "Allowed" } }, within), "follow")
    assert.strictEqual(turn({ known: { _tag: "Allowed" } }, elsewhere), "wait")
    assert.deepStrictEqual(turn({ known: { _tag: "Refused", verdict: undefined, error: disallowed } }, within), {
      refused: disallowed
    })
  })

  it("asks again at once what was answered to no avail, but for a host that may not be asked yet", () => {
    const now = gateOf({ startsAgain: true })
    assert.isTrue(now.gate.again(target))
    assert.deepStrictEqual(now.did, [])
    const later = gateOf({ startsAgain: false })
    assert.isFalse(later.gate.again(target))
    assert.deepStrictEqual(later.did, ["queued", 'released "answered"'])
  })
})
