/**
 * What becomes of a target after an attempt: its outcome, another attempt when
 * its time has come, or a turn elsewhere; and its slot is given back.
 *
 * 1. What is settled or parked here is in one commit with what was answered on
 *    its way, and with the links that were found in it.
 * 2. A body has its name before it is settled.
 */
import * as Effect from "effect/Effect"
import type { Mutable } from "effect/Types"
import type { Committer } from "./Committer.ts"
import type { Exclusion } from "./crawl/Exclusion.ts"
import type { DeadProxy } from "./DeadProxy.ts"
import * as Decode from "./Decode.ts"
import * as Download from "./Download.ts"
import { type FetchReason, HostDown, type InvalidUrl, TimeoutError, WriteError } from "./FetchError.ts"
import type { Frontier } from "./Frontier.ts"
import type { FullDisk } from "./FullDisk.ts"
import type { Line } from "./Lines.ts"
import type { Crawl, LineError } from "./List.ts"
import type { Naming } from "./Naming.ts"
import type { Options } from "./Options.ts"
import type { Outcome, Refusal } from "./Outcome.ts"
import { type Admission, type Backoff, maxPauseMs, type Verdict } from "./Politeness.ts"
import type { Counts } from "./Progress.ts"
import * as Retry from "./Retry.ts"
import type { ResponseHead } from "./Session.ts"
import type { Aside, Sink } from "./Sink.ts"
import type { RunClock } from "./RunClock.ts"
import type { Settled } from "./Store.ts"
import { type Partial, type Target, withoutHop, withoutSaved, withPartial, withPath } from "./Target.ts"
import * as Url from "./Url.ts"

/** What is left to do or to wait for after a target; mostly nothing. */
export type Rest = Effect.Effect<void, LineError> | undefined

export interface Stages {
  readonly naming: Pick<Naming, "suggest" | "beside">
  readonly sink: Pick<Sink["Service"], "note" | "forget" | "own" | "read">
  readonly frontier: Pick<Frontier, "settle" | "park" | "turn" | "release">
  readonly committer: Pick<Committer, "admit" | "settle" | "park" | "room">
  readonly disk: Pick<FullDisk, "lacks" | "wait">
  readonly proxy: Pick<DeadProxy, "answered" | "failed">
  readonly now: RunClock
}

