/**
 * Where a scenario plays: it tells what happens as events, and a picture is made of them.
 *
 * 1. Events are data in the order of their happening; nothing else is kept. Whoever listens can draw while it runs.
 * 2. A scenario shows its work in one or more variants, one after the other, each with a time scale of its own that
 *    begins at 0. A lane is a name within a variant.
 * 3. Time is the fiber's Clock, so in virtual time the same program tells the same events.
 * 4. What a lane does is one thing at a time: a span that begins ends the one before it. Between two spans it waits.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Timeline from "../Timeline.ts"

/** What a lane does: it runs on the event loop, is ready to, runs on a worker, or waits for time or for others. */
export type Doing = "running" | "ready" | "worker" | "sleeping" | "waiting"

/** `variant` counts from 0, `atMs` from the start of the variant. */
export type StageEvent = { readonly variant: number; readonly atMs: number } & (
  | { readonly _tag: "Opened"; readonly title: string }
  | { readonly _tag: "Began"; readonly lane: string; readonly doing: Doing; readonly name: string }
  /** The lane waits until it does something again. */
  | { readonly _tag: "Paused"; readonly lane: string }
  | { readonly _tag: "Ended"; readonly lane: string; readonly end: "ok" | "failed" | "interrupted" }
  | { readonly _tag: "Said"; readonly lane: string; readonly text: string }
  | { readonly _tag: "Counted"; readonly name: string; readonly value: number }
  | { readonly _tag: "Closed" }
)

/** Without `variant` and `atMs`, which the stage knows. */
type Told = StageEvent extends infer E ? (E extends StageEvent ? Omit<E, "variant" | "atMs"> : never) : never

