/**
 * What a recorder holds, as a timeline: a lane for each fiber and each worker.
 *
 * 1. The spans of a lane follow each other without a gap from its start to its
 *    end: running, ready, then what it waited for by its reason.
 * 2. A lane whose start was overwritten begins with the oldest event in memory.
 * 3. Lanes are numbered in the order of their start, so that the same run gives
 *    the same names whatever ran before it in the process.
 */
import * as Timeline from "../Timeline.ts"
import { counters, type Event, ends, type EventRing, kind } from "./EventRing.ts"
import type { Live } from "./Life.ts"
import { none, type Names } from "./Names.ts"

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

/** What a lane does; all but the first and the last wait. */
const categories: ReadonlyArray<Timeline.Category> = [
  { name: "running", description: "a fiber on the event loop's thread", waiting: false, colour: "#4fbf7f" },
  { name: "ready", description: "could run, waiting for the event loop", waiting: true, colour: "#e3c643" },
  { name: "sleeping", description: "a fiber that waits for time to pass", waiting: true, colour: "#c3c9d3" },
  { name: "waiting", description: "a fiber that waits for something to happen", waiting: true, colour: "#c5b3e6" },
  { name: "idle", description: "a worker without a task", waiting: true, colour: "#c3c9d3" },
  { name: "worker", description: "a task on a worker", waiting: false, colour: "#5f9cf0" }
]
const [running, ready, sleeping, waiting, idle, worker] = [0, 1, 2, 3, 4, 5]

type Spans = Array<Omit<Timeline.Span, "lane">>

/** A lane while it is put together. */
class Draft {
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
  endMs: number | undefined
  readonly extra: Record<string, string | number> = {}
  readonly spans: Spans = []

  constructor(key: string, startMs: number, category: number, reason = categories[category]!.name) {
    this.key = key
    this.startMs = startMs
    this.atMs = startMs
    this.category = category
    this.reason = reason
  }

  /** It did until then what it did, and does something else from then on. */
  turn(atMs: number, category: number, reason = categories[category]!.name, about?: Timeline.Arguments) {
    this.#close(atMs)
    this.category = category
    this.reason = reason
    this.about = about
  }

  finish(atMs: number) {
    if (this.endMs === undefined) this.#close(atMs)
    return this.atMs
  }

