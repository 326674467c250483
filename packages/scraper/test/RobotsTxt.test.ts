import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import {
  AddressError,
  ConnectError,
  type FetchReason,
  TimeoutError,
  TlsError,
  TruncatedError
} from "../src/FetchError.ts"
import * as Politeness from "../src/Politeness.ts"
import * as RobotsTxt from "../src/RobotsTxt.ts"
import type { Bounds } from "../src/robots/RobotsMemory.ts"
import type { Copy } from "../src/robots/RobotsPolicy.ts"
import type { Receiver, Request, Session } from "../src/Session.ts"
import type { Aside } from "../src/Sink.ts"
import type { Target } from "../src/Target.ts"

const options = { userAgent: "simul/1", headers: [], delayMs: 0, timeoutMs: 30_000, refresh: false }
const disallow = "User-agent: *\nDisallow: /private/"

/** An exchange that the test answers by hand. */
class Asked {
  paused = false
  aborted = false
  readonly request: Request
  readonly #receiver: Receiver
  constructor(request: Request, receiver: Receiver) {
    this.request = request
    this.#receiver = receiver
  }
  redirect(body: string, isWhole: boolean) {
    const head = { status: 301, url: this.request.url, header: () => undefined }
    this.#receiver.onRedirect?.({ head, body: Buffer.from(body), isWhole })
  }
  head(status: number, headers: Readonly<Record<string, string>> = {}) {
    this.#receiver.onHead({ status, url: this.request.url, header: (name) => headers[name] })
  }
  send(text: string) {
    const chunk = Buffer.from(text)
    if (!this.aborted) this.#receiver.onData(chunk)
    // a chunk is the session's again
    chunk.fill(0)
  }
  end() {
    if (!this.aborted) this.#receiver.onEnd()
  }
  fail(reason: FetchReason) {
    if (!this.aborted) this.#receiver.onError(reason)
  }
  answer(status: number, text = "", headers?: Readonly<Record<string, string>>) {
    this.head(status, headers)
    if (text !== "") this.send(text)
    this.end()
  }
}

/** `isKept`: the store has at once what is learned; else it has what the test puts there. */
const make = (
  given: Partial<Parameters<typeof RobotsTxt.make>[2]> = {},
  bounds?: Bounds,
  isKept = false,
  archived?: Array<Aside>
) => {
  const asked: Array<Asked> = []
  const session: Session["Service"] = {
    open: (request, receiver) => {
      const one = new Asked(request, receiver)
      asked.push(one)
      return {
        pause: () => (one.paused = true),
        resume: () => (one.paused = false),
        abort: () => (one.aborted = true)
      }
    },
    statistics: () => ({ requests: asked.length, redirects: 0, inFlight: 0, bytesReceived: 0 })
  }
  const all = { ...options, ...given }
  const backoff = { baseMs: 1000, random: () => 0.5 }
  const politeness = Politeness.make({ perHost: 6, delayMs: all.delayMs, strikes: 2, robots: true, backoff })
  const kept = new Map<string, Copy>()
  const store = { robots: (host: string) => Effect.sync(() => kept.get(host)) }
  const keep = () => {
    for (const copy of robots.copies()) kept.set(copy.host, copy)
  }
  const robots: RobotsTxt.RobotsTxt = RobotsTxt.make(
    { session, store, sink: archived && { note: (aside) => archived.push(aside) }, now: Date.now },
    politeness,
    all,
    isKept ? keep : () => {},
    bounds
  )
  return { asked, politeness, robots, kept }
}
const target = (path: string, host = "http://a"): Target => ({ url: host + path, host, path: "", attempts: 0 })
const ruleOf = (robots: RobotsTxt.RobotsTxt, one: Target, down?: Politeness.Admission["down"]) =>
  Effect.runFork(robots.rule({ target: one, ...(down === undefined ? {} : { down }) }))
