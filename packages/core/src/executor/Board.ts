/**
 * Words that an engine and a worker see at the same time, even while the worker
 * is busy: three for each job that the worker has.
 *
 * | word | written by | says |
 * |---|---|---|
 * | started | worker | 1: the job began |
 * | unwanted | engine | 1: it was taken back, to run elsewhere; 2: it is cancelled |
 * | item | worker | `~i`: item i of a chunk runs; `i`: that one or a later one |
 *
 * The worker writes `started`, then reads `unwanted`; the engine writes
 * `unwanted`, then reads `started`. With sequentially consistent words (Dekker's
 * algorithm, EWD 123) at least one of them sees the other, hence:
 *
 * 1. An engine that reads `started = 0` after it wrote `unwanted` knows that the
 *    job never starts here: it is taken back in O(1), without an answer.
 * 2. Where it reads 1, the answer tells: `revoked`, or the job runs on. Taking
 *    back does it no harm then, only cancelling is seen by `context.cancelled()`.
 * 3. After a worker died, jobs with `started = 0` are known to be innocent.
 * 4. Where noting an item costs more than running it, items are noted as time passes, and
 *    the one that runs at the end, exactly, by a worker that sees its end come. After a
 *    kill from outside it is one of those since the last note; a second try notes each.
 *
 * The words are a SharedArrayBuffer for threads, a file for processes
 * (`node/FileBoard.ts`) and private memory in process.
 */
import type { WorkerBoard } from "./Protocol.ts"

/** The engine's view of the board of one worker. */
export interface Board {
  /** Clears the words of a position, before its job is sent. */
  readonly reset: (position: number) => void
  /** Takes a job back, or cancels it. True: it has not started, and never will. */
  readonly revoke: (position: number, forGood: boolean) => boolean
  readonly started: (position: number) => boolean
  /** As the word is: `~i` or `i`. */
  readonly item: (position: number) => number
}

/** Jobs that a worker can have at once, running and sent ahead. */
export const positions = 64

/** Bytes that the words of one worker take. */
export const boardBytes = positions * 3 * Int32Array.BYTES_PER_ELEMENT

/** The engine's view of shared or private memory of `boardBytes`. */
export const memoryBoard = (memory: SharedArrayBuffer | ArrayBuffer): Board => {
  const words = new Int32Array(memory)
  return {
    reset: (position) => {
      Atomics.store(words, position * 3, 0)
      Atomics.store(words, position * 3 + 1, 0)
      Atomics.store(words, position * 3 + 2, 0)
    },
    revoke: (position, forGood) => {
      Atomics.store(words, position * 3 + 1, forGood ? 2 : 1)
      return Atomics.load(words, position * 3) === 0
    },
    started: (position) => Atomics.load(words, position * 3) === 1,
    item: (position) => Atomics.load(words, position * 3 + 2)
  }
}

/** The worker's view of the same memory. Its text is sent to workers: it refers to nothing outside itself. */
export function memoryWorkerBoard(memory: SharedArrayBuffer | ArrayBuffer): WorkerBoard {
  const words = new Int32Array(memory)
  return {
    start: (position) => {
      Atomics.store(words, position * 3, 1)
      return Atomics.load(words, position * 3 + 1) === 0
    },
    cancelled: (position) => Atomics.load(words, position * 3 + 1) === 2,
    item: (position, index) => {
      Atomics.store(words, position * 3 + 2, ~index)
      return Atomics.load(words, position * 3 + 1) !== 2
    }
  }
}
