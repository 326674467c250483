/** The program of a thread: this module is published as its text alone, see `Bootstrap.ts`. */
import type { MessagePort } from "node:worker_threads"
import { memoryWorkerBoard } from "../executor/Board.ts"
import { encodeError } from "../executor/ErrorCodec.ts"
import { loadModule } from "../executor/LoadModule.ts"
import type { ServeSettings } from "../executor/Protocol.ts"
import { serve } from "../executor/Serve.ts"
import { transferable } from "../executor/Transferable.ts"
import { bootstrap, importModule } from "./Bootstrap.ts"
import { useCompileCache } from "./CompileCache.ts"
import { keepTail } from "./StderrTail.ts"

/** What a thread is given. */
export interface ThreadData {
  readonly port: MessagePort
  readonly memory: SharedArrayBuffer
  /** Where the tail of stderr begins in it. */
  readonly tail: number
  /** Folder of compiled modules. */
  readonly cache: string | undefined
  readonly settings: ServeSettings
}

/** Sent as text; see `Bootstrap.ts`. */
function threadMain(
  serveIn: typeof serve,
  encode: typeof encodeError,
  boardOn: typeof memoryWorkerBoard,
  keepTailIn: typeof keepTail,
  useCache: typeof useCompileCache,
  load: typeof loadModule,
  movedWith: typeof transferable
): (importModule: Parameters<typeof loadModule>[1]) => void {
  // a task may put something else in the place of the global
  const { process } = globalThis
  const { workerData, isMarkedAsUntransferable } = process.getBuiltinModule("node:worker_threads")
  const { port, memory, tail, cache, settings } = workerData as ThreadData
  keepTailIn(memory, tail)
  const loaded = useCache(cache)
  const mayMove = (buffer: ArrayBuffer) => !isMarkedAsUntransferable(buffer)
  let before = performance.eventLoopUtilization()
  return (importModule) =>
    void serveIn(
      {
        board: boardOn(memory),
        load: (url) => load(url, importModule).finally(loaded),
        encodeError: encode,
        channel: {
          post: (reply, given) => port.postMessage(reply, movedWith(given, mayMove) as Array<ArrayBuffer>),
          check: structuredClone,
          listen: (listener) => void port.on("message", listener),
          flushed: () => undefined,
          usage: () => {
            const { utilization } = performance.eventLoopUtilization(before)
            before = performance.eventLoopUtilization()
            const cpu = process.threadCpuUsage?.() ?? { user: 0, system: 0 }
            // not before it is asked for: it takes a thirtieth of the start
            const { used_heap_size } = process.getBuiltinModule("node:v8").getHeapStatistics()
            return [used_heap_size, (cpu.user + cpu.system) / 1000, utilization]
          },
          stop: () => process.exit(0)
        }
      },
      settings
    )
}

/** The text that a thread starts from. */
export const threadSource: string = `${bootstrap(threadMain, [serve, encodeError, memoryWorkerBoard, keepTail, useCompileCache, loadModule, transferable])}(${importModule})`
