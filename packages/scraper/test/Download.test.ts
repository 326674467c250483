import { assert, describe, it } from "@effect/vitest"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Download from "../src/Download.ts"
import { RedirectError } from "../src/FetchError.ts"
import type { Receiver, Request, Session } from "../src/Session.ts"
import { DiskFull, type Part, type Sink } from "../src/Sink.ts"

/**
 * An answer that goes on for as many bytes as are asked for, on a disk that has room for some. `kept`: bytes that an earlier
 * attempt left.
 */
const answer = (
  fields: Readonly<Record<string, string>>,
  options: Partial<Download.DownloadOptions>,
  room = Infinity,
  kept = 0
) => {
  let receiver!: Receiver
  let request!: Request
  const told: Array<string> = []
  const part = {
    bytes: kept,
    write: (chunk: Uint8Array) => {
      if (part.bytes + chunk.length > room) throw new DiskFull({ path: "" })
      part.bytes += chunk.length
      return true
    },
    finish: () => ({ bytes: part.bytes }),
    keep: () => told.push("kept") > 0,
    discard: () => told.push("discarded")
  }
  const session = {
    open: (asked: Request, given: Receiver) => {
      request = asked
      receiver = given
      return { pause: () => {}, resume: () => {}, abort: () => told.push("aborted") }
    }
  } as unknown as Session["Service"]
  const sink = { open: () => part as unknown as Part } as unknown as Sink["Service"]
  const target = { url: "http://h/radio", host: "http://h", path: "", attempts: 0, partial: { validator: '"v"' } }
  const whole: Download.DownloadOptions = {
    suggestions: false,
    raw: false,
    turn: () => "follow",
    timed: false,
    ...options
  }
  const attempts: Array<Download.Attempt> = []
  const left = kept === 0 ? undefined : (part as unknown as Part)
  Download.start({ session, sink }, target, left, whole, (attempt) => attempts.push(attempt))
  receiver.onHead({ status: kept === 0 ? 200 : 206, url: target.url, header: (name) => fields[name] })
  return { request, receiver, told, attempts }
}

describe("Download", () => {
  it("follows a redirect at once, but where its host asks for a pause", () => {
    const { request, receiver, attempts } = answer({}, {})
    const to = new URL("http://h/b")
    const asked = ["http://h/a "]
    assert.isTrue(request.follows!(to, asked))
    assert.isFalse(request.follows!(to, asked, 7000))
    receiver.onError(new RedirectError({ kind: "scope", location: to.href, count: 1 }))
    const hop = { url: to.href, host: to.origin, asked }
    assert.deepStrictEqual(attempts, [{ _tag: "Turned", hop, turn: "wait", waitMs: 7000 }])
  })

  it("gives up a body that tells no length when it is longer than it may be", () => {
    const { receiver, told, attempts } = answer({}, { endless: { bytes: 100, ms: Infinity } })
    receiver.onData(new Uint8Array(100))
    assert.deepStrictEqual(attempts, [])
    receiver.onData(new Uint8Array(1))
    const [attempt] = attempts
    assert.isTrue(attempt?._tag === "Failed" && attempt.reason._tag === "EndlessError")
    if (attempt?._tag === "Failed")
      assert.match(attempt.reason.message, /^no end: it tells no length, and was still coming after 101 bytes and /)
    assert.sameMembers(told, ["discarded", "aborted"])
    receiver.onData(new Uint8Array(1))
    assert.strictEqual(attempts.length, 1)
  })

  it("or takes longer", () => {
    const { receiver, attempts } = answer({}, { endless: { bytes: Infinity, ms: -1 } })
    receiver.onData(new Uint8Array(1))
    assert.strictEqual(attempts[0]?._tag, "Failed")
  })

  it("takes what tells its length, and what no bound is given for", () => {
    for (const [fields, options] of [
      [{ "content-length": "300" }, { endless: { bytes: 100, ms: -1 } }],
      [{}, {}]
    ] as const) {
      const { receiver, attempts } = answer(fields, options)
      receiver.onData(new Uint8Array(300))
      receiver.onEnd()
      assert.strictEqual(attempts[0]?._tag, "Complete")
    }
  })

  it.each([
    ["what is missing of a kept part", { etag: '"v"', "content-length": "400000" }, 400_000, 100_000, "kept"],
    ["the whole of one that is not kept", { "content-length": "400000" }, 400_000, 400_000, "discarded"],
    ["more than it found of one without a length", { etag: '"v"' }, undefined, 300_002, "discarded"],
    ["the same of one that could not be continued", {}, undefined, 300_002, "discarded"]
  ] as const)("tells a full disk %s", (_what, fields, size, needed, became) => {
    const { receiver, told, attempts } = answer(fields, {}, 300_000)
    receiver.onData(new Uint8Array(300_000))
    receiver.onData(new Uint8Array(2))
    const [attempt = assert.fail()] = attempts
    assert.isTrue(attempt._tag === "DiskFull" && attempt.size === size && attempt.needed === needed)
    assert.include(told, became)
  })

  it.each([
    ["ends too early", 59, "body ended at 99 of 100 bytes", false, "kept"],
    ["goes on too long", 61, "cannot resume: the range goes beyond the 100 bytes of the body", true, "discarded"]
  ] as const)("takes no rest in chunks that %s", (_what, bytes, message, restart, became) => {
    const { receiver, told, attempts } = answer({ "content-range": "bytes 40-99/100" }, {}, Infinity, 40)
    receiver.onData(new Uint8Array(bytes))
    receiver.onEnd()
    const [attempt = assert.fail()] = attempts
    assert.isTrue(attempt._tag === "Failed" && attempt.reason.message === message)
    assert.isTrue(attempt._tag === "Failed" && (attempt.restart === true) === restart)
    assert.include(told, became)
  })

  it("is let go of by the next collection of what is new, once it is over", () => {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void
    const downloads = 500
    const size = 8192
    collect()
    const before = process.memoryUsage().heapUsed
    for (let count = 0; count < downloads; count++) {
      const held = { held: Array.from({ length: size / 8 }, () => 0) } as Partial<Download.DownloadOptions>
      answer({}, held).receiver.onEnd()
    }
    collect({ type: "minor" })
    collect({ type: "minor" })
    assert.isBelow((process.memoryUsage().heapUsed - before) / downloads, size / 4)
  })
})
