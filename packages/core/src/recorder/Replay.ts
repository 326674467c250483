/**
 * The events of a recorder, played again: the lanes of its fibers and workers,
 * and what these did to each other.
 *
 * A lane whose start was overwritten begins with the oldest event in memory.
 */
import type * as Timeline from "../Timeline.ts"
import { Draft, idle, ready, running, sleeping, waiting, worker } from "./Draft.ts"
import { counters, type Event, ends, type EventRing, kind } from "./EventRing.ts"
import type { Live } from "./Life.ts"
import { none, type Names } from "./Names.ts"

interface Task {
  readonly name: string
  readonly fiber: number
  readonly submittedMs: number
  /** The worker that has it while it is not known when it began there. */
  given: { readonly worker: number; readonly atMs: number } | undefined
}

type Flow = Omit<Timeline.Flow, "from" | "to"> & { readonly from: Draft; readonly to: Draft }

const fiberKey = (id: number) => `f${id}`
const workerKey = (id: number) => `w${id}`

/** A fiber's start tells of the time when it was forked, too. */
const startOf = ({ kind: what, atMs, value }: Event) => (what === kind.start ? atMs - value : atMs)

export class Replay {
  readonly drafts: Array<Draft> = []
  readonly flows: Array<Flow> = []
  readonly counted = counters.map((name) => ({ name, atMs: [] as Array<number>, values: [] as Array<number> }))
  /** The newest of a key: a fiber that is recorded twice has two lanes. */
  readonly #newest = new Map<string, Draft>()
  readonly #tasks = new Map<number, Task>()
  readonly #results = new Map<number, { readonly worker: Draft; readonly atMs: number }>()
  readonly #names: Names
  /** When the oldest event in memory was; 0 if none was overwritten. */
  readonly #windowMs: number

  /** `lives`: the fibers that have not ended. */
  constructor(ring: EventRing, lives: ReadonlyArray<Live>, names: Names) {
    this.#names = names
    const events = [...ring.events()].toSorted((a, b) => startOf(a) - startOf(b))
    this.#windowMs = ring.overwritten === 0 || events.length === 0 ? 0 : startOf(events[0]!)
    for (const event of events) this.#play(event)
    for (const { given } of this.#tasks.values()) if (given !== undefined) this.#suppose(given.worker)
    for (const life of lives) this.#goOn(life)
  }

  #play(event: Event): void {
    const { atMs, id, other, value } = event
    switch (event.kind) {
      case kind.start: {
        const draft = this.#put(new Draft(fiberKey(id), startOf(event), ready))
        if (other !== id) draft.parent = this.#fiber(other)
        draft.turn(atMs, running)
        return this.#flow("fork", draft.parent, startOf(event), draft, atMs)
      }
      case kind.run: {
        const draft = this.#known(fiberKey(id), waiting)
        // one that gave way was ready all the time
        if (draft.category !== ready && value > 0) draft.turn(atMs - value, ready)
        draft.turn(atMs, running)
        const result = this.#results.get(id)
        if (result !== undefined) this.#flow("result", result.worker, result.atMs, draft, atMs)
        else if (other !== id) this.#flow("wake", this.#fiber(other), atMs - value, draft, atMs)
        this.#results.delete(id)
        return
      }
      case kind.park: {
        const reason = this.#names.textOf(other)
        const category = reason === "yield" ? ready : reason === "sleep" ? sleeping : waiting
        return this.#known(fiberKey(id), running).turn(atMs, category, reason)
      }
      case kind.end: {
        const draft = this.#known(fiberKey(id), running)
        draft.close(atMs, ends[value]!)
        if (other !== none) draft.name = this.#names.textOf(other)
        return
      }
      case kind.submit:
        this.#tasks.set(id, { name: this.#names.textOf(value), fiber: other, submittedMs: atMs, given: undefined })
        return
      case kind.spawn:
        this.#put(new Draft(workerKey(other), atMs, idle)).name = this.#names.textOf(value)
        return
      case kind.dequeue: {
        const task = this.#tasks.get(id)
        if (task !== undefined) task.given = { worker: other, atMs }
        return
      }
      case kind.runTask:
        return this.#begin(id, other, atMs)
      case kind.done:
        return this.#done(event)
      case kind.kill: {
        this.#suppose(other)
        const draft = this.#known(workerKey(other), worker)
        draft.about = { ...draft.about, end: "killed", ...this.#because(value) }
        draft.close(atMs, "interrupted")
        this.#tasks.delete(id)
        return
      }
      case kind.exit: {
        const draft = this.#known(workerKey(other), idle)
        if (draft.end !== undefined) return
        this.#suppose(other)
        return draft.close(atMs, ends[value]!)
      }
      case kind.count:
        this.counted[id]?.atMs.push(atMs)
        this.counted[id]?.values.push(value)
    }
  }

  #done({ atMs, id, other, value }: Event): void {
    const task = this.#tasks.get(id)
    if (other !== 0) {
      if (task?.given?.worker === other) this.#suppose(other)
      const draft = this.#known(workerKey(other), worker)
      if (draft.end !== undefined) return
      draft.about = { ...draft.about, end: ends[value % ends.length]!, ...this.#because(value / ends.length) }
      draft.turn(atMs, idle)
      if (task !== undefined && task.fiber !== 0) this.#results.set(task.fiber, { worker: draft, atMs })
    }
    this.#tasks.delete(id)
  }

  #begin(id: number, by: number, atMs: number): void {
    const draft = this.#known(workerKey(by), idle)
    const task = this.#tasks.get(id)
    const queuedMs = task === undefined ? undefined : atMs - task.submittedMs
    draft.turn(atMs, worker, task?.name ?? `task ${id}`, {
      task: id,
      ...(queuedMs === undefined ? {} : { "queued ms": Math.round(queuedMs * 1000) / 1000 })
    })
    if (task === undefined) return
    task.given = undefined
    this.#flow("submit", this.#fiber(task.fiber), task.submittedMs, draft, atMs)
  }

