/** The record of a fiber that has not ended. It does not keep the fiber alive. */
import type * as Fiber from "effect/Fiber"
import type { StackFrame } from "effect/References"

/** A fiber that has not ended, as a recorder knows it. Times are milliseconds since the recorder was made. */
export interface Live {
  readonly id: number
  /** 0: none that is known. */
  readonly parent: number
  readonly state: "running" | "ready" | "waiting"
  /** What it waits for; empty while it runs. */
  readonly reason: string
  readonly startMs: number
  /** When it came into its state. */
  readonly sinceMs: number
  /** Totals up to `sinceMs`; they add up to `sinceMs - startMs`. */
  readonly busyMs: number
  readonly readyMs: number
  readonly waitMs: number
  /** The function it was started as; empty where it has none of its own. */
  readonly name: string
  /** `file:line:column` of that function; empty where that is not known. */
  readonly source: string
  /** The chain of functions it is in now, innermost first. */
  readonly frame: StackFrame | undefined
  /** The chain that its parent was in when it began: from there on the chain is not its own. */
  readonly inherited: StackFrame | undefined
}

export class Life implements Live {
  readonly id: number
  readonly parent: number
  readonly inherited: StackFrame | undefined
  readonly startMs: number
  state: Live["state"] = "running"
  reason = ""
  sinceMs: number
  busyMs = 0
  readyMs = 0
  waitMs = 0
  name = ""
  source = ""
  /** Said by the clock: what it waits for next is time. */
  sleeps = false
  /** Until it waits for the first time: others hold it as long, and a WeakRef costs more than all the rest of this. */
  #fiber: Fiber.Fiber<unknown, unknown> | WeakRef<Fiber.Fiber<unknown, unknown>>
  #isWeak = false

  /** `own`: the frame that it starts under was not inherited, but made for it. */
  constructor(fiber: Fiber.Fiber<unknown, unknown>, parent: number, startMs: number, own: boolean) {
    this.id = fiber.id
    this.parent = parent
    this.#fiber = fiber
    const { stackFrame } = fiber.cache
    this.inherited = own ? stackFrame?.parent : stackFrame
    this.startMs = startMs
    this.sinceMs = startMs
  }

  /** `undefined` once it was collected. */
  get fiber(): Fiber.Fiber<unknown, unknown> | undefined {
    return this.#isWeak
      ? (this.#fiber as WeakRef<Fiber.Fiber<unknown, unknown>>).deref()
      : (this.#fiber as Fiber.Fiber<unknown, unknown>)
  }

  /** It waits, and who else holds it is not known. */
  loosen(fiber: Fiber.Fiber<unknown, unknown>) {
    if (this.#isWeak) return
    this.#fiber = new WeakRef(fiber)
    this.#isWeak = true
  }

  get frame(): StackFrame | undefined {
    return this.fiber?.cache.stackFrame
  }
}

/** `file:line:column` of a frame, or its line of the stack trace where it has none; empty without a stack trace. */
export const placeOf = (frame: StackFrame): string => {
  const text = frame.stack()?.trim() ?? ""
  return /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/.exec(text)?.[1]?.replace("file://", "") ?? text
}
