/**
 * May we ask a host, and when: slots, delay, Retry-After and back-off, kept for
 * each origin. Pure bookkeeping: time comes in as an argument, so a test needs
 * no clock.
 *
 * 1. A host never has more than `perHost` requests in flight, and never two
 *    starts closer than `delayMs`, or than it asked for itself if that is more.
 * 2. A pause holds for the whole host; the longest one counts.
 * 3. Faults of a host in a row are strikes: each pauses it, longer and longer;
 *    faults that arrive during the pause do not count again. One good answer
 *    clears them. A body that stalls is one only when what ended before it at the
 *    host was a fault or a stall too: so a host that stops in each body is backed
 *    off, and one that stops in a single body of many is not. That it cannot serve
 *    now (503) is one after a fault, or from the eighth target in a row on: below, and
 *    of targets that have heard it before, it speaks of a page.
 * 4. After more strikes than `strikes` it is down: its targets are let through
 *    at once to be failed without a request, but for one probe each `probeMs`.
 *    One that has answered may come back: it is probed `patience` times first,
 *    and its targets wait.
 * 5. A host with strikes has one request in flight, until one is answered; so has
 *    one whose delay adapts, until it is known how fast it is.
 * 6. Hosts take turns. An idle host without a clock costs nothing; with one it is
 *    kept while they are few, and left to the store where they are many.
 * 7. A host has no more queued than has its turn soon, or one: the rest is put off,
 *    or a few hosts would fill the line with what nobody may ask for.
 * 8. What is known of a host outlives the process: the first request of the next
 *    one keeps its distance, waits for the end of a pause, and comes alone to a
 *    host that had strikes. Only one that was down is not waited for.
 */
import * as AdaptiveDelay from "./AdaptiveDelay.ts"
import { asked, type Target } from "./Target.ts"

/** What of a host outlives the process. Times in milliseconds since the epoch. */
export interface HostClock {
  readonly host: string
  /** The next start is not before this. */
  readonly nextMs: number
  /** Asked to wait, or backed off, until then. */
  readonly pausedMs: number
  /** It asked for that pause itself. */
  readonly asked: boolean
  readonly strikes: number
  /** What the last strike was for. */
  readonly fault: string
  /** Between two starts, as it was kept last. */
  readonly delayMs: number
  /** Of that, what the host wants by its robots.txt. */
  readonly crawlDelayMs: number
  /** Of that, what the time of its answers made of it. */
  readonly learnedMs?: number
}

/** What a run asks of its politeness; times in milliseconds. */
export interface PolitenessOptions {
  readonly perHost: number
  readonly delayMs: number
  /** Faults in a row after which a host is down. */
  readonly strikes: number
  readonly backoff: Backoff
  /** What robots.txt said to earlier runs counts too. */
  readonly robots: boolean
  /** Set where the delay adapts to how long answers take. */
  readonly adaptive?: Pick<AdaptiveDelay.AdaptiveDelay, "target" | "maxMs"> | undefined
}

/** `baseMs`: the longest first wait. `random`: a number in [0, 1) for jitter. */
export interface Backoff {
  readonly baseMs: number
  readonly random: () => number
}

/**
 * How an exchange ended, for its host: it answered, it is at fault (and asked for a pause), its body stalled, it cannot
 * serve now, or it asked for a pause. `unasked`: nothing was sent, so the next start need not keep its distance from this
 * one.
 */
export type Verdict =
  | "answered"
  | "unasked"
  | { readonly fault: string; readonly pauseMs?: number }
  | { readonly stall: string }
  | { readonly unavailable: string; readonly isFirst: boolean }
  | { readonly pauseMs: number }

/** A target, and whether its host is down: then it is not to be asked. */
export interface Admission {
  readonly target: Target
  readonly down?: { readonly failures: number; readonly last: string }
}

const maxBackoffMs = 60_000
const probeMs = 30_000
/** Targets in a row from which on it is the host's fault that it cannot serve now. */
const mostUnavailable = 8
/** Five minutes: longer than most hosts take to start anew. */
const patience = 10
/** No host is believed that asks for more: a day. */
export const maxPauseMs = 86_400_000
/** Nor one that wants its requests further apart. */
const maxDelayMs = 300_000
/** Hosts whose clocks are kept while they are idle: more are left to the store. */
const mostIdle = 20_000
/** Origins that are known to have been asked for in the store. */
const mostMet = 100_000
/** A turn that is further off is no reason to have a target queued. */
const farMs = 10_000
/** Of a crawl more are brought once a second: what is brought for later turns than these takes the room of other sites. */
const nearMs = 3000
/** What is put off comes back together with what is due in the same tenth of a second. */
const togetherMs = 100
/** Strikes of an earlier run count for so long after their pause. */
const strikesMs = 3_600_000

