import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { type FromWatchdog, watchdog, type WatchdogParts, watches, word, words } from "../../src/node/Watchdog.ts"

/** A main thread that stops beating, and answers the inspector when it is let. */
const make = () => {
  const heartbeat = new Int32Array(words)
  const reports: Array<FromWatchdog> = []
  let nowMs = 0
  let heard: (() => void) | undefined
  let paused: ((message: unknown) => void) | undefined
  class Session {
    on(event: string, listener: (message: unknown) => void) {
      if (event === "Debugger.paused") paused = listener
    }
    post(method: string, answered?: () => void) {
      if (method === "Runtime.disable") heard = answered
      else answered?.()
    }
    connectToMainThread() {}
    disconnect() {}
  }
  const port = { postMessage: (message: unknown) => message !== watches && reports.push(message as FromWatchdog) }
  const parts = {
    Session,
    fileURLToPath: (url: string) => url.slice(7),
    port,
    clock: () => nowMs * 10
  } as unknown as WatchdogParts
  watchdog({ heartbeat, thresholdMs: 100, samplingMs: 10, frames: 5, word, watches }, parts)
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      nowMs += 10
      vi.advanceTimersByTime(10)
    }
  }
  /** `cpuMs`: how long it has run so far. */
  const beat = (cpuMs = 0) => {
    heartbeat[word.beats]!++
    heartbeat[word.beatAt] = nowMs * 10
    heartbeat[word.cpu] = cpuMs * 10
  }
  /** Time in which the watchdog does not look. */
  const oversleep = (ms: number) => void (nowMs += ms)
  const frame = {
    functionName: "busy",
    location: { scriptId: "1", lineNumber: 4, columnNumber: 2 },
    url: "file:///a.ts"
  }
  const stop = () => paused!({ params: { callFrames: [frame] } })
  beat(20)
  pass(10)
  return { pass, oversleep, beat, hear: () => heard!(), stop, reports }
}

describe("the watchdog", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval"] }))
  afterEach(() => void vi.useRealTimers())

  it("names a function that could be stopped in late, for that takes its time", () => {
    const { pass, beat, hear, stop, reports } = make()
    pass(120)
    hear()
    pass(180)
    stop()
    beat(290)
    pass(10)
    const stack = [{ function: "busy", file: "/a.ts", line: 5, column: 3 }]
    assert.deepStrictEqual(reports, [
      { durationMs: 310, cpuMs: 270, stack, takenMs: 310, isNative: false, reason: undefined }
    ])
  })

  it("has taken no stack after the end, though it hears of it later", () => {
    const { pass, oversleep, beat, hear, stop, reports } = make()
    pass(120)
    hear()
    beat()
    oversleep(5)
    stop()
    pass(10)
    assert.deepStrictEqual(
      reports.map(({ durationMs, takenMs }) => [durationMs, takenMs]),
      [[130, 130]]
    )
  })

  it("tells native code, from within which nothing is answered", () => {
    const { pass, beat, hear, stop, reports } = make()
    pass(300)
    hear()
    pass(100)
    stop()
    beat()
    pass(10)
    assert.deepStrictEqual(
      reports.map(({ durationMs, isNative }) => [durationMs, isNative]),
      [[410, true]]
    )
  })

  it("does not take for native what it asked too late itself", () => {
    const { pass, beat, hear, stop, reports } = make()
    pass(130)
    hear()
    stop()
    beat()
    pass(10)
    assert.deepStrictEqual(
      reports.map(({ durationMs, isNative }) => [durationMs, isNative]),
      [[140, false]]
    )
  })
})
