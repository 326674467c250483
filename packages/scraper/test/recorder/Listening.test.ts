import { assert, describe, it } from "@effect/vitest"
import { TimeoutError } from "../../src/FetchError.ts"
import type { Receiver, ResponseHead } from "../../src/Session.ts"
import type { Part } from "../../src/Sink.ts"
import { causes, indexOf } from "../../src/recorder/Cause.ts"
import { Ear, type Shared, WatchedPart } from "../../src/recorder/Listening.ts"
import { noSums } from "../../src/recorder/Gate.ts"
import type { Track } from "../../src/recorder/Track.ts"
import { Tracks } from "../../src/recorder/Tracks.ts"

const headOf = (coding?: string): ResponseHead => ({
  status: 200,
  url: "http://h/",
  header: (name) => (name === "content-encoding" ? coding : undefined)
})

/** A target that is asked at 0, on a clock that is moved by hand. */
const make = (calls: Partial<Receiver> = {}) => {
  const clock = { ms: 0 }
  const shared: Shared = { nowMs: () => clock.ms, originMs: 1000, judging: undefined, heard: 0 }
  const none = noSums
  const track = new Tracks(() => {}).begin("http://h/", "http://h", 0, none)
  track.leaveQueue(indexOf.line, 0, none)
  const silent: Receiver = { onHead: () => {}, onData: () => {}, onEnd: () => {}, onError: () => {} }
  const ear = new Ear(track, { ...silent, ...calls }, shared)
  const transfer = ear.watch({ pause: () => {}, resume: () => {}, abort: () => {} })
  const end = () => {
    const lane = track.finish(clock.ms, {})
    const sums = new Float64Array(causes.length)
    lane.times(sums)
    return {
      times: Object.fromEntries(
        causes.map((cause, index) => [cause, sums[index]!] as const).filter(([, ms]) => ms > 0)
      ),
      spans: lane.spans(0).map(({ name, startMs, endMs }) => [name, startMs, endMs])
    }
  }
  return { clock, shared, track, ear, transfer, end }
}
const bytes = new Uint8Array(1)

describe("Ear", () => {
  it("has one wait for the head where the session tells no more", () => {
    const { clock, ear, end } = make()
    clock.ms = 7
    ear.onHead(headOf())
    clock.ms = 9
    ear.onEnd()
    assert.deepStrictEqual(end(), {
      times: { "first byte": 7, body: 2 },
      spans: [
        ["first byte", 0, 7],
        ["body", 7, 9]
      ]
    })
  })

  it("tells the connection from the first byte where the session tells when the request goes out", () => {
    const { clock, ear, end } = make()
    clock.ms = 4
    ear.onSent()
    clock.ms = 6
    ear.onAgain()
    clock.ms = 7
    ear.onSent()
    clock.ms = 9
    ear.onHead(headOf())
    assert.deepStrictEqual(end(), {
      times: { connection: 5, "first byte": 4 },
      spans: [
        ["connection", 0, 4],
        ["first byte", 4, 6],
        ["connection", 6, 7],
        ["first byte", 7, 9]
      ]
    })
  })

  it("passes on how the exchange comes to its answer", () => {
    const told: Array<string> = []
    const { ear } = make({
      onOpening: (marks) => told.push(...marks.map(({ phase }) => phase)),
      onSent: () => told.push("sent"),
      onAgain: () => told.push("again")
    })
    ear.onOpening([{ phase: "dns", atMs: 1000 }])
    ear.onSent()
    ear.onAgain()
    ear.onOpening([{ phase: "open", atMs: 1001 }])
    ear.onSent()
    assert.deepStrictEqual(told, ["dns", "sent", "again", "open", "sent"])
  })

  it("splits the wait for a connection by how that came to be, as far as it was its own wait", () => {
    const { clock, ear, end } = make()
    clock.ms = 20
    ear.onOpening([
      { phase: "dns", atMs: 995 },
      { phase: "connect", atMs: 1004 },
      { phase: "tls", atMs: 1009 },
      { phase: "open", atMs: 1019 }
    ])
    ear.onSent()
    ear.onOpening([{ phase: "dns", atMs: 1000 }])
    clock.ms = 21
    ear.onHead(headOf())
    assert.deepStrictEqual(end(), {
      times: { connection: 1, dns: 4, connect: 5, tls: 10, "first byte": 1 },
      spans: [
        ["dns", 0, 4],
        ["connect", 4, 9],
        ["tls", 9, 19],
        ["connection", 19, 20],
        ["first byte", 20, 21]
      ]
    })
  })

  it("says what a connection was at that never stood", () => {
    const { clock, ear, end } = make()
    clock.ms = 30
    ear.onOpening([
      { phase: "dns", atMs: 1002 },
      { phase: "connect", atMs: 1004 }
    ])
    ear.onError(new TimeoutError({ phase: "connect", ms: 26 }))
    clock.ms = 31
    assert.deepStrictEqual(end().times, { connection: 2, dns: 2, connect: 26, line: 1 })
  })

  it("charges the work on a coded chunk to its decoding, and what is held back to that", () => {
    const { clock, ear, transfer, end } = make({
      onData: () => {
        clock.ms += 5
      }
    })
    ear.onHead(headOf("gzip"))
    clock.ms = 10
    ear.onData(bytes)
    transfer.pause()
    clock.ms = 25
    transfer.resume()
    clock.ms = 26
    ear.onEnd()
    clock.ms = 30
    assert.deepStrictEqual(end().times, { body: 11, held: 10, decode: 9 })
  })

  it("ends with the exchange that was given up, and hears nothing of it afterwards", () => {
    const { clock, ear, track, transfer, end } = make()
    clock.ms = 3
    transfer.abort()
    clock.ms = 4
    ear.onHead(headOf())
    ear.onData(bytes)
    ear.onSent()
    ear.onEnd()
    transfer.pause()
    assert.strictEqual(track.phase, indexOf.line)
    clock.ms = 5
    assert.deepStrictEqual(end().times, { connection: 3, line: 2 })
  })

  it("says whose answer is judged only while it is, even if that throws", () => {
    let judged: Track | undefined
    const { ear, track, shared } = make({
      onHead: () => {
        judged = shared.judging
        throw new Error("no")
      }
    })
    assert.throws(() => ear.onHead(headOf()), "no")
    assert.strictEqual(judged, track)
    assert.isUndefined(shared.judging)
  })
})

