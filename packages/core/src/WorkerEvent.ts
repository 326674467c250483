/**
 * What the workers of an executor do, as plain data: an executor tells a
 * `WorkerSink`, a `Recorder` is one, and neither knows the other.
 *
 * 1. A task is submitted, taken from the queue, run and done, in that order; it
 *    may be killed at any time after it was submitted. `kill` or `done` is its last event.
 * 2. A task may leave the queue several times: what a worker has not begun can be
 *    taken back, and what it lost by its end may be run again.
 * 3. When a task began may be known only when it is done: `run` may come as late as
 *    that, with its own time; where a worker ends under a task it does not come.
 * 4. A worker is spawned before it runs anything and exits after.
 * 5. Ids are whole numbers from 1 to 2^32 - 1, never twice in a process.
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

/** What happened to a task or a worker. Numbers of tasks and workers are those of `nextId`, 0 is none. */
export type WorkerEvent =
  /** A task was handed in. `fiber`: the id of the fiber that waits for it. */
  | (Timed & { readonly kind: "submit"; readonly task: number; readonly name: string; readonly fiber?: number })
  /** It left the queue for a worker. */
  | (Timed & { readonly kind: "dequeue"; readonly task: number; readonly worker: number })
  /** Its first instruction ran. */
  | (Timed & { readonly kind: "run"; readonly task: number; readonly worker: number })
  /** `worker` is 0 where no worker ran it. `reason`: why there is no result, `RunTimeout` for one. */
  | (Timed & {
      readonly kind: "done"
      readonly task: number
      readonly worker: number
      readonly end: TaskEnd
      readonly reason?: string
    })
  /** A worker was killed, and the task on it with it; `task` is 0 where it had none to be killed for. */
  | (Timed & { readonly kind: "kill"; readonly task: number; readonly worker: number; readonly reason?: string })
  /** A worker is up. `name`: what its executor is called. */
  | (Timed & { readonly kind: "spawn"; readonly worker: number; readonly name?: string })
  /** `failed`: it went by itself. */
  | (Timed & { readonly kind: "exit"; readonly worker: number; readonly end?: "ok" | "failed" })

/** Takes events as they happen; must not throw. */
export type WorkerSink = (event: WorkerEvent) => void

/** Takes nothing. */
export const none: WorkerSink = () => {}

let last = 0

/** @internal An id that no task and no worker of this process has. */
export const nextId = (): number => ++last
