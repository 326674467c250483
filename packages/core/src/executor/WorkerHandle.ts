/**
 * A live worker as an engine sees it: what threads, processes and the inline
 * executor have in common.
 */
import type { Board } from "./Board.ts"
import type { Death } from "./ExecutorError.ts"
import type { Command, Reply, ServeSettings } from "./Protocol.ts"

export interface WorkerEvents {
  readonly reply: (reply: Reply) => void
  /** Comes exactly once, after all replies, however the worker ended. False: it died between tasks, and nobody hears of what. */
  readonly exit: (death: Death) => boolean
}

export interface WorkerHandle {
  readonly board: Board
  /** The process id of a process, the `threadId` of a thread. */
  readonly nativeId?: number | undefined
  /** Throws if something cannot be copied; then nothing was sent. */
  readonly post: (commands: ReadonlyArray<Command>, transfer: ReadonlyArray<unknown>) => void
  /** Throws where it cannot be sent what structured clone copies. */
  readonly refuse?: (value: unknown) => void
  /** Ends the worker at once, whatever it does; `exit` follows. Nothing happens where that is impossible (inline). */
  readonly kill: () => void
}

/** Starts a worker. `id` counts the workers of an engine, from 1. */
export type Spawn = (id: number, settings: ServeSettings, events: WorkerEvents) => WorkerHandle