  /** Nobody said when its tasks began there: the first of them as soon as it could. */
  #suppose(by: number): void {
    for (const [id, { given }] of this.#tasks)
      if (given?.worker === by) {
        const draft = this.#known(workerKey(by), idle)
        if (draft.category === idle) this.#begin(id, by, Math.max(given.atMs, draft.atMs))
      }
  }

  #goOn(life: Live): void {
    const isWaiting = life.state === "waiting"
    const category = isWaiting
      ? life.reason === "sleep"
        ? sleeping
        : waiting
      : life.state === "ready"
        ? ready
        : running
    const draft = this.#known(fiberKey(life.id), category, isWaiting ? life.reason : undefined)
    if (life.parent !== life.id) draft.parent ??= this.#fiber(life.parent)
    draft.name ||= life.name
  }

  #fiber(id: number): Draft | undefined {
    return this.#newest.get(fiberKey(id))
  }

  #put(draft: Draft): Draft {
    this.drafts.push(draft)
    this.#newest.set(draft.key, draft)
    return draft
  }

  /** Its lane: one that is not known was there before the oldest event. */
  #known(key: string, category: number, reason?: string): Draft {
    const draft = this.#newest.get(key)
    if (draft !== undefined) return draft
    const made = this.#put(new Draft(key, this.#windowMs, category, reason))
    if (this.#windowMs > 0) made.extra["began"] = "before the oldest event kept"
    return made
  }

  #flow(kind: Flow["kind"], from: Draft | undefined, fromMs: number, to: Draft, toMs: number): void {
    if (from !== undefined) this.flows.push({ kind, from, fromMs, to, toMs })
  }

  #because(number: number): Timeline.Arguments {
    const reason = this.#names.textOf(Math.floor(number))
    return reason === "" ? {} : { reason }
  }
}
