/**
 * The board of a worker process: a file without a name that both ends have open.
 *
 * Processes share no memory in Node, but the page cache serves them all: a write of
 * a word is seen by the next read of another process. POSIX (write(2), XSH 2.9.7)
 * makes reads and writes of a regular file atomic to each other, which is what the
 * board's argument needs. A read or a write costs some microseconds, more than a short
 * item of a `map`: those are noted, and asked for, once a millisecond.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomUUID } from "node:crypto"
import type { Board } from "../executor/Board.ts"
import { boardBytes } from "../executor/Board.ts"
import type { WorkerBoard } from "../executor/Protocol.ts"

export interface FileBoard extends Board {
  /** Open file, to be inherited by the process. */
  readonly descriptor: number
  /** Keeps the words as they are, and closes the file. */
  readonly close: () => void
}

export const openFileBoard = (): FileBoard => {
  const path = join(tmpdir(), `simul-board-${randomUUID()}`)
  const descriptor = openSync(path, "wx+", 0o600)
  const words = new Int32Array(boardBytes / 4)
  try {
    // open files outlive their names: nothing is left behind, however the program ends
    unlinkSync(path)
    writeSync(descriptor, words, 0, boardBytes, 0)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  let open = true
  const word = new Int32Array(1)
  const read = (index: number): number => {
    if (!open) return words[index]!
    readSync(descriptor, word, 0, 4, index * 4)
    return word[0]!
  }
  const zeros = new Int32Array(3)
  return {
    descriptor,
    reset: (position) => void (open && writeSync(descriptor, zeros, 0, 12, position * 12)),
    revoke: (position, forGood) => {
      word[0] = forGood ? 2 : 1
      if (open) writeSync(descriptor, word, 0, 4, (position * 3 + 1) * 4)
      return read(position * 3) === 0
    },
    started: (position) => read(position * 3) === 1,
    item: (position) => read(position * 3 + 2),
    close: () => {
      if (!open) return
      readSync(descriptor, words, 0, boardBytes, 0)
      open = false
      closeSync(descriptor)
    }
  }
}

/** The worker's view of the file, as descriptor 4. Sent as text; see `Bootstrap.ts`. */
export function fileWorkerBoard(descriptor: number): WorkerBoard {
  // a task may put something else in the place of the global
  const { process } = globalThis
  const { readSync, writeSync } = process.getBuiltinModule("node:fs")
  const word = new Int32Array(1)
  const read = (index: number): number => {
    readSync(descriptor, word, 0, 4, index * 4)
    return word[0]!
  }
  const write = (index: number, value: number): void => {
    word[0] = value
    writeSync(descriptor, word, 0, 4, index * 4)
  }
  /** Items that are not noted each, by position. */
  const running: Array<number | undefined> = []
  process.on("exit", () => running.forEach((item, position) => item !== undefined && write(position * 3 + 2, ~item)))
  const parent = process.ppid
  const freshMs = 1
  let asked = -1
  let askedAt = 0
  let answer = false
  // a hot loop may ask as often as it likes, and gets an answer that is at most a millisecond old
  const cancelled = (position: number): boolean => {
    const now = performance.now()
    if (asked === position && (answer || now - askedAt < freshMs)) return answer
    asked = position
    askedAt = now
    // nobody is left to tell
    if (process.ppid !== parent) process.exit()
    answer = read(position * 3 + 1) === 2
    const item = running[position]
    if (item !== undefined) write(position * 3 + 2, item)
    return answer
  }
  return {
    start: (position) => {
      asked = -1
      running[position] = undefined
      write(position * 3, 1)
      return read(position * 3 + 1) === 0
    },
    cancelled,
    item: (position, index, exact) => {
      if (exact) write(position * 3 + 2, ~index)
      else running[position] = index
      return !cancelled(position)
    }
  }
}