const ruling = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.runPromise(Fiber.join(fiber))
const allowed: RobotsTxt.Ruling = { _tag: "Allowed" }
const refused = (verdict: Politeness.Verdict | undefined, reason: string, message: string): RobotsTxt.Ruling => ({
  _tag: "Refused",
  verdict,
  error: { reason, message }
})
const privately = "robots.txt line 2 of http://a: Disallow: /private/"

describe("RobotsTxt", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it("asks once for all targets of a host that come meanwhile, and never again", async () => {
    const { asked, robots } = make()
    const waiting = ["/1", "/private/2", "/3"].map((path) => ruleOf(robots, target(path)))
    assert.deepStrictEqual(
      asked.map(({ request }) => request.url),
      ["http://a/robots.txt"]
    )
    asked[0]!.answer(200, disallow)
    assert.deepStrictEqual(await Promise.all(waiting.map(ruling)), [
      allowed,
      refused("unasked", "RobotsDisallowed", privately),
      allowed
    ])
    assert.deepStrictEqual(await ruling(ruleOf(robots, target("/4"))), allowed)
    assert.deepStrictEqual(
      await ruling(ruleOf(robots, target("/private/"))),
      refused("unasked", "RobotsDisallowed", privately)
    )
    assert.strictEqual(asked.length, 1)
    ruleOf(robots, target("/1", "http://a:8080"))
    assert.strictEqual(asked[1]!.request.url, "http://a:8080/robots.txt")
  })

  it("says of the target that asked that its host answered, refused or not", async () => {
    const { asked, robots } = make()
    const fiber = ruleOf(robots, target("/private/"))
    asked[0]!.answer(200, disallow)
    assert.deepStrictEqual(await ruling(fiber), refused("answered", "RobotsDisallowed", privately))
  })

  it("bounds the time that a file may take, by that of a target too", () => {
    const one = make()
    ruleOf(one.robots, target("/"))
    assert.strictEqual(one.asked[0]!.request.maxTimeMs, 90_000)
    const other = make({ maxTimeMs: 5000 })
    ruleOf(other.robots, target("/"))
    assert.strictEqual(other.asked[0]!.request.maxTimeMs, 5000)
  })

  it("gives the request up when the last target that waits is interrupted, not before", async () => {
    const { asked, robots } = make()
    const [first, second] = [ruleOf(robots, target("/1")), ruleOf(robots, target("/2"))]
    await Effect.runPromise(Fiber.interrupt(first))
    assert.isFalse(asked[0]!.aborted)
    await Effect.runPromise(Fiber.interrupt(second))
    assert.isTrue(asked[0]!.aborted)
    const third = ruleOf(robots, target("/3"))
    assert.strictEqual(asked.length, 2)
    asked[1]!.answer(404)
    assert.deepStrictEqual(await ruling(third), allowed)
  })

  it("reads 500 KiB and no more, and drops the line that it cut", async () => {
    const { asked, robots } = make()
    const fiber = ruleOf(robots, target("/private/"))
    asked[0]!.head(200)
    asked[0]!.send(disallow)
    for (let index = 0; index < 9; index++) asked[0]!.send(`\n${"#".repeat(59_999)}`)
    assert.isTrue(asked[0]!.aborted)
    assert.strictEqual((await ruling(fiber))._tag, "Refused")

    const cut = ruleOf(robots, target("/x", "http://b"))
    const before = `User-agent: *\n${"#".repeat(500 * 1024 - 30)}\n`
    asked[1]!.answer(200, `${before}Disallow: /xyz and so on`)
    assert.deepStrictEqual(await ruling(cut), allowed)
  })

  it("reads a short error page to its end and gives up a long one", async () => {
    const { asked, robots } = make()
    const fiber = ruleOf(robots, target("/1"))
    asked[0]!.head(404)
    asked[0]!.send("x".repeat(65_536))
    assert.isFalse(asked[0]!.aborted)
    asked[0]!.send("x")
    assert.isTrue(asked[0]!.aborted)
    assert.deepStrictEqual(await ruling(fiber), allowed)
    // the status was said: that its page broke off does not matter
    const other = ruleOf(robots, target("/1", "http://b"))
    asked[1]!.head(404)
    asked[1]!.fail(new ConnectError({ host: "b", code: "ECONNRESET" }))
    assert.deepStrictEqual(await ruling(other), allowed)
  })

  it("puts targets back while the file cannot be had: a fault of the host, told once", async () => {
    const { asked, robots } = make()
    const waiting = [ruleOf(robots, target("/1")), ruleOf(robots, target("/2"))]
    asked[0]!.fail(new ConnectError({ host: "a", code: "ECONNREFUSED" }))
    assert.deepStrictEqual<unknown>(await Promise.all(waiting.map(ruling)), [
      { _tag: "Deferred", verdict: { fault: "cannot talk to a (ECONNREFUSED)" } },
      { _tag: "Deferred", verdict: "unasked" }
    ])
    const starved = ruleOf(robots, target("/1"))
    asked[1]!.fail(new ConnectError({ host: "a", code: "EMFILE" }))
    assert.deepStrictEqual<unknown>(
      await ruling(starved),
      { _tag: "Deferred", verdict: { pauseMs: 1000 } },
      "no fault of the host"
    )
    const again = ruleOf(robots, target("/1"))
    assert.strictEqual(asked.length, 3)
    asked[2]!.answer(503, "", { "retry-after": "7" })
    assert.deepStrictEqual<unknown>(await ruling(again), {
      _tag: "Deferred",
      verdict: { fault: "HTTP 503", pauseMs: 7000 }
    })
    assert.strictEqual(robots.statistics().hosts, 0)
  })

  it("refuses the targets of a host that is down, unless its file is known", async () => {
    const { asked, robots } = make()
    const down = { failures: 3, last: "HTTP 500" }
    assert.deepStrictEqual(
      await ruling(ruleOf(robots, target("/1"), down)),
      refused(undefined, "RobotsUnreachable", "robots.txt of http://a cannot be had: HTTP 500")
    )
    assert.strictEqual(asked.length, 0)
    const fiber = ruleOf(robots, target("/1"))
    asked[0]!.answer(200, disallow)
    await ruling(fiber)
    assert.deepStrictEqual(await ruling(ruleOf(robots, target("/1"), down)), allowed)
  })

  it("refuses at once what asking again would not help", async () => {
    const { asked, robots } = make({ maxTimeMs: 5000 })
    const fiber = ruleOf(robots, target("/1", "https://a"))
    asked[0]!.fail(new TlsError({ host: "a", code: "CERT_HAS_EXPIRED" }))
    const message = "robots.txt of https://a cannot be had: TLS with a failed: expired certificate (CERT_HAS_EXPIRED)"
    assert.deepStrictEqual(await ruling(fiber), refused("answered", "RobotsUnreachable", message))
    assert.deepStrictEqual(
      await ruling(ruleOf(robots, target("/2", "https://a"))),
      refused("unasked", "RobotsUnreachable", message)
    )
    const guarded = ruleOf(robots, target("/1", "http://10.0.0.1"))
    asked[1]!.fail(new AddressError({ host: "10.0.0.1", address: "10.0.0.1" }))
    assert.deepStrictEqual(
      await ruling(guarded),
      refused("answered", "AddressError", "robots.txt of http://10.0.0.1 cannot be had: 10.0.0.1 is a private address")
    )
    // nor a wait that is longer than a target may take
    const busy = ruleOf(robots, target("/1", "http://b"))
    asked[2]!.answer(429, "", { "retry-after": "6" })
    assert.strictEqual((await ruling(busy))._tag, "Refused")
    assert.strictEqual(asked.length, 3)
  })

  it("asks anew after 24 hours", async () => {
    const { asked, robots } = make()
    const first = ruleOf(robots, target("/private/"))
    asked[0]!.answer(200, disallow)
    await ruling(first)
    vi.setSystemTime(1_000_000 + 86_400_000 - 1)
    assert.strictEqual((await ruling(ruleOf(robots, target("/private/"))))._tag, "Refused")
    vi.setSystemTime(1_000_000 + 86_400_000)
    const second = ruleOf(robots, target("/private/"))
    assert.strictEqual(asked.length, 2)
    asked[1]!.answer(410)
    assert.deepStrictEqual(await ruling(second), allowed)
  })

  it("asks no host again within 24 hours, in later runs neither", async () => {
    const first = make({}, undefined, true)
    const fibers = [ruleOf(first.robots, target("/private/")), ruleOf(first.robots, target("/", "http://b"))]
    first.asked[0]!.answer(200, `${disallow}\nCrawl-delay: 5`)
    first.asked[1]!.answer(404)
    await Promise.all(fibers.map(ruling))
    vi.setSystemTime(1_000_000 + 86_400_000 - 1)
    const { asked, politeness, robots, kept } = make()
    for (const [host, copy] of first.kept) kept.set(host, copy)
    assert.deepStrictEqual(
      await ruling(ruleOf(robots, target("/private/"))),
      refused("unasked", "RobotsDisallowed", privately)
    )
    assert.deepStrictEqual(await ruling(ruleOf(robots, target("/", "http://b"))), allowed)
    assert.strictEqual(politeness.crawlDelay("http://a"), 5000)
    assert.strictEqual(asked.length, 0)
    const refreshed = make({ refresh: true })
    for (const [host, copy] of first.kept) refreshed.kept.set(host, copy)
    ruleOf(refreshed.robots, target("/"))
    assert.strictEqual(refreshed.asked.length, 1, "unless it is to be refreshed")
    vi.setSystemTime(1_000_000 + 86_400_000)
    const again = ruleOf(robots, target("/private/"))
    asked[0]!.answer(404)
    assert.deepStrictEqual(await ruling(again), allowed)
  })

  it("keeps the delay of a file that it has from an earlier run", async () => {
    const { asked, politeness, robots, kept } = make()
    kept.set("http://a", {
      host: "http://a",
      askedMs: 500_000,
      kind: "rules",
      body: Buffer.from("User-agent: *\nCrawl-delay: 5")
    })
    for (const path of ["/1", "/2"]) politeness.add(target(path))
    const first = politeness.take(Date.now())!
    assert.deepStrictEqual(await ruling(Effect.runFork(robots.rule(first))), allowed)
    politeness.release(first.target, Date.now(), "answered")
    assert.isUndefined(politeness.take(Date.now() + 4999))
    assert.isDefined(politeness.take(Date.now() + 5000))
    assert.strictEqual(asked.length, 0)
  })

  it("takes back the delay that an earlier file wanted and this one does not", async () => {
    const { asked, politeness, robots } = make()
    const pause = { nextMs: 0, pausedMs: 0, asked: false, strikes: 0, fault: "" }
    politeness.restore([{ host: "http://a", ...pause, delayMs: 5000, crawlDelayMs: 5000 }], Date.now())
    const fiber = ruleOf(robots, target("/1"))
    asked[0]!.answer(200, disallow)
    assert.deepStrictEqual(await ruling(fiber), allowed)
    assert.strictEqual(politeness.crawlDelay("http://a"), 0)
  })

  it("goes by an older file while its host cannot be had, an hour at a time, for 30 days", async () => {
    const { asked, robots, kept } = make({}, undefined, true)
    const body = Buffer.from(disallow)
    const askedMs = 1_000_000
    kept.set("http://a", { host: "http://a", askedMs, kind: "rules", body })
    vi.setSystemTime(askedMs + 2 * 86_400_000)
    const stale = ruleOf(robots, target("/private/"))
    asked[0]!.answer(503)
    assert.deepStrictEqual(await ruling(stale), refused("answered", "RobotsDisallowed", privately))
    assert.deepStrictEqual(await ruling(ruleOf(robots, target("/1"))), allowed)
    assert.strictEqual(kept.get("http://a")!.askedMs, askedMs, "the older file is kept")
    vi.setSystemTime(askedMs + 2 * 86_400_000 + 3_600_000)
    const retried = ruleOf(robots, target("/private/"))
    asked[1]!.answer(200, "")
    assert.deepStrictEqual(await ruling(retried), allowed)

    kept.set("http://b", { host: "http://b", askedMs, kind: "rules", body })
    vi.setSystemTime(askedMs + 30 * 86_400_000)
    const ancient = ruleOf(robots, target("/1", "http://b"))
    asked[2]!.answer(501)
    assert.strictEqual((await ruling(ancient))._tag, "Refused")
    assert.strictEqual(kept.get("http://b")!.kind, "unreachable")
  })

  it("does not believe a file from the future", async () => {
    const { asked, robots, kept } = make()
    kept.set("http://a", { host: "http://a", askedMs: 1_000_001, kind: "unavailable" })
    ruleOf(robots, target("/1"))
    assert.strictEqual(asked.length, 1)
  })

  it("forgets the host least recently asked about, when there are too many", async () => {
    const { asked, robots } = make({}, { hosts: 2, bytes: Infinity })
    const learn = async (host: string) => {
      const before = asked.length
      const fiber = ruleOf(robots, target("/", host))
      if (asked.length > before) asked[before]!.answer(404)
      await ruling(fiber)
      return asked.length > before
    }
    assert.isTrue(await learn("http://a"))
    assert.isTrue(await learn("http://b"))
    assert.isFalse(await learn("http://a"))
    assert.isTrue(await learn("http://c"))
    assert.isFalse(await learn("http://a"))
    assert.isTrue(await learn("http://b"))
    assert.strictEqual(robots.statistics().hosts, 2)
  })

  it("keeps what is said to it alone, within bounds, and judges what waited even if nothing can be kept", async () => {
    const others = Array.from(
      { length: 5000 },
      (_, index) => `User-agent: x${"y".repeat(index % 50)}\nDisallow: /${index}`
    )
    const { asked, robots } = make()
    const fiber = ruleOf(robots, target("/private/"))
    asked[0]!.answer(200, `${disallow}\n${others.join("\n")}`)
    await ruling(fiber)
    assert.isBelow(robots.statistics().bytes, 1_000_000)

    const tight = make({}, { hosts: 10, bytes: 1000 })
    const many = tight.robots
    const waiting = [ruleOf(many, target("/private/")), ruleOf(many, target("/1"))]
    tight.asked[0]!.answer(200, disallow + "\nDisallow: /x".repeat(100))
    assert.deepStrictEqual(
      (await Promise.all(waiting.map(ruling))).map(({ _tag }) => _tag),
      ["Refused", "Allowed"]
    )
    assert.deepStrictEqual(many.statistics(), { hosts: 0, bytes: 0 })
  })

  it("keeps targets apart by the delay of the file, from the request for it on, and gives each its turn", async () => {
    const { asked, politeness, robots } = make({}, { hosts: 0, bytes: 0 })
    // nothing is remembered here: the delay goes with the answer, but whoever waited need not ask again
    for (const path of ["/1", "/private/2"]) politeness.add(target(path))
    const [first, second] = [politeness.take(Date.now())!, politeness.take(Date.now())!]
    const waiting = [first, second].map((admission) => Effect.runFork(robots.rule(admission)))
    vi.setSystemTime(1_000_400)
    asked[0]!.answer(200, `${disallow}\nCrawl-delay: 2`)
    assert.deepStrictEqual<unknown>(await Promise.all(waiting.map(ruling)), [
      { _tag: "Deferred", verdict: "answered" },
      refused("unasked", "RobotsDisallowed", privately)
    ])
    politeness.add(first.target)
    politeness.release(first.target, Date.now(), "answered")
    politeness.release(second.target, Date.now(), "unasked")
    assert.isUndefined(politeness.take(1_001_999))
    const turn = politeness.take(1_002_000)!
    assert.strictEqual(turn.target, first.target)
    assert.deepStrictEqual(await ruling(Effect.runFork(robots.rule(turn))), allowed)
    assert.strictEqual(asked.length, 1)
  })

  it("does not believe a delay of more than five minutes, nor a shorter one than ours", async () => {
    for (const [delay, expected] of [
      ["86400", 300_000],
      ["0.01", 50]
    ] as const) {
      const { asked, politeness, robots } = make({ delayMs: 50 })
      politeness.add(target("/1"))
      const admission = politeness.take(Date.now())!
      const fiber = Effect.runFork(robots.rule(admission))
      asked[0]!.answer(200, `User-agent: *\nCrawl-delay: ${delay}`)
      assert.strictEqual((await ruling(fiber))._tag, "Deferred")
      politeness.add(admission.target)
      politeness.release(admission.target, Date.now(), "answered")
      assert.isUndefined(politeness.take(Date.now()))
      assert.strictEqual(politeness.wakeMs(), Date.now() + expected)
    }
  })

  it("gives what is archived every answer as it came, in the step in which it learns, and says where it is cut", async () => {
    const archived: Array<Aside> = []
    const told = () =>
      archived.splice(0).map(({ head, body, truncated }) => [head.status, Buffer.from(body).toString(), truncated])
    const { asked, robots } = make({}, undefined, false, archived)
    const answered = (host: string, by: (one: Asked) => void) => {
      ruleOf(robots, target("/", host))
      assert.deepStrictEqual(archived, [])
      by(asked.at(-1)!)
      return told()
    }
    assert.deepStrictEqual(
      answered("http://a", (one) => {
        one.redirect("moved", true)
        one.redirect("moved aga", false)
        assert.deepStrictEqual(archived, [])
        one.answer(200, disallow)
      }),
      [
        [301, "moved", undefined],
        [301, "moved aga", "length"],
        [200, disallow, undefined]
      ]
    )
    assert.strictEqual(robots.copies().length, 1)
    assert.deepStrictEqual(
      answered("http://b", (one) => one.answer(404, "none")),
      [[404, "none", undefined]]
    )
    const cuts: ReadonlyArray<readonly [(one: Asked) => void, string]> = [
      [(one) => one.send("x".repeat(512_001)), "length"],
      [(one) => one.fail(new TimeoutError({ phase: "body", ms: 1 })), "time"],
      [(one) => one.fail(new TruncatedError({ received: 3 })), "disconnect"]
    ]
    for (const [index, [cut, truncated]] of cuts.entries()) {
      const [only, ...others] = answered(`http://cut${index}`, (one) => {
        one.head(200)
        one.send("abc")
        cut(one)
      })
      assert.deepStrictEqual([only![0], only![2], others], [200, truncated, []])
      assert.match(String(only![1]), /^abc/)
    }
    const one = ruleOf(robots, target("/", "http://d"))
    asked.at(-1)!.head(200)
    await Effect.runPromise(Fiber.interrupt(one))
    assert.deepStrictEqual(told(), [])
  })

  it("takes its product token from the beginning of the User-Agent that is sent", () => {
    const token = (userAgent: string, headers: ReadonlyArray<readonly [string, string]> = []) =>
      RobotsTxt.productToken({ userAgent, headers })
    assert.strictEqual(token("simul/0.1 (+https://example.org)"), "simul")
    assert.strictEqual(token("My-Bot_x/2.0 simul/1"), "My-Bot_x")
    assert.strictEqual(token("Bot7/1"), "Bot")
    assert.strictEqual(token(""), "simul")
    assert.strictEqual(token("(no token)"), "simul")
    assert.strictEqual(token("simul/0.1", [["USER-agent", "Other"]]), "Other")
  })
})