/** Exponential with full jitter: uniform in [0, base 2^(n-1)), at most a minute. `n` counts from 1. */
export const backoffMs = (n: number, { baseMs, random }: Backoff) =>
  random() * Math.min(maxBackoffMs, baseMs * 2 ** (n - 1))

class Host {
  readonly host: string
  queue: Array<Target> = []
  head = 0
  inFlight = 0
  nextMs = 0
  pausedMs = 0
  /** It asked for that pause itself. */
  asked = false
  strikes = 0
  last = ""
  /** What ended last was a body that stalled. */
  stalled = false
  /** Targets in a row that have heard at first that it cannot serve now. */
  unavailable = 0
  /** Since it is remembered. */
  hasAnswered = false
  delayMs: number
  crawlDelayMs = 0
  learnedMs: number | undefined = undefined
  /** The target whose start was counted last, and `nextMs` before it. */
  latest: Target | undefined = undefined
  beforeMs = 0
  /** When the last target that was put off comes back. */
  putOffMs = 0
  /** In `ready`, waiting for its turn. */
  listed = false
  constructor(host: string, delayMs: number) {
    this.host = host
    this.delayMs = delayMs
  }
  get queued() {
    return this.queue.length - this.head
  }
  shift(): Target {
    const target = this.queue[this.head++]!
    if (this.head > 64 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head)
      this.head = 0
    }
    return target
  }
}

