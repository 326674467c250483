/**
 * What an engine and a worker say to each other: batches of commands one way,
 * single replies the other way.
 *
 * Commands that are given within one turn of the loop travel as one message; a
 * reply is posted as soon as it is known, because a result that waits for
 * company would be lost with a crash of the next task.
 */

import type { EncodedError } from "./ErrorCodec.ts"

/** A task as a worker finds it: the URL of its module and the name of the export. */
export interface TaskAddress {
  readonly url: string
  readonly name: string
}

/** `position`: the words of the board that a job has while the worker has it; it names the job until its last reply. */
export type Command =
  /** Gives a task a number, before its first job on this worker. */
  | readonly ["task", task: number, url: string, name: string]
  | readonly ["run", position: number, task: number, parameters: ReadonlyArray<unknown>, deadline: number | undefined]
  /** Items, each the one parameter of a run. `exact`: each is noted on the board before it begins. */
  | readonly [
      "chunk",
      position: number,
      task: number,
      items: ReadonlyArray<unknown>,
      deadline: number | undefined,
      exact: boolean
    ]
  | readonly [
      "stream",
      position: number,
      task: number,
      parameters: ReadonlyArray<unknown>,
      deadline: number | undefined,
      credit: number
    ]
  /** The reader of a stream took `count` values. */
  | readonly ["credit", position: number, count: number]
  | readonly ["cancel", position: number]
  /** The outcome of a nested task. */
  | readonly ["answer", nested: number, ok: boolean, value: unknown]
  /** No worker is free for a nested task: the one that waits for it runs it itself. */
  | readonly ["help", nested: number]
  | readonly ["stop"]

export type Reply =
  | readonly ["ready"]
  /** The worker could not start: its setup or a module it was to load failed. */
  | readonly ["refused", problem: Problem]
  /** `ms`: how long it ran; `endMs`: when it ended, in milliseconds since the epoch, 0 where `timed` is not set. */
  | readonly ["ok", position: number, value: unknown, ms: number, endMs: number]
  /** `values`: what the items of a chunk gave before the one at `index` failed. */
  | readonly [
      "failed",
      position: number,
      problem: Problem,
      ms: number,
      endMs: number,
      index?: number,
      values?: ReadonlyArray<unknown>
    ]
  /** Taken back or cancelled before it began: it never ran. */
  | readonly ["revoked", position: number]
  | readonly ["item", position: number, value: unknown]
  | readonly ["progress", position: number, value: unknown]
  | readonly ["submit", parent: number, nested: number, url: string, name: string, parameters: ReadonlyArray<unknown>]
  | readonly ["usage", heapBytes: number, cpuMs: number, utilisation: number]

/** Why a job, or a start, did not succeed, as data that can cross. */
export type Problem =
  | { readonly kind: "threw"; readonly error: EncodedError }
  | { readonly kind: "missing"; readonly url: string }
  | { readonly kind: "broken"; readonly url: string; readonly error: EncodedError }
  | {
      readonly kind: "export"
      readonly url: string
      readonly name: string
      readonly found: string
      readonly exports: ReadonlyArray<string>
    }
  | { readonly kind: "setup"; readonly error: EncodedError }
  | { readonly kind: "clone"; readonly path: string; readonly fact: string }

/** How a worker is set up, as it is sent to it. */
export interface ServeSettings {
  /** Jobs that may run at once: more than one only makes sense for tasks that wait. */
  readonly tasksPerWorker: number
  readonly setup?: TaskAddress
  readonly teardown?: TaskAddress
  /** Loaded and checked before the worker says that it is ready. */
  readonly tasks: ReadonlyArray<TaskAddress>
  /** Replies say when a task ended, by the worker's own clock. */
  readonly timed: boolean
}

/** The worker's end of the line. */
export interface Channel {
  /** Throws where it cannot be posted. `given`: what a task gave, whose buffers leave with the reply where they can. */
  readonly post: (reply: Reply, given?: unknown) => void
  /** Throws what keeps a part of a reply from being posted. */
  readonly check: (part: unknown) => void
  readonly listen: (listener: (commands: ReadonlyArray<Command>) => void) => void
  /** Undefined, or resolves when what was posted can no longer be lost by this worker's end. */
  readonly flushed: () => Promise<void> | undefined
  readonly usage: () => readonly [heapBytes: number, cpuMs: number, utilisation: number]
  readonly stop: () => void
}

/** The worker's view of the board, see `Board.ts`. */
export interface WorkerBoard {
  /** Marks the job as started. False: it is not wanted here any more, and must not start. */
  readonly start: (position: number) => boolean
  readonly cancelled: (position: number) => boolean
  /**
   * The item of a chunk that is to run now; where it is not `exact`, one that takes no time need not be noted. False:
   * the chunk is cancelled.
   */
  readonly item: (position: number, index: number, exact: boolean) => boolean
}
