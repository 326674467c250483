/**
 * Where a benchmark works: a temporary folder, on a tmpfs where there is one, and the processes that it started.
 *
 * Invariants:
 * 1. However the program ends, Ctrl-C included, its processes are ended (only those it started) and its folder is gone.
 * 2. What it starts sees a bare environment with an empty home: no proxy, no settings file of the person who runs it.
 */
import { spawn } from "node:child_process"
import type { ChildProcess, StdioOptions } from "node:child_process"
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync
} from "node:fs"
import { freemem, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { mebibyte } from "./Workload.ts"

export interface Workplace {
  readonly root: string
  /** Whether the folder is in memory. On a disk nothing should be deleted between runs: ext4 then creates files slowly. */
  readonly onTmpfs: boolean
  readonly environment: Readonly<Record<string, string>>
  /** Starts a process in a group of its own; the group is ended with this program at the latest. */
  readonly start: (command: ReadonlyArray<string>, options: StartOptions) => ChildProcess
  /** Gives room for so much. Throws `NoRoom`. */
  readonly reserve: (name: string, bytes: number, files: number) => Room
  /**
   * Writes and deletes this many bytes: a virtual machine gets its memory at the first touch, which is slow and would be
   * charged to whichever client comes first.
   */
  readonly touch: (bytes: number) => void
}

/** A part of the workplace; it is gone when it is disposed of. */
export interface Room extends Disposable {
  /** Makes a folder in it. */
  readonly folder: (...names: ReadonlyArray<string>) => string
}

interface StartOptions {
  readonly stdio: StdioOptions
  readonly cwd: string
}

/** Says that a workload does not fit on this machine. */
export class NoRoom extends Error {
  override readonly name = "NoRoom"
}

const tmpfsMagic = 0x01021994 // statfs(2)

const shared = "/dev/shm"

const parent = (): string => {
  try {
    accessSync(shared, constants.W_OK)
    return shared
  } catch {
    return tmpdir()
  }
}

/** Ends a process group that `start` made. False when there was none left. */
export const endGroup = (pid: number): boolean => {
  try {
    return process.kill(-pid, "SIGKILL")
  } catch {
    return false
  }
}

const makeFolder = (...names: ReadonlyArray<string>): string => {
  const path = join(...names)
  mkdirSync(path, { recursive: true })
  return path
}

/** Makes the folder, and sees to its end. */
export const make = (): Workplace => {
  const root = mkdtempSync(join(parent(), "simul-benchmark-"))
  const running = new Set<number>()
  process.once("exit", () => {
    for (const pid of running) endGroup(pid)
    // A killed process may still be in the middle of a write.
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

  const onTmpfs = statfsSync(root).type === tmpfsMagic
  const environment = {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin`,
    HOME: makeFolder(root, "home"),
    LC_ALL: "C.UTF-8"
  }
  return {
    root,
    onTmpfs,
    environment,
    start: ([program = "", ...args], { cwd, stdio }) => {
      const child = spawn(program, args, { cwd, stdio, env: environment, detached: true })
      const { pid } = child
      if (pid !== undefined) {
        running.add(pid)
        child.once("exit", () => running.delete(pid))
      }
      return child
    },
    reserve: (name, bytes, files) => {
      const { bavail, bsize, ffree } = statfsSync(root)
      const free = Math.min(bavail * bsize, onTmpfs ? freemem() : Infinity)
      if (free < 1.1 * bytes) throw new NoRoom(`it needs ${bytes} bytes in ${root}, ${free} are free`)
      // Some file systems have no such bound and say 0.
      if (ffree > 0 && ffree < 1.1 * files) throw new NoRoom(`it needs ${files} files in ${root}, ${ffree} are free`)
      const path = join(root, name)
      return {
        folder: (...names) => makeFolder(path, ...names),
        [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true })
      }
    },
    touch: (bytes) => {
      const path = join(root, "touched")
      const block = Buffer.alloc(mebibyte, 1)
      const descriptor = openSync(path, "w")
      for (let written = 0; written < bytes; written += block.length) writeSync(descriptor, block)
      closeSync(descriptor)
      rmSync(path)
    }
  }
}
