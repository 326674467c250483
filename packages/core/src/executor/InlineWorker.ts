/**
 * Workers that are none: tasks run in this thread, one turn of the loop after they
 * were submitted. The contract is that of the others, parameters and results are
 * copied as theirs are, so that what works here works there; but a busy task blocks
 * everything, and nobody can kill it: one that does not end after the grace period
 * is given up and runs on.
 */
import { memoryBoard, memoryWorkerBoard, boardBytes } from "./Board.ts"
import { encodeError } from "./ErrorCodec.ts"
import { loadModule } from "./LoadModule.ts"
import type { Command } from "./Protocol.ts"
import { serve } from "./Serve.ts"
import { transferable } from "./Transferable.ts"
import type { Spawn } from "./WorkerHandle.ts"

type Turn = (call: () => void) => void
const turn: Turn = (globalThis as { readonly setImmediate?: Turn }).setImmediate ?? ((call) => void setTimeout(call, 0))

export const inlineSpawn: Spawn = (_, settings, events) => {
  const memory = new ArrayBuffer(boardBytes)
  let listener: (commands: ReadonlyArray<Command>) => void = () => {}
  let gone = false
  const exit = () => {
    if (gone) return
    gone = true
    turn(() => events.exit({ exitCode: 0, signal: undefined, stderr: "", error: undefined, outOfMemory: false }))
  }
  const clone = <A>(value: A, transfer: ReadonlyArray<unknown> = []): A =>
    structuredClone(value, { transfer: transfer as Array<ArrayBuffer> })
  turn(() =>
    serve(
      {
        board: memoryWorkerBoard(memory),
        load: (url) => loadModule(url, (url) => import(/* @vite-ignore */ url)),
        encodeError,
        channel: {
          post: (reply, given) => {
            const copy = clone(
              reply,
              transferable(given, () => true)
            )
            if (!gone) events.reply(copy)
          },
          check: structuredClone,
          listen: (call) => void (listener = call),
          flushed: () => undefined,
          usage: () => [0, 0, 0],
          stop: exit
        }
      },
      settings
    )
  )
  return {
    board: memoryBoard(memory),
    post: (commands, transfer) => {
      const copy = clone(commands, transfer)
      turn(() => {
        if (!gone) listener(copy)
      })
    },
    kill: exit
  }
}
