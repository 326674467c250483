import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import type * as Download from "../src/Download.ts"
import { TimeoutError } from "../src/FetchError.ts"
import type { Receiver, Session } from "../src/Session.ts"
import type { Part, Sink } from "../src/Sink.ts"
import type { Target } from "../src/Target.ts"
import * as Transfers from "../src/Transfers.ts"

afterEach(() => void vi.restoreAllMocks())

const target: Target = { url: "http://h/a", host: "http://h", path: "a", attempts: 0 }
const part = {
  bytes: 5,
  write: () => true,
  finish: () => ({ bytes: 5 }),
  keep: () => true,
  discard: () => {}
} as unknown as Part
const head = (url: string, fields: Readonly<Record<string, string>> = {}) => {
  return { status: 200, url, header: (name: string) => fields[name] }
}
/** Long, and with a validator. */
const resumable = { etag: `"1"`, "content-length": "1000000" }

const transfersOf = (open: Session["Service"]["open"], answered: Array<unknown> = []) => {
  const session = { open } as unknown as Session["Service"]
  const sink = { open: () => part } as unknown as Sink["Service"]
  const politeness = { answered: (...said: ReadonlyArray<unknown>) => void answered.push(said) }
  const options: Download.DownloadOptions = { suggestions: false, raw: false, turn: () => "follow", timed: true }
  return Transfers.make({ session, sink }, politeness, options)
}

const deaf = { pause: () => {}, resume: () => {}, abort: () => {} }

const begin = () => {
  let receiver!: Receiver
  const answered: Array<unknown> = []
  const transfers = transfersOf((_request, given) => {
    receiver = given
    return deaf
  }, answered)
  const ended: Array<Download.Attempt> = []
  const download = transfers.start(target, undefined, (attempt) => ended.push(attempt))
  return { transfers, download, receiver, answered, ended }
}

describe("Transfers", () => {
  it("knows what is under way until it ends", () => {
    const { transfers, receiver, ended } = begin()
    assert.deepStrictEqual(transfers.of(new Set([target.url, "http://h/b"])), [target])
    assert.deepStrictEqual(transfers.of(new Set(["http://h/b"])), [])
    receiver.onHead(head(target.url))
    receiver.onEnd()
    assert.strictEqual(ended.length, 1)
    assert.deepStrictEqual(transfers.of(new Set([target.url])), [])
    assert.deepStrictEqual(transfers.all(), [])
  })

  it("hears of an exchange that took its receiver and could not be opened", () => {
    let receiver!: Receiver
    const bug = new Error("no")
    const open = (_request: unknown, given: Receiver) => {
      receiver = given
      throw bug
    }
    const ended: Array<Download.Attempt> = []
    const transfers = transfersOf(open)
    assert.throws(() => transfers.start(target, undefined, (attempt) => ended.push(attempt)), bug)
    receiver.onError(new TimeoutError({ phase: "total", ms: 9 }))
    assert.strictEqual(ended.length, 1)
    assert.deepStrictEqual(transfers.all(), [])
  })

  it("keeps no transfer that ended before its session had opened", () => {
    const transfers = transfersOf((_request, receiver) => {
      receiver.onError(new TimeoutError({ phase: "total", ms: 9 }))
      return deaf
    })
    const ended: Array<Download.Attempt> = []
    transfers.start(target, undefined, (attempt) => ended.push(attempt))
    assert.strictEqual(ended.length, 1)
    assert.deepStrictEqual(transfers.all(), [])
  })

  it("names once what has taken a second and can be continued", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0)
    const { transfers, receiver } = begin()
    now.mockReturnValue(1000)
    assert.deepStrictEqual(transfers.noteworthy(), [], "no answer yet")
    receiver.onHead(head(target.url, resumable))
    now.mockReturnValue(999)
    assert.deepStrictEqual(transfers.noteworthy(), [])
    now.mockReturnValue(1000)
    assert.isTrue(transfers.isNoteworthy())
    assert.deepStrictEqual(transfers.noteworthy(), [{ ...target, partial: { validator: `"1"`, total: 1_000_000 } }])
    assert.isFalse(transfers.isNoteworthy())
    assert.deepStrictEqual(transfers.noteworthy(), [])
  })

  it("keeps what it gives up with its part, and nothing of what has ended", () => {
    const { transfers, download, receiver } = begin()
    receiver.onHead(head(target.url, resumable))
    transfers.giveUp(download)
    const kept = { ...target, partial: { validator: `"1"`, total: 1_000_000 } }
    assert.deepStrictEqual(transfers.interrupted(), [kept])
    transfers.giveUp(download)
    assert.deepStrictEqual(transfers.interrupted(), [kept])

    const over = begin()
    over.receiver.onHead(head(target.url))
    over.receiver.onEnd()
    over.transfers.giveUp(over.download)
    assert.deepStrictEqual(over.transfers.interrupted(), [])
  })

  it("tells how fast a host is by what it answered itself", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(1000)
    const own = begin()
    own.receiver.onSent?.()
    now.mockReturnValue(1003)
    own.receiver.onHead(head(target.url))
    own.receiver.onEnd()
    assert.deepStrictEqual(own.answered, [["http://h", 3, true]])

    const elsewhere = begin()
    elsewhere.receiver.onSent?.()
    elsewhere.receiver.onHead(head("http://other/a"))
    elsewhere.receiver.onEnd()
    assert.deepStrictEqual(elsewhere.answered, [])

    const untold = begin()
    untold.receiver.onHead(head(target.url))
    untold.receiver.onError(new TimeoutError({ phase: "body", ms: 9 }))
    assert.deepStrictEqual(untold.answered, [], "the session does not tell when it was asked")
  })
})
