/** The program of a process: this module is published as its text alone, see `Bootstrap.ts`. */
import { encodeError } from "../executor/ErrorCodec.ts"
import { loadModule } from "../executor/LoadModule.ts"
import type { ServeSettings } from "../executor/Protocol.ts"
import { serve } from "../executor/Serve.ts"
import { bootstrap } from "./Bootstrap.ts"
import { useCompileCache } from "./CompileCache.ts"
import { refusesEmptied } from "./EmptiedObject.ts"
import { fileWorkerBoard } from "./FileBoard.ts"

/** Sent as text; see `Bootstrap.ts`. The message that brought it is the first, commands follow. */
function processMain(
  serveIn: typeof serve,
  encode: typeof encodeError,
  boardOn: typeof fileWorkerBoard,
  useCache: typeof useCompileCache,
  load: typeof loadModule,
  refuses: typeof refusesEmptied
): (importModule: Parameters<typeof loadModule>[1], settings: ServeSettings, cache: string | undefined) => void {
  // a task may put something else in the place of the global
  const { process } = globalThis
  const refuse = refuses()
  let posted = 0
  /** Shared by all who wait: one alone would be called. */
  let emptied: PromiseWithResolvers<void> | undefined
  let before = performance.eventLoopUtilization()
  // what is sent is written at once or soon after; a task that ends the process must not take an earlier result with it
  const sent = () => {
    if (--posted > 0) return
    emptied?.resolve()
    emptied = undefined
  }
  process.on("disconnect", () => process.exit())
  return (importModule, settings, cache) => {
    const loaded = useCache(cache)
    void serveIn(
      {
        board: boardOn(4),
        load: (url) => load(url, importModule).finally(loaded),
        encodeError: encode,
        channel: {
          post: (reply) => {
            refuse(reply)
            process.send!(reply, undefined, undefined, sent)
            posted++
          },
          check: (part) => {
            process.getBuiltinModule("node:v8").serialize(part)
            refuse(part)
          },
          listen: (listener) => void process.on("message", listener as (message: unknown) => void),
          flushed: () => (posted === 0 ? undefined : (emptied ??= Promise.withResolvers()).promise),
          usage: () => {
            const { utilization } = performance.eventLoopUtilization(before)
            before = performance.eventLoopUtilization()
            const { user, system } = process.cpuUsage()
            return [process.memoryUsage().heapUsed, (user + system) / 1000, utilization]
          },
          stop: () => process.exit(0)
        }
      },
      settings
    )
  }
}

/** The text that a process starts from. */
export const processSource: string = bootstrap(processMain, [
  serve,
  encodeError,
  fileWorkerBoard,
  useCompileCache,
  loadModule,
  refusesEmptied
])