export class Stage extends Context.Service<
  Stage,
  {
    readonly events: ReadonlyArray<StageEvent>
    readonly tell: (event: Told) => Effect.Effect<void>
    readonly variant: <A, E, R>(title: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Milliseconds since the variant began. */
    readonly now: Effect.Effect<number>
  }
>()("@simul/core/scenario/Stage") {}

/** A stage of its own. `listen` hears each event as it happens. */
export const make = (listen: (event: StageEvent) => void = () => {}): Stage["Service"] => {
  const events: Array<StageEvent> = []
  let variant = -1
  let origin = 0
  const monotonicMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  const now = Effect.map(monotonicMs, (ms) => ms - origin)
  const tell = (event: Told) =>
    Effect.map(now, (atMs) => {
      const told = { ...event, variant, atMs } as StageEvent
      events.push(told)
      listen(told)
    })
  return {
    events,
    now,
    tell,
    variant: (title, effect) =>
      Effect.andThen(
        Effect.flatMap(monotonicMs, (ms) => {
          variant++
          origin = ms
          return tell({ _tag: "Opened", title })
        }),
        Effect.onExit(effect, () => tell({ _tag: "Closed" }))
      )
  }
}

/** Plays a variant: from here on time counts from 0. */
export const variant = <A, E, R>(title: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Stage> =>
  Effect.flatMap(Stage, (stage) => stage.variant(title, effect))

/** Milliseconds since the variant began. */
export const now: Effect.Effect<number, never, Stage> = Effect.flatMap(Stage, (stage) => stage.now)

/** From now on the lane does this. */
export const begin = (lane: string, doing: Doing, name: string = doing): Effect.Effect<void, never, Stage> =>
  Effect.flatMap(Stage, (stage) => stage.tell({ _tag: "Began", lane, doing, name }))

export const pause = (lane: string): Effect.Effect<void, never, Stage> =>
  Effect.flatMap(Stage, (stage) => stage.tell({ _tag: "Paused", lane }))

export const say = (lane: string, text: string): Effect.Effect<void, never, Stage> =>
  Effect.flatMap(Stage, (stage) => stage.tell({ _tag: "Said", lane, text }))

/** A number over time: the length of a queue, fibers alive. */
export const count = (name: string, value: number): Effect.Effect<void, never, Stage> =>
  Effect.flatMap(Stage, (stage) => stage.tell({ _tag: "Counted", name, value }))

/** The lane does this while the effect runs, and waits afterwards. */
export const during = <A, E, R>(
  lane: string,
  doing: Doing,
  effect: Effect.Effect<A, E, R>,
  name?: string
): Effect.Effect<A, E, R | Stage> =>
  Effect.andThen(
    begin(lane, doing, name),
    Effect.onExit(effect, () => pause(lane))
  )

/** The whole life of a lane, with its end: as it ended, so ends the lane. */
export const lane = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Stage> =>
  Effect.onExit(effect, (exit) =>
    Effect.flatMap(Stage, (stage) => stage.tell({ _tag: "Ended", lane: name, end: endOf(exit) }))
  )

const endOf = (exit: Exit.Exit<unknown, unknown>) =>
  exit._tag === "Success" ? "ok" : Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "failed"

const categories: ReadonlyArray<Timeline.Category> = [
  { name: "running", description: "at work; on an event loop one at a time", waiting: false, colour: "#4fbf7f" },
  { name: "ready", description: "could run, waits for its turn", waiting: true, colour: "#e3c643" },
  { name: "sleeping", description: "waits for time to pass", waiting: true, colour: "#c3c9d3" },
  { name: "waiting", description: "waits for something to happen", waiting: true, colour: "#c5b3e6" },
  {
    name: "worker",
    description: "at work on a worker: a thread, a process, a server",
    waiting: false,
    colour: "#5f9cf0"
  }
]

interface Draft {
  readonly spans: Array<Omit<Timeline.Span, "lane">>
  /** What it does, or waits for, and since when. */
  doing: Doing
  name: string
  sinceMs: number
  readonly startMs: number
  endMs: number
  end: Timeline.Lane["end"]
}

/** The picture of each variant, up to `untilMs` of it where that is given. */
export const timelines = (events: ReadonlyArray<StageEvent>, untilMs = Infinity): ReadonlyArray<Timeline.Timeline> =>
  Array.from(Map.groupBy(events, (event) => event.variant).values(), (own) =>
    timelineOf(
      own.filter(({ atMs }) => atMs <= untilMs),
      untilMs
    )
  )

const timelineOf = (events: ReadonlyArray<StageEvent>, untilMs: number): Timeline.Timeline => {
  const [opened] = events
  const isClosed = events.at(-1)?._tag === "Closed"
  const durationMs = isClosed || untilMs === Infinity ? (events.at(-1)?.atMs ?? 0) : untilMs
  const drafts = new Map<string, Draft>()
  const counters = new Map<string, { readonly atMs: Array<number>; readonly values: Array<number> }>()

  const turn = (draft: Draft, atMs: number, doing: Doing, name: string) => {
    const isInstant = atMs <= draft.sinceMs
    // work without length is seen, waiting without length was none
    if (!isInstant || draft.doing === "running" || draft.doing === "worker")
      draft.spans.push({ name: draft.name, category: draft.doing, startMs: draft.sinceMs, endMs: atMs })
    draft.doing = doing
    draft.name = name
    draft.sinceMs = atMs
  }
  const draftOf = (lane: string, atMs: number) => {
    let draft = drafts.get(lane)
    if (draft === undefined) {
      draft = { spans: [], doing: "waiting", name: "waiting", sinceMs: atMs, startMs: atMs, endMs: -1, end: undefined }
      drafts.set(lane, draft)
    }
    return draft
  }
  for (const event of events) {
    const { atMs } = event
    if (event._tag === "Counted") {
      const counter = counters.get(event.name) ?? { atMs: [], values: [] }
      counters.set(event.name, counter)
      counter.atMs.push(atMs)
      counter.values.push(event.value)
    } else if ("lane" in event && event._tag !== "Said") {
      const draft = draftOf(event.lane, atMs)
      if (draft.endMs >= 0) continue
      if (event._tag === "Began") turn(draft, atMs, event.doing, event.name)
      if (event._tag === "Paused") turn(draft, atMs, "waiting", "waiting")
      if (event._tag === "Ended") {
        turn(draft, atMs, "waiting", "waiting")
        draft.endMs = atMs
        draft.end = event.end
      }
    }
  }

  const collector = Timeline.collect({
    title: opened?._tag === "Opened" ? opened.title : "",
    words: { lane: "lane", group: "variant" },
    categories
  })
  for (const [name, draft] of drafts) {
    // a lane that was never ended is drawn to its last work, or to now if it is at it
    if (draft.endMs < 0) {
      const isAtWork = draft.doing !== "waiting"
      draft.endMs = isAtWork ? durationMs : Math.max(draft.startMs, draft.sinceMs)
      if (isAtWork) turn(draft, durationMs, "waiting", "waiting")
    }
    collector.add({
      name: () => name,
      group: "lanes",
      startMs: draft.startMs,
      endMs: draft.endMs,
      slownessMs: draft.endMs - draft.startMs,
      times: (sums, spread) => {
        for (const { category, startMs, endMs } of draft.spans) {
          const index = categories.findIndex((one) => one.name === category)
          sums[index]! += endMs - startMs
          spread?.(index, startMs, endMs, endMs - startMs)
        }
      },
      spans: (lane) => draft.spans.map((span) => ({ lane, ...span })),
      ...(draft.end === undefined ? {} : { end: draft.end })
    })
  }
  return {
    ...collector.result(0, durationMs),
    counters: Array.from(counters, ([name, counter]) => ({ name, ...counter }))
  }
}
