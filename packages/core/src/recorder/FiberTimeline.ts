/**
 * What a recorder holds, as a timeline: a lane for each fiber and each worker.
 *
 * 1. The spans of a lane follow each other without a gap from its start to its
 *    end: running, ready, then what it waited for by its reason.
 * 2. Lanes are numbered in the order of their start, so that the same run gives
 *    the same names whatever ran before it in the process.
 */
import * as Timeline from "../Timeline.ts"
import { categories } from "./Draft.ts"
import type { EventRing } from "./EventRing.ts"
import type { Live } from "./Life.ts"
import type { Names } from "./Names.ts"
import { Replay } from "./Replay.ts"

interface Recorded {
  readonly title: string
  readonly startedAtMs: number
  readonly nowMs: number
  readonly ring: EventRing
  readonly lives: ReadonlyArray<Live>
  readonly names: Names
  /** `file:line:column` by the name of a function. */
  readonly sources: ReadonlyMap<string, string>
}

/** All of it, up to now. */
export const timelineOf = ({ title, startedAtMs, nowMs, ring, lives, names, sources }: Recorded): Timeline.Timeline => {
  const { drafts, flows, counted } = new Replay(ring, lives, names)
  const ordered = drafts.toSorted((a, b) => a.startMs - b.startMs)
  const indexes = new Map(ordered.map((draft, index) => [draft, index]))
  const collector = Timeline.collect({
    title,
    words: { lane: "fiber", group: "function" },
    categories,
    most: Infinity
  })
  let fibers = 0
  /** Workers so far, by the name of their executor. */
  const workers = new Map<string, number>()
  for (const draft of ordered) {
    const isWorker = draft.key.startsWith("w")
    const endMs = draft.finish(Math.max(nowMs, draft.atMs))
    const parent = draft.parent === undefined ? undefined : indexes.get(draft.parent)
    const function_ = isWorker ? "workers" : draft.name || "(no name)"
    const kindOfWorker = draft.name || "worker"
    if (isWorker) workers.set(kindOfWorker, (workers.get(kindOfWorker) ?? 0) + 1)
    const number = isWorker ? workers.get(kindOfWorker)! : ++fibers
    const source = sources.get(draft.name)
    collector.add({
      name: () =>
        isWorker ? `${kindOfWorker} ${number}` : draft.name === "" ? `#${number}` : `${draft.name} #${number}`,
      group: function_,
      startMs: draft.startMs,
      endMs,
      slownessMs: 0,
      times: (sums, spread) => {
        for (const { category, startMs, endMs } of draft.spans) {
          const index = categories.findIndex(({ name }) => name === category)
          sums[index]! += endMs - startMs
          spread?.(index, startMs, endMs, endMs - startMs)
        }
      },
      spans: (lane) => draft.spans.map((span) => ({ lane, ...span })),
      arguments: {
        ...draft.extra,
        ...(source === undefined || source === "" ? {} : { source }),
        ...(isWorker ? {} : { end: draft.end ?? "alive" })
      },
      ...(parent === undefined ? {} : { parent }),
      ...(draft.end === undefined ? {} : { end: draft.end })
    })
  }
  const result = collector.result(startedAtMs, Math.max(nowMs, ...counted.map(({ atMs }) => atMs.at(-1) ?? 0)))
  return {
    ...result,
    leftOut: { ...result.leftOut, ...(ring.overwritten === 0 ? {} : { events: ring.overwritten }) },
    thread: { name: "event loop", category: "running" },
    flows: flows.map(({ from, to, ...rest }) => ({ ...rest, from: indexes.get(from)!, to: indexes.get(to)! })),
    counters: counted.filter(({ atMs }) => atMs.length > 0)
  }
}