export const make = (
  { naming, sink, frontier, committer, disk, proxy, now }: Stages,
  crawl: Crawl | undefined,
  options: Pick<Options, "format" | "retries" | "maxTimeMs">,
  backoff: Backoff,
  counts: Counts
) => {
  const settle = (one: Settled) => {
    if (crawl !== undefined) frontier.settle(one.outcome._tag === "Saved" || one.outcome._tag === "Unchanged")
    committer.settle(one)
  }
  const keep = (target: Target, dueMs: number) => {
    frontier.park(target)
    committer.park({ target, dueMs, leased: false })
  }
  /** It begins anew then. */
  const park = (target: Target, dueMs: number) => keep(withoutHop(target), dueMs)
  /** It goes on then where redirects have led it. */
  const putOff = (target: Target, dueMs: number) => {
    note(target)
    keep(target, dueMs)
  }
  /** What is gone of a target's time, where that is bounded. */
  const spent = ({ spentMs = 0 }: Target, startedMs: number) =>
    options.maxTimeMs === undefined ? undefined : spentMs + performance.now() - startedMs
  /** A target that gets its outcome has no use for a part any more, but where there was no room for the rest. */
  const forget = ({ url, partial }: Target) => {
    if (partial !== undefined) sink.forget(url)
  }
  /** Keeps what was answered on the way of a target, in the step that settles or parks it: so in the same commit. */
  const note = ({ hop }: Target, asides: ReadonlyArray<Aside> = []) => {
    for (const aside of hop?.asides ?? []) sink.note(aside)
    for (const aside of asides) sink.note(aside)
  }

  const conclude = (target: Target, startedMs: number, ended: Download.Attempt): Rest => {
    const said = ended._tag === "DiskFull" ? ended.said : undefined
    if (ended._tag === "Failed" ? ended.head !== undefined : said === undefined) proxy.answered()
    switch (ended._tag) {
      case "Complete":
        note(target, ended.asides)
        return save(target, startedMs, ended)
      case "Unchanged": {
        note(target, ended.asides)
        const { bytes, sha256, record, contentType: _, ...validators } = target.saved!
        const path = record ?? target.path
        const stands = (reading?: Download.Reading) => {
          counts.unchanged++
          counts.bytes += bytes
          const outcome = answered("Unchanged", target, startedMs, ended.head, path, bytes, sha256)
          return linked({ target, outcome, validators }, ended.head, reading)
        }
        const read = crawl?.readWhole(target, ended.head, () => sink.read(path), committer.admit)
        if (read === undefined) return stands()
        return Effect.flatMap(read, (reading) => stands(reading) ?? Effect.void).pipe(
          Effect.catchTag("Unreadable", () => {
            sink.own(path)
            // without what is known of it, it is sent whole
            park(withoutSaved(target), 0)
            frontier.release(target, "answered")
            return committer.room() ?? Effect.void
          })
        )
      }
      case "DiskFull": {
        const waiting = withPartial(target, ended.partial)
        // a run that is stopped meanwhile keeps its part
        const lacks = Effect.onInterrupt(disk.lacks(ended), () =>
          Effect.sync(() => committer.park({ target: waiting, dueMs: 0, leased: false }))
        )
        return Effect.flatMap(lacks, (room) => {
          if (room !== undefined) {
            const error = new WriteError({ path: target.path, code: "ENOSPC", room })
            return fail(target, startedMs, error, undefined, ended.partial, said) ?? Effect.void
          }
          park(waiting, 0)
          frontier.release(target, said ?? "answered")
          return disk.wait(ended.needed)
        })
      }
      case "Turned": {
        const { turn, partial } = ended
        const hop = { ...ended.hop, asides: [...(target.hop?.asides ?? []), ...(ended.asides ?? [])] }
        const waitMs = Math.min(ended.waitMs ?? 0, maxPauseMs)
        const verdict = waitMs === 0 ? "answered" : { pauseMs: waitMs }
        const spentMs = spent(target, startedMs - waitMs)
        const turned = { ...withPartial(target, partial), hop, ...(spentMs === undefined ? {} : { spentMs }) }
        // by the host that was asked: the other one has given no slot
        if (turn !== "wait")
          return refuse(withPartial(target, partial), startedMs, turn.refused, verdict, false, ended.asides)
        const { maxTimeMs = Infinity } = options
        if (spentMs !== undefined && spentMs >= maxTimeMs) {
          note(turned)
          const error = new TimeoutError({ phase: "total", ms: Math.round(maxTimeMs) })
          return fail(target, startedMs, error, undefined, partial, verdict)
        }
        return Effect.flatMap(waitMs > 0 ? Effect.succeed(now() + waitMs) : frontier.turn(turned), (dueMs) => {
          if (dueMs !== undefined) putOff(turned, dueMs)
          frontier.release(target, verdict)
          return committer.room() ?? Effect.void
        })
      }
      case "Failed":
        note(target, ended.asides)
        ended.cut?.part.abandon(ended.cut.truncated)
        return fail(target, startedMs, ended.reason, ended.head, ended.partial)
    }
  }

  /** Those that a body still has when it is whole: what is archived is as it came. */
  const codingsOf = (head: ResponseHead) =>
    options.format === "warc" ? Decode.codings(head.header("content-encoding")) : []
  const save = (target: Target, startedMs: number, complete: Download.Complete): Rest => {
    const { suggested } = complete
    if (suggested !== undefined)
      return Effect.flatMap(
        naming.suggest(target, suggested),
        (path) => place(withPath(target, path), startedMs, complete) ?? Effect.void
      )
    return place(target, startedMs, complete)
  }
  const place = (target: Target, startedMs: number, complete: Download.Complete): Rest => {
    const { part, head, reading } = complete
    // before it has its place: what lies there may be a record that is yet to be written
    const read =
      crawl === undefined || reading !== undefined
        ? undefined
        : crawl.readWhole(target, head, () => Decode.decoded(codingsOf(head), part.read()), committer.admit)
    if (crawl?.skipsNoindex === true && read === undefined && asksNotToBeIndexed(head, reading)) {
      part.discard()
      counts.refused++
      const outcome = refused(target, target.attempts + 1, startedMs, noindex)
      return linked({ target, outcome }, head, reading)
    }
    return read === undefined
      ? name(target, startedMs, complete, reading)
      : Effect.flatMap(read, (links) => name(target, startedMs, complete, links) ?? Effect.void).pipe(
          Effect.catchTag("Unreadable", ({ code }) => {
            part.discard()
            return fail(target, startedMs, new WriteError({ path: target.path, code }), head, undefined) ?? Effect.void
          })
        )
  }
  /** Gives it its place, and settles it with its links. */
  const name = (
    asked: Target,
    startedMs: number,
    { part, head, bytes, sha256, validators, reading }: Download.Complete,
    links: Download.Reading | undefined
  ): Rest => {
    const target = naming.beside(asked)
    let path: string
    try {
      path = part.place(target.path)
    } catch (error) {
      return conclude(asked, startedMs, Download.broken(error, head, { size: bytes, needed: bytes }))
    }
    counts.saved++
    counts.bytes += bytes
    if (reading === undefined && sha256 !== undefined) crawl?.traps?.body(target.url, sha256)
    const outcome = answered("Saved", target, startedMs, head, path, bytes, sha256)
    const one: Mutable<Settled> = { target, outcome, validators }
    const contentType = head.header("content-type")
    // of a list what is more than a type: it may name the encoding, which nothing in the file may
    if (contentType !== undefined && (crawl !== undefined || contentType.includes(";"))) one.contentType = contentType
    return linked(one, head, links)
  }
  const asksNotToBeIndexed = (head: ResponseHead, reading: Download.Reading | undefined): boolean =>
    reading?.isNoindex?.() ?? crawl?.isNoindex(head) ?? false
  /** Settles an answer with the links in it, and gives its slot back. */
  const linked = (one: Mutable<Settled>, head: ResponseHead, reading: Download.Reading | undefined): Rest => {
    const { target, outcome } = one
    const isAnswer = outcome._tag === "Saved" || outcome._tag === "Unchanged"
    if (crawl !== undefined && isAnswer && asksNotToBeIndexed(head, reading))
      one.outcome = { ...outcome, noindex: true }
    if (isAnswer && reading?.isCut?.() === true) one.outcome = { ...(one.outcome as typeof outcome), linksCut: true }
    if (reading !== undefined) one.links = reading.end()
    settle(one)
    frontier.release(target, "answered")
    return committer.room()
  }

  const fail = (
    target: Target,
    startedMs: number,
    error: FetchReason,
    head: ResponseHead | undefined,
    partial: Partial | undefined,
    said?: Verdict
  ): Rest => {
    const wait = error._tag === "ProxyError" ? proxy.failed(error, startedMs) : undefined
    if (wait !== undefined) {
      park(withPartial(target, partial), 0)
      frontier.release(target, "unasked")
      return wait
    }
    const attempts = target.attempts + (said === "unasked" || error._tag === "HostDown" ? 0 : 1)
    const spentMs = spent(target, startedMs)
    const delay = Retry.delayMs(error, attempts, options, backoff, spentMs)
    if (delay === undefined) {
      const one: Mutable<Settled> = { target, outcome: lost(about(target, attempts, startedMs, head), error) }
      // once there is room, the next run goes on with it
      if (partial !== undefined && error._tag === "WriteError" && error.room !== undefined) one.partial = partial
      else forget({ ...target, ...(partial === undefined ? {} : { partial }) })
      settle(one)
    } else {
      const waiting = { ...withPartial(target, partial), attempts }
      park(spentMs === undefined ? waiting : { ...waiting, spentMs: spentMs + delay }, now() + delay)
    }
    frontier.release(target, said ?? Retry.verdict(error, attempts, backoff))
    return committer.room()
  }

  const refuse = (
    target: Target,
    startedMs: number,
    error: Refusal,
    verdict: Verdict | undefined,
    isExcluded = false,
    asides?: ReadonlyArray<Aside>
  ): Rest => {
    forget(target)
    note(target, asides)
    counts.refused++
    settle({ target, outcome: refused(target, target.attempts, startedMs, error), isExcluded })
    frontier.release(target, verdict)
    return committer.room()
  }

  const lost = (asked: ReturnType<typeof about>, error: FetchReason): Outcome => {
    if (error._tag === "RedirectError" && error.kind === "scope") {
      counts.refused++
      const { url, attempts, durationMs } = asked
      return { _tag: "Refused", url, attempts, durationMs, error: { reason: "OutOfScope", message: error.message } }
    }
    counts.failed++
    return { _tag: "Failed", ...asked, error }
  }

  return {
    conclude,
    refuse,
    /** Of a target that was queued: it goes on then as it would have. */
    park: putOff,
    /** Its host is not asked now, for it does not answer. */
    down: (target: Target, startedMs: number, down: NonNullable<Admission["down"]>): Rest => {
      note(target)
      return fail(target, startedMs, new HostDown(down), undefined, undefined)
    },
    /** Settles a target that nobody asked for, nor will. It counts as waiting for a commit. */
    leaveOut: (target: Target, error: Exclusion) => {
      counts.refused++
      forget(target)
      note(target)
      const outcome = refused(target, target.attempts, performance.now(), error)
      committer.settle({ target, outcome, isExcluded: true })
    },
    /** Settles a line of the list that is no URL. */
    invalid: (line: Line, error: InvalidUrl) => {
      counts.failed++
      const outcome: Outcome = { _tag: "Failed", url: Url.redact(line.text), attempts: 0, durationMs: 0, error }
      settle({ target: { url: line.text, host: "", path: "", attempts: 0 }, outcome })
    }
  }
}