describe("WatchedPart", () => {
  it("charges nothing to the target that has the track after its own", () => {
    const { clock, ear, track, shared, end } = make()
    const slow = () => {
      clock.ms += 5
      return true
    }
    const inner: Part = {
      bytes: 0,
      drained: () => {},
      write: slow,
      finish: () => ({ bytes: Number(slow()) }),
      place: (path) => path + String(slow()),
      read: async function* () {},
      keep: slow,
      abandon: slow,
      discard: slow
    }
    const part = new WatchedPart(inner, track, shared)
    end()
    track.begin("http://h/2", "http://h", clock.ms, noSums)
    track.leaveQueue(indexOf.line, clock.ms, noSums)
    part.write(bytes)
    part.finish()
    part.keep()
    ear.onData(bytes)
    ear.onError(new TimeoutError({ phase: "total", ms: 1 }))
    assert.deepStrictEqual(end(), { times: { line: 15 }, spans: [["line", 0, 15]] })
  })

  it("charges what the part does to the disk, and passes on all it says", () => {
    const { clock, ear, track, shared, end } = make()
    const said: Array<string> = []
    const work = (name: string, ms: number) => {
      said.push(name)
      clock.ms += ms
    }
    const inner: Part = {
      bytes: 3,
      drained: () => {},
      write: () => (work("write", 1), false),
      finish: () => (work("finish", 2), { bytes: 3, sha256: "00" }),
      place: (path) => (work(path, 4), `placed ${path}`),
      read: async function* () {},
      keep: () => (work("keep", 8), true),
      abandon: (truncated) => work(truncated, 16),
      discard: () => work("discard", 32)
    }
    const part = new WatchedPart(inner, track, shared)
    ear.onHead(headOf())
    assert.isFalse(part.write(bytes))
    clock.ms += 100
    ear.onEnd()
    assert.deepStrictEqual(part.finish(), { bytes: 3, sha256: "00" })
    clock.ms += 200
    assert.isTrue(part.keep())
    part.abandon("time")
    part.discard()
    assert.strictEqual(part.place("path"), "placed path")
    part.drained = () => said.push("drained")
    inner.drained()
    assert.strictEqual(part.bytes, 3)
    assert.deepStrictEqual(said, ["write", "finish", "keep", "time", "discard", "path", "drained"])
    assert.deepStrictEqual(end(), {
      times: { body: 100, line: 200, disk: 63 },
      spans: [
        ["body", 0, 101],
        ["disk", 101, 363]
      ]
    })
  })
})