/** The hosts of a run, none of which is known yet. Nothing in it waits or looks at a clock: each call is given the time. */
export const make = (options: PolitenessOptions) => {
  const hosts = new Map<string, Host>()
  /** All that the store knows of these is here. */
  const met = new Set<string>()
  /** With so many hosts it is worth to look which are of no use any more. */
  let sweepAt = 0
  const changed = new Set<Host>()
  /** Hosts that may have something to give now, in turn. */
  let ready: Array<Host> = []
  let turn = 0
  /** Hosts with work that must wait for a time. */
  const sleeping = new Set<Host>()
  let hasFar = false
  let queued = 0

  const hostOf = (origin: string) => {
    let host = hosts.get(origin)
    if (host === undefined) hosts.set(origin, (host = new Host(origin, options.delayMs)))
    return host
  }
  const list = (host: Host) => {
    if (host.listed || host.queued === 0) return
    host.listed = true
    ready.push(host)
  }
  const isDown = (host: Host) => host.strikes > options.strikes + (host.hasAnswered ? patience : 0)
  const adaptive = options.adaptive && { ...options.adaptive, minMs: options.delayMs }
  const isTried = (host: Host) => host.strikes > 0 || (adaptive !== undefined && host.learnedMs === undefined)
  const isFull = (host: Host) => host.inFlight >= (isTried(host) ? 1 : options.perHost)
  const slow = (host: Host, crawlDelayMs: number, learnedMs: number | undefined) => {
    host.crawlDelayMs = Math.min(crawlDelayMs, maxDelayMs)
    host.learnedMs = learnedMs
    host.delayMs = Math.max(options.delayMs, host.crawlDelayMs, learnedMs ?? 0)
  }
  const readyMs = (host: Host) => Math.max(host.nextMs, host.pausedMs)
  /** Targets that a host may have queued: those whose turn is soon, and one whose turn brings others. */
  const roomOf = (host: Host, nowMs: number, withinMs: number) => {
    const soonMs = withinMs - Math.max(0, readyMs(host) - nowMs)
    if (isDown(host)) return Infinity
    return soonMs > 0 ? Math.ceil(soonMs / host.delayMs) : 1
  }
  /** When another target of a host comes back, behind so many. */
  const later = (host: Host, nowMs: number, before: number) => {
    const turnMs = Math.max(nowMs, readyMs(host)) + before * host.delayMs
    host.putOffMs = Math.max(turnMs, host.putOffMs + Math.max(1, host.delayMs))
    return Math.ceil(host.putOffMs / togetherMs) * togetherMs
  }
  const wake = (nowMs: number) => {
    for (const host of sleeping)
      if (readyMs(host) <= nowMs || isDown(host)) {
        sleeping.delete(host)
        list(host)
      }
  }
  /** Counts a start: the next one keeps its distance. */
  const start = (host: Host, nowMs: number, target?: Target) => {
    if (host.delayMs === 0) return
    host.latest = target
    host.beforeMs = host.nextMs
    host.nextMs = nowMs + host.delayMs
    changed.add(host)
  }
  const isIdle = (host: Host) => host.queued === 0 && host.inFlight === 0 && !changed.has(host)
  /** Drops what needs no memory: nothing queued or in flight, no clock that still matters, and no delay of its own. */
  const forget = (host: Host, nowMs: number) => {
    const isPlain = host.strikes === 0 && host.unavailable === 0 && !host.stalled && host.delayMs === options.delayMs
    if (isPlain && readyMs(host) <= nowMs && isIdle(host)) hosts.delete(host.host)
  }
  /** Drops the oldest of more idle hosts than are kept, too: their clocks are committed. As often as a quarter more came. */
  const sweep = (nowMs: number) => {
    if (hosts.size < sweepAt) return
    for (const host of hosts.values()) forget(host, nowMs)
    for (const host of hosts.values()) {
      if (hosts.size <= mostIdle) break
      if (!isIdle(host)) continue
      hosts.delete(host.host)
      met.delete(host.host)
    }
    sweepAt = 1.25 * hosts.size + 256
  }
  /** What a verdict comes to: a stall is a fault after another one, being unavailable after many; else they are answers. */
  const weigh = (host: Host, verdict: Verdict | undefined) => {
    if (verdict === undefined || verdict === "unasked") return verdict
    const isAfterFault = host.stalled || host.strikes > 0
    host.stalled = typeof verdict === "object" && "stall" in verdict
    if (typeof verdict === "object" && "unavailable" in verdict) {
      if (verdict.isFirst) host.unavailable++
      return host.strikes > 0 || host.unavailable >= mostUnavailable ? { fault: verdict.unavailable } : undefined
    }
    host.unavailable = 0
    if (verdict === "answered" || !("stall" in verdict)) return verdict
    return isAfterFault ? { fault: verdict.stall } : "answered"
  }

  return {
    /** Those of these origins that the store is to be asked for, each once: with what it knows `restore` is called. */
    meet: (origins: Iterable<string>): ReadonlyArray<string> => {
      const strangers: Array<string> = []
      for (const origin of origins) {
        if (met.has(origin)) continue
        if (strangers.length === 0 && met.size > mostMet) met.clear()
        met.add(origin)
        strangers.push(origin)
      }
      return strangers
    },
    /** Takes over clocks from the store. A host that was down is tried once, at once, before it counts as down again. */
    restore: (clocks: ReadonlyArray<HostClock>, nowMs: number) => {
      for (const clock of clocks) {
        const host = hostOf(clock.host)
        // the wall's clock may have been set back since: no wait is longer than it was when it began
        host.nextMs = Math.max(host.nextMs, Math.min(clock.nextMs, nowMs + clock.delayMs))
        const pausedMs = Math.min(clock.pausedMs, nowMs + (clock.asked ? maxPauseMs : maxBackoffMs))
        // whoever starts a run is told that it tries: the first target is the probe
        const isProbed = !clock.asked && clock.strikes > options.strikes
        if (pausedMs > host.pausedMs && !isProbed) {
          host.pausedMs = pausedMs
          host.asked = clock.asked
        }
        const learnedMs = host.learnedMs ?? (adaptive && clock.learnedMs)
        slow(host, Math.max(host.crawlDelayMs, options.robots ? clock.crawlDelayMs : 0), learnedMs)
        if (host.strikes === 0 && nowMs - clock.pausedMs < strikesMs) {
          host.strikes = Math.min(clock.strikes, options.strikes)
          host.last = clock.fault
        }
        forget(host, nowMs)
      }
    },

    /** Queues a target behind those of its host. */
    add: (target: Target) => {
      const host = hostOf(asked(target).host)
      host.queue.push(target)
      queued++
      if (!sleeping.has(host)) list(host)
    },

    /**
     * When a target is to come back, where its turn is far off: milliseconds since the epoch, each time later, so that
     * those of a host come back one after the other.
     */
    putOff: (target: Target, nowMs: number): number | undefined => {
      const host = hosts.get(asked(target).host)
      return host === undefined || host.queued < roomOf(host, nowMs, farMs)
        ? undefined
        : later(host, nowMs, host.queued)
    },
    /** Targets of a crawl that a host may have queued: fewer where its turn is far off, or its delay long. */
    room: (origin: string, nowMs: number): number => {
      const host = hosts.get(origin)
      return host === undefined ? Math.ceil(nearMs / options.delayMs) : roomOf(host, nowMs, nearMs)
    },
    /** There are queued targets whose turn is far off by now. */
    hasFar: () => hasFar,
    /** Takes those out of their queues; each with its time to come back, as `putOff` gives it. */
    shed: (nowMs: number): ReadonlyArray<readonly [target: Target, dueMs: number]> => {
      hasFar = false
      const out: Array<readonly [Target, number]> = []
      for (const host of sleeping) {
        const most = roomOf(host, nowMs, farMs)
        if (host.queued <= most) continue
        const waiting = host.queue.slice(host.head)
        for (const target of waiting.splice(most)) out.push([target, later(host, nowMs, most)])
        queued += waiting.length - host.queued
        host.queue = waiting
        host.head = 0
      }
      return out
    },

    /** The next target that may be asked now, its slot taken; `undefined` if none. */
    take: (nowMs: number): Admission | undefined => {
      if (sleeping.size > 0) wake(nowMs)
      while (turn < ready.length) {
        const host = ready[turn++]!
        host.listed = false
        if (turn > 256 && turn * 2 > ready.length) {
          ready = ready.slice(turn)
          turn = 0
        }
        if (host.queued === 0) continue
        const down = isDown(host)
        if (!down && isFull(host)) continue // listed again by `release`
        if (readyMs(host) > nowMs && !down) {
          sleeping.add(host)
          hasFar ||= host.queued > roomOf(host, nowMs, farMs)
          continue
        }
        const target = host.shift()
        queued--
        host.inFlight++
        const probe = down && readyMs(host) <= nowMs
        if (probe) host.pausedMs = nowMs + probeMs
        if (!down || probe) start(host, nowMs, target)
        list(host)
        return down && !probe ? { target, down: { failures: host.strikes, last: host.last } } : { target }
      }
      ready = []
      turn = 0
      return undefined
    },

    /** Gives the slot back. `said` is absent where the host was not asked. */
    release: (target: Target, nowMs: number, said?: Verdict) => {
      const host = hostOf(asked(target).host)
      const verdict = weigh(host, said)
      host.inFlight--
      if (verdict === "answered") {
        host.hasAnswered ||= said === "answered"
        if (host.strikes > 0) {
          host.strikes = 0
          host.pausedMs = 0
          changed.add(host)
        }
      } else if (verdict === "unasked") {
        if (host.latest === target) host.nextMs = host.beforeMs
      } else if (verdict !== undefined && !("fault" in verdict)) {
        host.strikes = 0
        host.pausedMs = Math.max(host.pausedMs, nowMs + Math.min(verdict.pauseMs, maxPauseMs))
        host.asked = true
        changed.add(host)
      } else if (verdict !== undefined && host.pausedMs <= nowMs) {
        host.strikes++
        host.last = verdict.fault
        const pauseMs = host.strikes > options.strikes ? probeMs : backoffMs(host.strikes, options.backoff)
        const askedMs = Math.min(verdict.pauseMs ?? 0, maxPauseMs)
        host.pausedMs = nowMs + Math.max(pauseMs, askedMs)
        host.asked = askedMs >= pauseMs
        changed.add(host)
      }
      if (sleeping.has(host)) wake(nowMs)
      list(host)
      forget(host, nowMs)
    },

    /**
     * A target that has its slot comes after a request that was not its own: whether it may start now. If so, that is
     * counted as a start.
     */
    startAgain: (origin: string, nowMs: number): boolean => {
      const host = hostOf(origin)
      if (readyMs(host) > nowMs) return false
      start(host, nowMs)
      return true
    },

    /**
     * Keeps starts at a host `ms` apart, at most 5 minutes, where that is more than `delayMs`; the next one that far from
     * `sinceMs`. The host is remembered until this is taken back with 0.
     */
    setDelay: (origin: string, ms: number, sinceMs: number) => {
      const host = hostOf(origin)
      slow(host, ms, host.learnedMs)
      host.nextMs = Math.max(host.nextMs, sinceMs + host.delayMs)
      host.latest = undefined
      changed.add(host)
    },
    /** An answer of a host came after so long, or none did. Where delays adapt, the next start keeps to that. */
    answered: (origin: string, latencyMs: number, isGood: boolean) => {
      if (adaptive === undefined) return
      const host = hostOf(origin)
      const learnedMs = AdaptiveDelay.next(host.learnedMs, latencyMs, isGood, adaptive)
      if (learnedMs === host.learnedMs) return
      slow(host, host.crawlDelayMs, learnedMs)
      changed.add(host)
    },
    /** Whether another request to a host may have to wait, so that it must not be sent without a turn. */
    keepsApart: (origin: string, nowMs: number): boolean => {
      const host = hostOf(origin)
      return host.delayMs > 0 || readyMs(host) > nowMs || isTried(host)
    },
    /** What a host wants by its robots.txt, as far as `setDelay` or an earlier run said: milliseconds. */
    crawlDelay: (origin: string) => hosts.get(origin)?.crawlDelayMs ?? 0,

    /** Takes these targets out of their queues. */
    withdraw: (isOut: (target: Target) => boolean): ReadonlyArray<Target> => {
      const out: Array<Target> = []
      for (const host of hosts.values()) {
        const kept: Array<Target> = []
        for (const target of host.queue.slice(host.head)) (isOut(target) ? out : kept).push(target)
        host.queue = kept
        host.head = 0
      }
      queued -= out.length
      return out
    },

    /** Targets queued. */
    queued: () => queued,
    /** Targets queued for a host. */
    queuedAt: (origin: string) => hosts.get(origin)?.queued ?? 0,

    /** When `take` may give something without a `release`: milliseconds since the epoch, or `Infinity`. */
    wakeMs: () => {
      let at = Infinity
      for (const host of sleeping) at = Math.min(at, readyMs(host))
      return at
    },

    /** A clock changed since `changes` was called last. */
    isChanged: () => changed.size > 0,
    /** The clocks that changed since the last call: those are in the store by now. */
    changes: (nowMs: number): ReadonlyArray<HostClock> => {
      sweep(nowMs)
      if (changed.size === 0) return []
      const clocks = Array.from(changed, (one) => {
        const { host, nextMs, pausedMs, asked, strikes, last: fault, delayMs, crawlDelayMs, learnedMs } = one
        const clock = { host, nextMs, pausedMs, asked, strikes, fault, delayMs, crawlDelayMs }
        return learnedMs === undefined ? clock : { ...clock, learnedMs }
      })
      const hostsToCheck = [...changed]
      changed.clear()
      for (const host of hostsToCheck) forget(host, nowMs)
      return clocks
    },

    /**
     * What holds back a host's queue: its pause and its delay until they end (milliseconds since the epoch), and its
     * slots; `undefined` for a host without queue or clock.
     */
    held: (origin: string) => {
      const host = hosts.get(origin)
      if (host === undefined) return undefined
      const { nextMs, pausedMs, asked } = host
      return isDown(host)
        ? { nextMs: 0, pausedMs: 0, asked, isFull: false }
        : { nextMs, pausedMs, asked, isFull: isFull(host) }
    },

    /** The host that asked to be left alone longest, and until when, where that is more than a minute. */
    leftAlone: (nowMs: number) => {
      let longest: Host | undefined
      for (const host of hosts.values())
        if (host.asked && host.pausedMs > (longest?.pausedMs ?? nowMs + maxBackoffMs)) longest = host
      return longest && { host: longest.host, untilMs: longest.pausedMs }
    },

    /** The hosts that make most targets wait. */
    slow: (nowMs: number, most: number) =>
      Array.from(sleeping)
        .filter((host) => readyMs(host) > nowMs)
        .toSorted((a, b) => b.queued - a.queued)
        .slice(0, most)
        .map((host) => ({
          host: host.host,
          queued: host.queued,
          inFlight: host.inFlight,
          waitMs: readyMs(host) - nowMs
        }))
  }
}

/** Slots, delays, pauses and strikes of every host of a run. */
export type Politeness = ReturnType<typeof make>
