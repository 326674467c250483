/**
 * Records where the time of each target goes, from being read to being
 * committed, as a timeline.
 *
 * 1. It sees only what the stages are called with and what they answer; they do
 *    not know of it. A target carries what is recorded of it, so nothing is
 *    looked up for it by its URL.
 * 2. Memory is bounded: by what the line holds between reading and commit, by
 *    `mostInStore` targets that wait in the store, and by the bounds of
 *    `Timeline`. It is used again: a target costs two small objects, one for its
 *    exchange and one for its part, and what has a name is made when the
 *    timeline is read.
 */
import * as Timeline from "@simul/core/Timeline"
import * as Effect from "effect/Effect"
import type { Mutable } from "effect/Types"
import type { Politeness } from "../Politeness.ts"
import type { Recorder } from "../Recorder.ts"
import type { Commit } from "../Store.ts"
import type { Subject } from "../Subject.ts"
import { asked, type Target } from "../Target.ts"
import { categories, indexOf } from "./Cause.ts"
import { Gate, noSums } from "./Gate.ts"
import { Ear, type Shared, WatchedPart } from "./Listening.ts"
import type { Track } from "./Track.ts"
import { Tracks } from "./Tracks.ts"

const { robots, line, commit, disk, retry, "retry-after": pause } = indexOf

/**
 * So many that wait in the store are followed there. Of more, one that is put off as it is read begins when it comes from
 * there; any other ends there, and comes back as a target of its own.
 */
const mostInStore = 20_000

/** A recorder, and what it has recorded. */
export interface TargetRecorder extends Recorder {
  /** To be called once, when the run is over: what has no outcome then ends with it. */
  readonly timeline: () => Timeline.Timeline
}

