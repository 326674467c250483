/**
 * A picture that is drawn while its run goes on: the same text as at the end, up to now.
 *
 * What blocks the event loop also keeps the picture still: then that is what is seen.
 */
import type { StageEvent } from "@simul/core/scenario/Stage"
import * as Stage from "@simul/core/scenario/Stage"
import * as TimelineText from "@simul/core/TimelineText"

interface Terminal {
  readonly columns?: number
  readonly rows?: number
  readonly write: (text: string) => unknown
}

const frameMs = 100

/** Draws on a terminal. `listen` takes events of a run; `stop` clears what was drawn. */
export const make = (terminal: Terminal, options: TimelineText.Options) => {
  const events: Array<StageEvent> = []
  let drawn = 0
  let origin = 0
  const clear = () => {
    if (drawn > 0) terminal.write(`\x1b[${drawn}A\x1b[0J`)
    drawn = 0
  }
  /** The variant that is being played, `atMs` after its start. */
  const draw = (own: ReadonlyArray<StageEvent>, atMs: number) => {
    const timeline = Stage.timelines(own, atMs).at(-1)
    if (timeline === undefined) return
    const lanes = Math.max(1, (terminal.rows ?? 24) - 8)
    const lines = [
      timeline.title,
      ...TimelineText.render(timeline, { lanes, ...options })
        .trimEnd()
        .split("\n")
    ]
    clear()
    terminal.write(`${lines.join("\n")}\n`)
    drawn = lines.length
  }
  let interval: ReturnType<typeof setInterval> | undefined
  return {
    listen: (event: StageEvent) => {
      if (event._tag === "Opened") {
        events.length = 0
        origin = performance.now()
      }
      events.push(event)
      interval ??= setInterval(() => draw(events, performance.now() - origin), frameMs)
    },
    /** Plays events of a run that is over, `speed` times as fast as they happened. */
    replay: async (all: ReadonlyArray<StageEvent>, speed: number) => {
      for (const own of Map.groupBy(all, ({ variant }) => variant).values()) {
        const endMs = own.at(-1)!.atMs
        for (const began = performance.now(); ;) {
          const atMs = Math.min(endMs, (performance.now() - began) * speed)
          draw(own, atMs)
          if (atMs >= endMs) break
          await new Promise((resolve) => setTimeout(resolve, frameMs))
        }
      }
      clear()
    },
    stop: () => {
      clearInterval(interval)
      clear()
    }
  }
}
