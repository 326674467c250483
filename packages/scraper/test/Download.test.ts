import { assert, describe, it } from "@effect/vitest"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Download from "../src/Download.ts"
import type { Receiver, Session } from "../src/Session.ts"
import type { Part, Sink } from "../src/Sink.ts"

/** An answer that goes on for as many bytes as are asked for. */
const answer = (fields: Readonly<Record<string, string>>, options: Partial<Download.DownloadOptions>) => {
  let receiver!: Receiver
  const told: Array<string> = []
  let bytes = 0
  const part = {
    write: (chunk: Uint8Array) => {
      bytes += chunk.length
      return true
    },
    finish: () => ({ bytes }),
    discard: () => told.push("discarded")
  } as unknown as Part
  const session = {
    open: (_request: unknown, given: Receiver) => {
      receiver = given
      return { pause: () => {}, resume: () => {}, abort: () => told.push("aborted") }
    }
  } as unknown as Session["Service"]
  const sink = { open: () => part } as unknown as Sink["Service"]
  const target = { url: "http://h/radio", host: "http://h", path: "", attempts: 0 }
  const whole: Download.DownloadOptions = {
    suggestions: false,
    raw: false,
    turn: () => "follow",
    timed: false,
    ...options
  }
  const attempts: Array<Download.Attempt> = []
  Download.start({ session, sink }, target, undefined, whole, (attempt) => attempts.push(attempt))
  receiver.onHead({ status: 200, url: target.url, header: (name) => fields[name] })
  return { receiver, told, attempts }
}

describe("Download", () => {
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