export type Conclusion = ReturnType<typeof make>

const noindex = { reason: "Noindex", message: "it asks not to be indexed (noindex)" }

type Answered = Extract<Outcome, { readonly _tag: "Saved" | "Unchanged" }>
/** Assigned and not spread: that is several times as fast, and this is done for each target. */
const answered = (
  _tag: Answered["_tag"],
  target: Target,
  startedMs: number,
  head: ResponseHead,
  path: string,
  bytes: number,
  sha256: string | undefined
): Answered => {
  const url = Url.redact(target.url)
  const attempts = target.attempts + 1
  const durationMs = performance.now() - startedMs
  const outcome: Mutable<Answered> =
    head.url === url
      ? { _tag, url, attempts, durationMs, status: head.status, path, bytes }
      : { _tag, url, attempts, durationMs, status: head.status, finalUrl: head.url, path, bytes }
  if (sha256 !== undefined) outcome.sha256 = sha256
  return outcome
}

const about = (target: Target, attempts: number, startedMs: number, head: ResponseHead | undefined) => {
  const url = Url.redact(target.url)
  return {
    url,
    attempts,
    durationMs: performance.now() - startedMs,
    ...(head === undefined ? {} : { status: head.status, ...(head.url === url ? {} : { finalUrl: head.url }) })
  }
}

const refused = (target: Target, attempts: number, startedMs: number, error: Refusal) => ({
  _tag: "Refused" as const,
  ...about(target, attempts, startedMs, undefined),
  error
})
