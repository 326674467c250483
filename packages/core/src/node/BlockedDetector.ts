/**
 * Finds what blocks the event loop, while it blocks it.
 *
 * The main thread writes a heartbeat into shared memory; a watchdog thread
 * reads it. On silence beyond a threshold the watchdog pauses the main thread
 * through the inspector, reads its stack and lets it go on: the report names the
 * function and line that runs at that moment, which no timer on the blocked
 * thread could.
 *
 * 1. The inspector is attached only while a stall is looked at: attached, it
 *    would slow the program down and hold the process up at its exit.
 * 2. Neither the thread nor the timer keeps the process alive.
 * 3. A debugger that is attached (`--inspect`) gets the pause as well: with one,
 *    the stack is not taken and the report says so.
 * 4. Time without a processor, on a busy machine or suspended as by Ctrl-Z, looks the same as a stall, but for `cpuMs`.
 * 5. V8 does not compile a loop again in which it was stopped: until its function
 *    returns, that one runs interpreted, many times slower.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { url as inspectorUrl } from "node:inspector"
import { Worker } from "node:worker_threads"
import { clock, type FromWatchdog, source, type WatchdogData, watches, word, words } from "./Watchdog.ts"

/** A place in the source that was running. */
export interface Frame {
  /** Empty for code outside any function. */
  readonly function: string
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** One time that the event loop stood still. */
export interface Blocked {
  /** How long the event loop did not turn, in milliseconds; at most a fifth of the threshold too long. */
  readonly durationMs: number
  /**
   * How long the main thread had a processor meanwhile, in milliseconds. Much less than `durationMs`: it waited for one,
   * was suspended, or waited within native code.
   */
  readonly cpuMs: number
  /**
   * What ran when the threshold was passed, innermost first; empty if it could not be taken. Native code (a synchronous
   * file operation, a child process that is waited for) cannot be stopped in: then it is what ran right after it.
   */
  readonly stack: ReadonlyArray<Frame>
  /** The stack was taken so long after the loop stopped, in milliseconds. */
  readonly takenMs: number | undefined
  /** Native code ran from when the stack was asked for until the end: `stack` is what ran right after it. */
  readonly isNative: boolean
  /** Why there is no stack. */
  readonly reason: string | undefined
}

/** When to speak, and to whom. */
export interface Options {
  /** Silence that is reported, in milliseconds, 10 at least [100]. */
  readonly thresholdMs?: number
  /** Frames kept [10]. */
  readonly frames?: number
  readonly onBlocked?: (blocked: Blocked) => Effect.Effect<void>
}

/** How long the event loop was blocked, each time that it was, in milliseconds. */
export const blockedMs = Metric.histogram("simul_event_loop_blocked_ms", {
  description: "How long the event loop was blocked, in milliseconds",
  boundaries: [50, 100, 200, 500, 1000, 2000, 5000, 10_000]
})

/** The main thread beats so many times in a threshold. */
const beats = 5

const longestDetachMs = 500

/** One line: `event loop blocked for 410 ms (CPU 402 ms) by hotFunction (main.ts:20:5)`. */
export const describe = ({ durationMs, cpuMs, stack, isNative, reason }: Blocked): string => {
  const [top] = stack
  const what =
    top === undefined
      ? `an unknown function (${reason ?? "no stack"})`
      : `${top.function || "(module)"} (${top.file}:${top.line}:${top.column})`
  const times = `${Math.round(durationMs)} ms (CPU ${Math.round(cpuMs)} ms)`
  return `event loop blocked for ${times} by ${isNative ? "native code before " : ""}${what}`
}

const log = (blocked: Blocked) =>
  Effect.logWarning(
    describe(blocked) +
      blocked.stack
        .slice(1)
        .map((frame) => `\n    from ${frame.function || "(module)"} (${frame.file}:${frame.line}:${frame.column})`)
        .join("")
  )

/**
 * Watches the event loop of the main thread while the scope is open; each stall is given to `onBlocked` [a warning in
 * the log] once it is over. It starts when the watchdog thread watches: what blocks right after that is seen.
 */
export const watch = (options: Options = {}): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const thresholdMs = Math.max(10, options.thresholdMs ?? 100)
    const heartbeat = new Int32Array(new SharedArrayBuffer(4 * words))
    const data: WatchdogData = {
      heartbeat,
      thresholdMs,
      samplingMs: Math.max(1, Math.min(20, thresholdMs / 10)),
      frames: options.frames ?? 10,
      word,
      watches
    }
    const reports = yield* Queue.unbounded<Blocked>()
    yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof start>>((resume) => {
        const watchdog = start(heartbeat, thresholdMs / beats, data, (report) => Queue.offerUnsafe(reports, report))
        watchdog.worker.once("message", () => {
          // until here it is waited for
          watchdog.worker.unref()
          watchdog.beat()
          resume(Effect.succeed(watchdog))
        })
      }),
      ({ stop }) => Effect.promise(stop)
    )
    const report = (blocked: Blocked) =>
      Effect.andThen(Metric.update(blockedMs, blocked.durationMs), (options.onBlocked ?? log)(blocked))
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(reports), report)))
  })

const start = (
  heartbeat: Int32Array,
  beatMs: number,
  workerData: WatchdogData,
  onReport: (report: Blocked) => void
) => {
  const worker = new Worker(source, { eval: true, workerData, stdout: false, stderr: false, execArgv: [] })
  const beat = () => {
    const { user, system } = process.threadCpuUsage()
    Atomics.store(heartbeat, word.beatAt, clock())
    Atomics.store(heartbeat, word.cpu, Math.round((user + system) / 100) | 0)
    Atomics.store(heartbeat, word.debugged, inspectorUrl() === undefined ? 0 : 1)
    Atomics.add(heartbeat, word.beats, 1)
  }
  const timer = setInterval(beat, beatMs)
  timer.unref()
  // Node waits at its exit for an attached inspector and says so: have it detached first
  const detach = () => {
    beat()
    Atomics.wait(heartbeat, word.attached, 1, longestDetachMs)
  }
  process.on("exit", detach)
  worker.on("message", (message: typeof watches | FromWatchdog) => {
    if (message !== watches) onReport(message)
  })
  return {
    worker,
    beat,
    stop: async () => {
      clearInterval(timer)
      process.off("exit", detach)
      await worker.terminate()
    }
  }
}