/** Makes a recorder for one run. `robots`: it obeys robots.txt. */
export const make = (options: { readonly title: string; readonly robots: boolean }): TargetRecorder => {
  const startedAtMs = Date.now()
  // looked up once: on the global object it is a getter
  const { performance } = globalThis
  const originMs = performance.now()
  const nowMs = () => performance.now() - originMs
  const collector = Timeline.collect<Track>({
    title: options.title,
    words: { lane: "target", group: "host" },
    categories,
    spare: (track) => pool.giveBack(track)
  })
  const { spread } = collector
  const shared: Shared = { nowMs, originMs, judging: undefined, heard: 0 }
  const pool = new Tracks(spread)
  const gates = new Map<string, Gate>()
  /** The gate that was looked up last: targets of a host follow each other. */
  let gate: Gate | undefined
  /** A target carries its track. One that was left over when that ended is of none. */
  const trackOf = (target: Subject | undefined): Track | undefined => {
    const track = target?.recorded as Track | undefined
    return track?.isUnderWay === true && track.url === target!.url ? track : undefined
  }
  /** Those that wait in the store, by URL: they come from there as other targets. */
  const inStore = new Map<string, Track>()
  /** The same of a target that may come from there. */
  const trackBefore = (target: Target): Track | undefined =>
    trackOf(target) ?? (inStore.size === 0 ? undefined : inStore.get(target.url))
  const taken = options.robots ? robots : line

  /** It waits in the store from now on, if there is room to follow it there. */
  const keep = (track: Track): boolean => {
    if (inStore.size >= mostInStore) return false
    inStore.set(track.url, track)
    track.isInStore = true
    return true
  }
  const fetchBack = (track: Track) => {
    inStore.delete(track.url)
    track.isInStore = false
  }
  const end = (track: Track, atMs: number, about: Parameters<Track["finish"]>[1]) => {
    if (track.isInStore) fetchBack(track)
    if (track.isQueued) track.leaveQueue(commit, atMs, turn(track.awaited, atMs, -1))
    collector.add(track.finish(atMs, about))
  }

  let politeness: Politeness | undefined
  /** Reads a host's gate before something changes there: what has held it back so far, as far as something was queued. */
  const turn = (host: string, atMs: number, added: number) => {
    if (gate?.host !== host) gate = gates.get(host)
    if (gate === undefined) {
      if (added <= 0) return noSums
      gates.set(host, (gate = new Gate(host, atMs, spread)))
    }
    const sums = gate.read(atMs)
    const queued = gate.queued + added
    // what is queued changes nothing for those before it
    if (added > 0 && gate.queued > 0) gate.queued = queued
    else if (queued > 0) gate.become(politeness?.held(host) ?? openState, queued, startedAtMs)
    else {
      gates.delete(host)
      gate = undefined
    }
    return sums
  }
  /** It waits for its host: from now on, or still, if it has waited for it in the store. */
  const queue = (target: Target): Track => {
    const atMs = nowMs()
    let track = trackBefore(target)
    if (track?.isInStore === true) fetchBack(track)
    if (track?.isQueued !== true) {
      const { host } = asked(target)
      const sums = turn(host, atMs, 1)
      if (track === undefined) track = pool.begin(target.url, target.host, atMs, sums)
      else track.queue(host, atMs, sums)
    }
    ;(target as Mutable<Subject>).recorded = track
    return track
  }
  /** These wait in the store from now on, but for those in flight. */
  const store = (waiting: Commit["waiting"]) => {
    const atMs = nowMs()
    for (const { target, dueMs, leased } of waiting) {
      const track = trackOf(target)
      if (leased || track === undefined || track.isInStore) continue
      if (!keep(track)) {
        const { attempts } = target
        end(track, atMs, attempts === 0 ? { outcome: "not begun" } : { outcome: "waits for another attempt", attempts })
        continue
      }
      // else its turn is far off: it is queued for its host as before
      if (!track.isQueued) {
        if (dueMs === 0) track.putBack(atMs)
        else track.enter(target.hop === undefined ? retry : pause, atMs)
      }
    }
  }
  return {
    politeness: (inner) => {
      politeness = inner
      return {
        ...inner,
        add: (target) => {
          inner.add(target)
          queue(target)
        },
        putOff: (target, epochMs) => {
          const dueMs = inner.putOff(target, epochMs)
          if (dueMs !== undefined && (inStore.size < mostInStore || trackBefore(target) !== undefined))
            keep(queue(target))
          return dueMs
        },
        take: (epochMs) => {
          const admission = inner.take(epochMs)
          if (admission === undefined) return undefined
          const atMs = nowMs()
          const sums = turn(asked(admission.target).host, atMs, -1)
          const track = trackOf(admission.target)
          if (track === undefined) return admission
          track.leaveQueue(taken, atMs, sums)
          track.carry(atMs)
          return admission
        },
        withdraw: (isOut) => {
          const out = inner.withdraw(isOut)
          const atMs = nowMs()
          for (const target of out) trackOf(target)?.leaveQueue(commit, atMs, turn(asked(target).host, atMs, -1))
          return out
        },
        // the outcome was settled, or the target parked, just before
        release: (target, epochMs, verdict) => {
          inner.release(target, epochMs, verdict)
          const atMs = nowMs()
          turn(asked(target).host, atMs, 0)
          const track = trackOf(target)
          if (track?.isCarried !== true) return
          track.isCarried = false
          track.enter(commit, atMs)
        },
        startAgain: (host, epochMs) => {
          const started = inner.startAgain(host, epochMs)
          turn(host, nowMs(), 0)
          return started
        },
        setDelay: (host, ms, sinceMs) => {
          inner.setDelay(host, ms, sinceMs)
          turn(host, nowMs(), 0)
        }
      }
    },

    session: (inner) => ({
      ...inner,
      open: (request, receiver) => {
        const track = trackOf(receiver.target)
        if (track?.isCarried !== true) return inner.open(request, receiver)
        const ear = new Ear(track, receiver, shared)
        return ear.watch(inner.open(request, ear))
      }
    }),

    sink: (inner) => ({
      ...inner,
      open: (about) => {
        const track = shared.judging
        if (track === undefined) return inner.open(about)
        const { charging } = track
        track.charge(disk, nowMs())
        try {
          return new WatchedPart(inner.open(about), track, shared)
        } finally {
          track.charge(charging, nowMs())
        }
      },
      reopen: (target) =>
        Effect.suspend(() => {
          const track = trackOf(target)
          if (track === undefined) return inner.reopen(target)
          track.enter(disk, nowMs())
          return inner.reopen(target).pipe(
            Effect.map((part) => (part === undefined ? undefined : new WatchedPart(part, track, shared))),
            Effect.ensuring(Effect.sync(() => track.enter(line, nowMs())))
          )
        })
    }),

    store: (inner) => ({
      ...inner,
      commit: (made) =>
        Effect.suspend(() => {
          // before it is done: who leases them may have them before whoever commits hears of it
          store(made.waiting)
          return Effect.map(inner.commit(made), (found) => {
            const atMs = nowMs()
            for (const { target, outcome } of made.settled) {
              const track = trackBefore(target)
              if (track !== undefined) end(track, atMs, outcome)
            }
            return found
          })
        })
    }),

    timeline: () => {
      const atMs = nowMs()
      const sums = new Map(Array.from(gates, ([host, gate]) => [host, gate.read(atMs)]))
      for (const track of pool.underWay()) {
        if (track.isQueued) track.leaveQueue(line, atMs, sums.get(track.awaited) ?? noSums)
        end(track, atMs, { outcome: track.wasCarried ? "interrupted" : "not begun" })
      }
      return collector.result(startedAtMs, atMs)
    }
  }
}

/** Nothing holds a host back. Its times are long past. */
const openState = { pausedMs: 0, asked: false, nextMs: 0, isFull: false }
