/** A lane of fibers and workers while it is put together: what it did, without a gap from its start to its end. */
import type * as Timeline from "../Timeline.ts"

/** What a lane does; all but the first and the last wait. */
export const categories: ReadonlyArray<Timeline.Category> = [
  { name: "running", description: "a fiber on the event loop's thread", waiting: false, colour: "#4fbf7f" },
  { name: "ready", description: "could run, waiting for the event loop", waiting: true, colour: "#e3c643" },
  { name: "sleeping", description: "a fiber that waits for time to pass", waiting: true, colour: "#c3c9d3" },
  { name: "waiting", description: "a fiber that waits for something to happen", waiting: true, colour: "#c5b3e6" },
  { name: "idle", description: "a worker without a task", waiting: true, colour: "#c3c9d3" },
  { name: "worker", description: "a task on a worker", waiting: false, colour: "#5f9cf0" }
]
/** Indexes in `categories`. */
export const [running, ready, sleeping, waiting, idle, worker] = [0, 1, 2, 3, 4, 5]

export class Draft {
  /** Begins with `f` for a fiber, with `w` for a worker. */
  readonly key: string
  readonly startMs: number
  /** Up to where it is known what it did. */
  atMs: number
  category: number
  reason: string
  about: Timeline.Arguments | undefined
  parent: Draft | undefined
  name = ""
  end: Timeline.Lane["end"]
  readonly extra: Record<string, string | number> = {}
  readonly spans: Array<Omit<Timeline.Span, "lane">> = []

  constructor(key: string, startMs: number, category: number, reason = categories[category]!.name) {
    this.key = key
    this.startMs = startMs
    this.atMs = startMs
    this.category = category
    this.reason = reason
  }

  /** It did until then what it did, and does something else from then on. */
  turn(atMs: number, category: number, reason = categories[category]!.name, about?: Timeline.Arguments) {
    this.#fill(atMs)
    this.category = category
    this.reason = reason
    this.about = about
  }

  close(atMs: number, end: NonNullable<Timeline.Lane["end"]>) {
    this.finish(atMs)
    this.end = end
  }

  /** Says what it did up to then, unless it has ended; gives up to where that is known. */
  finish(atMs: number) {
    if (this.end === undefined) this.#fill(atMs)
    return this.atMs
  }

  #fill(toMs: number) {
    const endMs = Math.max(toMs, this.atMs)
    // work of no length is seen, waiting of no length was none
    if (endMs > this.atMs || !categories[this.category]!.waiting) {
      this.spans.push({
        name: this.reason,
        category: categories[this.category]!.name,
        startMs: this.atMs,
        endMs,
        ...(this.about === undefined ? {} : { arguments: this.about })
      })
    }
    this.atMs = endMs
  }
}
