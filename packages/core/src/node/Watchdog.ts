/**
 * The thread that watches the main thread's heartbeat. Its text is sent
 * (`String(watchdog)`), so that a bundled program needs no second file; hence it
 * refers to nothing outside itself but what it is given.
 *
 * The inspector keeps every script of the main thread in the memory of an
 * attached session and holds the process up at its exit while one is attached:
 * hence a session lives from the threshold to the pause, and no longer.
 */
import type { Session } from "node:inspector"
import type { MessagePort } from "node:worker_threads"

/** What the words of the heartbeat are. */
export const word = {
  /** Beats so far. */
  beats: 0,
  /** When the last one was, on `clock`. */
  beatAt: 1,
  /** 1 while a debugger is attached. */
  debugged: 2,
  /** 1 while the session of the watchdog is. */
  attached: 3,
  /** CPU time of the main thread at that beat, in tenths of a millisecond; it wraps as the clock does. */
  cpu: 4
} as const
export const words = 5

/** Tenths of a millisecond on the clock that threads share; it wraps, and differences within three days are right. */
export function clock(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return Math.round(seconds * 1e4 + nanoseconds / 1e5) | 0
}

export interface WatchdogData {
  readonly heartbeat: Int32Array
  readonly thresholdMs: number
  readonly samplingMs: number
  readonly frames: number
  readonly word: typeof word
  readonly watches: typeof watches
}

/** What the thread is given of Node. */
export interface WatchdogParts {
  readonly Session: typeof Session
  readonly fileURLToPath: (url: string) => string
  readonly port: MessagePort
  readonly clock: () => number
}

export interface FromWatchdog {
  readonly durationMs: number
  readonly cpuMs: number
  readonly stack: ReadonlyArray<{
    readonly function: string
    readonly file: string
    readonly line: number
    readonly column: number
  }>
  readonly takenMs: number | undefined
  readonly isNative: boolean
  readonly reason: string | undefined
}

/** The first message: the thread watches. */
export const watches = "watches"

type Stack = FromWatchdog["stack"]

/** What is known of a stall that lasts. */
interface Stall {
  stack: Stack
  takenMs: number | undefined
  reason: string | undefined
  /** When the main thread was asked for its stack and when it heard of that, on `clock`; `undefined`: not yet. */
  askedAt: number | undefined
  heardAt: number | undefined
}

export function watchdog(
  { heartbeat, thresholdMs, samplingMs, frames, word, watches }: WatchdogData,
  { Session, fileURLToPath, port, clock }: WatchdogParts
): void {
  const since = (from: number, to: number) => ((to - from) | 0) / 10
  const pathOf = (url: string) => (url.startsWith("file://") ? fileURLToPath(url) : url)
  /**
   * Takes the stack of the main thread once; `heard` is called when that runs JavaScript and answers, `done` when it goes on
   * again or could not be stopped. Returns how to give up.
   */
  const look = (heard: () => void, done: (stack: Stack, reason: string | undefined) => void) => {
    const session = new Session()
    let taken: Stack = []
    let hasEnded = false
    const end = (reason?: string) => {
      if (hasEnded) return
      hasEnded = true
      session.disconnect()
      Atomics.store(heartbeat, word.attached, 0)
      Atomics.notify(heartbeat, word.attached)
      done(taken, reason)
    }
    const urls = new Map<string, string>()
    session.on("Debugger.scriptParsed", ({ params }) => void urls.set(params.scriptId, params.url))
    session.on("Debugger.paused", ({ params }) => {
      taken = params.callFrames.slice(0, frames).map(({ functionName, location, url }) => ({
        function: functionName,
        file: pathOf(url || (urls.get(location.scriptId) ?? "")),
        line: location.lineNumber + 1,
        column: (location.columnNumber ?? 0) + 1
      }))
      session.post("Debugger.resume", () => end())
    })
    Atomics.store(heartbeat, word.attached, 1)
    try {
      session.connectToMainThread()
      // nothing to do and answered at once, but not from within native code; to enable takes its time
      session.post("Runtime.disable", heard)
      session.post("Debugger.enable")
      session.post("Debugger.pause")
    } catch (error) {
      end(String(error))
    }
    return () => end(taken.length > 0 ? undefined : "the event loop went on before its stack was taken")
  }

  const leastNativeMs = 50
  const missed = (reason: string | undefined): Stall => ({
    stack: [],
    takenMs: undefined,
    reason,
    askedAt: undefined,
    heardAt: undefined
  })

  let beats = Atomics.load(heartbeat, word.beats)
  let beatAt = Atomics.load(heartbeat, word.beatAt)
  let cpu = Atomics.load(heartbeat, word.cpu)
  let stall: Stall | undefined
  let giveUp: (() => void) | undefined

  setInterval(() => {
    const newBeats = Atomics.load(heartbeat, word.beats)
    if (newBeats !== beats) {
      giveUp?.()
      const newBeatAt = Atomics.load(heartbeat, word.beatAt)
      const newCpu = Atomics.load(heartbeat, word.cpu)
      const durationMs = since(beatAt, newBeatAt)
      // with more than one beat in between it is this thread that was not run; before the first there was none
      if (beats !== 0 && newBeats === beats + 1 && durationMs > thresholdMs)
        stall ??= missed("the watchdog had no processor to run on")
      if (stall !== undefined) {
        const { stack, takenMs, reason, askedAt, heardAt = newBeatAt } = stall
        // most of the time since it was asked, for the stack takes some too; and enough of it to tell
        const waitedMs = askedAt === undefined ? 0 : since(askedAt, heardAt)
        const isNative = stack.length > 0 && waitedMs > leastNativeMs && waitedMs > 0.5 * since(askedAt!, newBeatAt)
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
        port.postMessage({
          durationMs,
          cpuMs: since(cpu, newCpu),
          stack,
          // it hears of both, and may of the end first
          takenMs: takenMs && Math.min(takenMs, durationMs),
          isNative,
          reason
        } satisfies FromWatchdog)
      }
      stall = undefined
      beats = newBeats
      beatAt = newBeatAt
      cpu = newCpu
    } else if (stall === undefined && beats !== 0 && since(beatAt, clock()) > thresholdMs) {
      const found = missed(undefined)
      stall = found
      if (Atomics.load(heartbeat, word.debugged) === 1) {
        found.reason = "a debugger is attached"
        return
      }
      found.askedAt = clock()
      giveUp = look(
        () => (found.heardAt = clock()),
        (stack, reason) => {
          giveUp = undefined
          found.stack = stack
          found.reason = reason
          if (stack.length > 0) found.takenMs = since(beatAt, clock())
        }
      )
    }
  }, samplingMs)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  port.postMessage(watches)
}

/** The program of the thread. */
export const source = `"use strict";
const { parentPort: port, workerData } = require("node:worker_threads");
const { Session } = require("node:inspector");
const { fileURLToPath } = require("node:url");
(${String(watchdog)})(workerData, { Session, fileURLToPath, port, clock: (${String(clock)}) });`
