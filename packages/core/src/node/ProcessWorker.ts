/**
 * A process as an engine's worker: what it breaks is its own. It gets its program as
 * its first message, see `Bootstrap.ts`, and ends when its parent is gone.
 */
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import type { Death } from "../executor/ExecutorError.ts"
import type { Command, Reply } from "../executor/Protocol.ts"
import type { Spawn } from "../executor/WorkerHandle.ts"
import { importModule } from "./Bootstrap.ts"
import { compileCache } from "./CompileCache.ts"
import { refusesEmptied } from "./EmptiedObject.ts"
import { openFileBoard } from "./FileBoard.ts"
import { own } from "./OwnOptions.ts"
import { processSource } from "./ProcessProgram.ts"
import { StderrTail } from "./StderrTail.ts"

/** What a process may do, by Node's permission model. */
export interface Permission {
  /** Files and folders that it may read (`*`: all); those of its tasks belong to them. */
  readonly fsRead?: ReadonlyArray<string>
  readonly fsWrite?: ReadonlyArray<string>
  readonly net?: boolean
  readonly childProcess?: boolean
  readonly worker?: boolean
  readonly addons?: boolean
}

/** What a process has of its own. */
export interface ProcessOptions {
  /** Environment variables instead of the parent's. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** Node's flags instead of the parent's. */
  readonly execArgv?: ReadonlyArray<string> | undefined
  /** Without it a process may do what the parent may. */
  readonly permission?: Permission | undefined
  /** The heap, in bytes; beyond it the task fails with `OutOfMemory`. */
  readonly heapLimitBytes?: number | undefined
}

/** Given on the command line: takes the program as its first message, so that a list of processes stays readable. */
const receiver = `process.once("message", ({ source, settings, cache }) => (0, eval)(source)(${importModule}, settings, cache))`

/** Node's flags of this process, less the program given on the command line. */
const inherited = (): ReadonlyArray<string> => {
  const { _eval: program } = process as { readonly _eval?: string }
  const at = program === undefined ? -1 : process.execArgv.lastIndexOf(program)
  const kept = at < 1 ? process.execArgv : process.execArgv.toSpliced(at - 1, 2)
  return kept.filter((flag) => !/^--(?:input-type|inspect|test|watch)/.test(flag))
}

const flagsOf = ({ permission, heapLimitBytes, execArgv }: ProcessOptions): ReadonlyArray<string> => {
  const flags = [...(execArgv ?? inherited())]
  if (heapLimitBytes !== undefined)
    flags.push(`--max-old-space-size=${Math.max(1, Math.floor(heapLimitBytes / 2 ** 20))}`)
  if (permission === undefined) return flags
  flags.push("--permission")
  for (const path of permission.fsRead ?? []) flags.push(`--allow-fs-read=${path}`)
  for (const path of permission.fsWrite ?? []) flags.push(`--allow-fs-write=${path}`)
  if (permission.net === true) flags.push("--allow-net")
  if (permission.childProcess === true) flags.push("--allow-child-process")
  if (permission.worker === true) flags.push("--allow-worker")
  if (permission.addons === true) flags.push("--allow-addons")
  return flags
}

const graceAfterExitMs = 500
const refuseEmptied = refusesEmptied()

export const processSpawn =
  (name: string, given: ProcessOptions | undefined): Spawn =>
  (id, settings, events) => {
    const options = own(given)
    const board = openFileBoard()
    let child: ChildProcess
    try {
      child = spawn(process.execPath, [...flagsOf(options), "--eval", receiver, `${name} ${id}`], {
        stdio: ["ignore", "inherit", "pipe", "ipc", board.descriptor],
        serialization: "advanced",
        ...(options.env !== undefined && { env: options.env }),
        ...(options.cwd !== undefined && { cwd: options.cwd })
      })
    } catch (error) {
      board.close()
      throw error
    }
    // where the system has no descriptor left there are no streams, and the error that says so is still to come
    const stderr = child.stderr ? new StderrTail(child.stderr) : undefined
    let gone = false
    let ended: Pick<Death, "exitCode" | "signal"> | undefined
    const exit = (error?: unknown) => {
      if (gone) return
      gone = true
      board.close()
      const text = stderr?.text ?? ""
      const outOfMemory = /JavaScript heap out of memory/.test(text)
      events.exit({ exitCode: ended?.exitCode, signal: ended?.signal, stderr: text, error, outOfMemory })
    }
    // its last replies may still be in the channel when it has ended, and its last words on stderr
    let open = 2
    const closed = () => {
      if (--open === 0 && ended !== undefined) exit()
    }
    child.on("disconnect", closed)
    child.stderr?.on("close", closed)
    child.on("error", (error) => {
      if (child.pid !== undefined) return
      // Node says that there is no such program
      const lost = options.cwd !== undefined && !existsSync(options.cwd)
      exit(lost ? new Error(`there is no folder ${options.cwd}`) : error)
    })
    child.on("exit", (exitCode, signal) => {
      ended = { exitCode: exitCode ?? undefined, signal: signal ?? undefined }
      if (open <= 0) exit()
      // whoever it started may hold them open
      else setTimeout(exit, graceAfterExitMs).unref()
    })
    child.on("message", (reply) => {
      // a task may talk to its parent as any child process does; what it says is no reply
      if (!gone && Array.isArray(reply)) events.reply(reply as unknown as Reply)
    })
    // a process that is gone is told by its exit
    const ignore = () => {}
    if (child.connected) child.send({ source: processSource, settings, cache: compileCache() }, ignore)
    child.unref()
    child.channel?.unref()
    ;(child.stderr as { readonly unref?: () => void } | undefined)?.unref?.()
    return {
      board,
      nativeId: child.pid,
      post: (commands: ReadonlyArray<Command>) => {
        for (const command of commands) refuseEmptied(command)
        if (child.connected) child.send([...commands], ignore)
      },
      refuse: refuseEmptied,
      kill: () => void child.kill("SIGKILL")
    }
  }
