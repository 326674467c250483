/**
 * What the workers of an executor do, as plain data: an executor tells a
 * `WorkerSink`, a `Recorder` is one, and neither knows the other.
 *
 * 1. A task is submitted, taken from the queue, run and done, in that order; it
 *    may be killed at any time after it was submitted. `kill` or `done` is its last event.
 * 2. A worker is spawned before it runs anything and exits after.
 * 3. Ids are whole numbers from 1 to 2^32 - 1 that the executor gives, never twice.
 */

/** What became of a task. */
export type TaskEnd = "ok" | "failed" | "interrupted"

interface Timed {
  /**
   * When it happened, in milliseconds since the epoch with their fraction, as the thread where it happened knows it:
   * `performance.timeOrigin + performance.now()`, which is how the clocks of several threads are aligned.
   * Left out: now, on the clock in force.
   */
  readonly atMs?: number
}

export type WorkerEvent =
  /** A task was handed in. `fiber`: the id of the fiber that waits for it. */
  | (Timed & { readonly kind: "submit"; readonly task: number; readonly name: string; readonly fiber?: number })
  /** It left the queue for a worker. */
  | (Timed & { readonly kind: "dequeue"; readonly task: number; readonly worker: number })
  /** Its first instruction ran. */
  | (Timed & { readonly kind: "run"; readonly task: number; readonly worker: number })
  | (Timed & { readonly kind: "done"; readonly task: number; readonly worker: number; readonly end: TaskEnd })
  /** A worker was killed, and the task on it with it. */
  | (Timed & { readonly kind: "kill"; readonly task: number; readonly worker: number })
  /** A worker is up. */
  | (Timed & { readonly kind: "spawn"; readonly worker: number })
  | (Timed & { readonly kind: "exit"; readonly worker: number })

/** Takes events as they happen; must not throw. */
export type WorkerSink = (event: WorkerEvent) => void

/** Takes nothing. */
export const none: WorkerSink = () => {}
