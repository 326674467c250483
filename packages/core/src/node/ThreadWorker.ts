/**
 * A worker thread as an engine's worker. The thread is started from the text of
 * `serve`, so a bundle needs no file beside it and nothing but the task's module is
 * loaded there.
 */
import { inspect } from "node:util"
import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads"
import { boardBytes, memoryBoard } from "../executor/Board.ts"
import type { Reply } from "../executor/Protocol.ts"
import type { Spawn } from "../executor/WorkerHandle.ts"
import { compileCache } from "./CompileCache.ts"
import { own } from "./OwnOptions.ts"
import { readTail, tailBytes } from "./StderrTail.ts"
import type { ThreadData } from "./ThreadProgram.ts"
import { threadSource } from "./ThreadProgram.ts"

/** What a thread has of its own. */
export interface ThreadOptions {
  /** Environment variables instead of a copy of the process's own. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly execArgv?: ReadonlyArray<string> | undefined
  /** The thread's heap, in bytes; beyond it the task fails with `OutOfMemory`. */
  readonly heapLimitBytes?: number | undefined
}

/** Replies that are taken in one turn of the loop: others want to be heard, too. */
const mostReplies = 256

export const threadSpawn =
  (name: string, options: ThreadOptions | undefined): Spawn =>
  (id, settings, events) => {
    const { port1: port, port2 } = new MessageChannel()
    const memory = new SharedArrayBuffer(boardBytes + tailBytes)
    const data: ThreadData = { port: port2, memory, tail: boardBytes, cache: compileCache(), settings }
    const { env, execArgv, heapLimitBytes } = own(options)
    const chosen = own({
      eval: true,
      name: `${name} ${id}`,
      workerData: data,
      transferList: [port2],
      ...(env !== undefined && { env }),
      ...(execArgv !== undefined && { execArgv: [...execArgv] }),
      ...(heapLimitBytes !== undefined && {
        resourceLimits: { maxOldGenerationSizeMb: Math.max(1, Math.floor(heapLimitBytes / 2 ** 20)) }
      })
    })
    const worker = new Worker(threadSource, chosen)
    let thrown: { readonly error: unknown } | undefined
    port.on("message", (reply: Reply) => {
      events.reply(reply)
      // as many as are here in one turn: what they let the engine send goes as one message, and wakes the worker once
      for (let left = mostReplies, next; left > 0 && (next = receiveMessageOnPort(port)) !== undefined; left--)
        events.reply(next.message as Reply)
    })
    worker.on("error", (error) => void (thrown = { error }))
    worker.on("exit", (exitCode) => {
      // what was posted before the end is here, though not all of it has been read
      for (let message; (message = receiveMessageOnPort(port)) !== undefined;) events.reply(message.message as Reply)
      port.close()
      const error = thrown?.error
      const outOfMemory = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
      const death = { exitCode, signal: undefined, stderr: readTail(memory, boardBytes), error, outOfMemory }
      // Node says it of a process itself, but not of a thread whose errors somebody listens to
      if (!events.exit(death) && thrown !== undefined)
        process.emitWarning(`${name} ${id} died between tasks`, {
          type: "ExecutorWarning",
          detail: error instanceof Error ? String(error.stack) : inspect(error)
        })
    })
    port.unref()
    worker.unref()
    return {
      board: memoryBoard(memory),
      nativeId: worker.threadId,
      post: (commands, transfer) => port.postMessage(commands, transfer as Array<ArrayBuffer>),
      kill: () => void worker.terminate()
    }
  }