  #close(toMs: number) {
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

interface Task {
  readonly name: string
  readonly fiber: number
  readonly submittedMs: number
  /** The worker that has it while it is not known when it began there. */
  given: { readonly worker: number; readonly atMs: number } | undefined
}

/** All of it, up to now. */
export const timelineOf = ({ title, startedAtMs, nowMs, ring, lives, names, sources }: Recorded): Timeline.Timeline => {
  const events = [...ring.events()].toSorted((a, b) => startOf(a) - startOf(b))
  const windowMs = ring.overwritten === 0 || events.length === 0 ? 0 : startOf(events[0]!)
  const all: Array<Draft> = []
  /** The newest of a key: a fiber that is recorded twice has two lanes. */
  const drafts = new Map<string, Draft>()
  const flows: Array<Omit<Timeline.Flow, "from" | "to"> & { readonly from: Draft; readonly to: Draft }> = []
  const tasks = new Map<number, Task>()
  const results = new Map<number, { readonly worker: Draft; readonly atMs: number }>()
  const counted = counters.map((name) => ({ name, atMs: [] as Array<number>, values: [] as Array<number> }))

  const put = (draft: Draft) => {
    all.push(draft)
    drafts.set(draft.key, draft)
    return draft
  }
  /** A lane that was there before the oldest event. */
  const before = (key: string, category: number, reason?: string) => {
    const draft = drafts.get(key)
    if (draft !== undefined) return draft
    const made = put(new Draft(key, windowMs, category, reason))
    if (windowMs > 0) made.extra["began"] = "before the oldest event kept"
    return made
  }
  const flow = (kind: Timeline.Flow["kind"], from: Draft | undefined, fromMs: number, to: Draft, toMs: number) => {
    if (from !== undefined) flows.push({ kind, from, fromMs, to, toMs })
  }
  const because = (number: number) => {
    const reason = names.textOf(Math.floor(number))
    return reason === "" ? {} : { reason }
  }
  const fiberOf = (id: number) => drafts.get(fiberKey(id))
  const begin = (id: number, worker_: number, atMs: number) => {
    const draft = before(workerKey(worker_), idle)
    const task = tasks.get(id)
    const queuedMs = task === undefined ? undefined : atMs - task.submittedMs
    draft.turn(atMs, worker, task?.name ?? `task ${id}`, {
      task: id,
      ...(queuedMs === undefined ? {} : { "queued ms": Math.round(queuedMs * 1000) / 1000 })
    })
    if (task === undefined) return
    task.given = undefined
    flow("submit", fiberOf(task.fiber), task.submittedMs, draft, atMs)
  }
  /** Nobody said when they began there: the first of them as soon as it could. */
  const suppose = (worker_: number) => {
    for (const [id, { given }] of tasks)
      if (given?.worker === worker_) {
        const draft = before(workerKey(worker_), idle)
        if (draft.category === idle) begin(id, worker_, Math.max(given.atMs, draft.atMs))
      }
  }

  for (const event of events) {
    const { atMs, id, other, value } = event
    switch (event.kind) {
      case kind.start: {
        const draft = put(new Draft(fiberKey(id), startOf(event), ready))
        if (other !== id) draft.parent = fiberOf(other)
        draft.turn(atMs, running)
        flow("fork", draft.parent, startOf(event), draft, atMs)
        break
      }
      case kind.run: {
        const draft = before(fiberKey(id), waiting)
        // one that gave way was ready all the time
        if (draft.category !== ready && value > 0) draft.turn(atMs - value, ready)
        draft.turn(atMs, running)
        const result = results.get(id)
        if (result !== undefined) flow("result", result.worker, result.atMs, draft, atMs)
        else if (other !== id) flow("wake", fiberOf(other), atMs - value, draft, atMs)
        results.delete(id)
        break
      }
      case kind.park: {
        const reason = names.textOf(other)
        before(fiberKey(id), running).turn(
          atMs,
          reason === "yield" ? ready : reason === "sleep" ? sleeping : waiting,
          reason
        )
        break
      }
      case kind.end: {
        const draft = before(fiberKey(id), running)
        draft.finish(atMs)
        draft.endMs = atMs
        draft.end = ends[value]
        if (other !== none) draft.name = names.textOf(other)
        break
      }
      case kind.submit:
        tasks.set(id, { name: names.textOf(value), fiber: other, submittedMs: atMs, given: undefined })
        break
      case kind.spawn:
        put(new Draft(workerKey(other), atMs, idle)).name = names.textOf(value)
        break
      case kind.dequeue: {
        const task = tasks.get(id)
        if (task !== undefined) task.given = { worker: other, atMs }
        break
      }
      case kind.runTask:
        begin(id, other, atMs)
        break
      case kind.done: {
        if (other === 0) {
          tasks.delete(id)
          break
        }
        if (tasks.get(id)?.given?.worker === other) suppose(other)
        const draft = before(workerKey(other), worker)
        if (draft.endMs !== undefined) break
        draft.about = { ...draft.about, end: ends[value % ends.length]!, ...because(value / ends.length) }
        draft.turn(atMs, idle)
        const fiber = tasks.get(id)?.fiber
        if (fiber !== undefined && fiber !== 0) results.set(fiber, { worker: draft, atMs })
        tasks.delete(id)
        break
      }
      case kind.kill: {
        suppose(other)
        const draft = before(workerKey(other), worker)
        draft.about = { ...draft.about, end: "killed", ...because(value) }
        draft.finish(atMs)
        draft.endMs = atMs
        draft.end = "interrupted"
        tasks.delete(id)
        break
      }
      case kind.exit: {
        const draft = before(workerKey(other), idle)
        if (draft.endMs !== undefined) break
        suppose(other)
        draft.finish(atMs)
        draft.endMs = atMs
        draft.end = ends[value]
        break
      }
      case kind.count:
        counted[id]?.atMs.push(atMs)
        counted[id]?.values.push(value)
    }
  }

  for (const { given } of tasks.values()) if (given !== undefined) suppose(given.worker)

  for (const life of lives) {
    const isWaiting = life.state === "waiting"
    const category = isWaiting
      ? life.reason === "sleep"
        ? sleeping
        : waiting
      : life.state === "ready"
        ? ready
        : running
    const draft = before(fiberKey(life.id), category, isWaiting ? life.reason : undefined)
    if (life.parent !== life.id) draft.parent ??= fiberOf(life.parent)
    draft.name ||= life.name
  }

  const ordered = all.toSorted((a, b) => a.startMs - b.startMs)
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

const fiberKey = (id: number) => `f${id}`
const workerKey = (id: number) => `w${id}`

/** A fiber's start tells of the time when it was forked, too. */
const startOf = ({ kind: what, atMs, value }: Event) => (what === kind.start ? atMs - value : atMs)
