/**
 * What a run did, as a fold over its targets: the end of the line. The summary
 * of a running `get` and the report about an old one are the same fold.
 *
 * 1. Every target is counted once: `saved + unchanged + refused + failed +
 *    pending + beyond = targets`.
 * 2. Memory does not grow with the run. Hosts and reasons are exact up to the
 *    thousands; beyond that rows are lower bounds and `other` holds the rest,
 *    so that sums stay exact (`Tally.ts`).
 */
import type { Mutable } from "effect/Types"
import type { FetchReason } from "./FetchError.ts"
import type { Outcome } from "./Outcome.ts"
import type { Beyond, Entry } from "./Store.ts"
import * as Tally from "./Tally.ts"

/** Targets by how they ended, and the bytes of their files. */
export interface Counts {
  readonly targets: number
  readonly saved: number
  readonly unchanged: number
  readonly refused: number
  readonly failed: number
  /** No outcome yet. */
  readonly pending: number
  /** Queued, beyond a limit of the crawl: it may have no more. */
  readonly beyond: number
  /** Of the files of saved and unchanged targets. */
  readonly bytes: number
}

/** Why targets were refused or failed: one row for all that failed alike. */
export interface Reason {
  readonly outcome: "refused" | "failed"
  /** Tag of the error, or name of the rule. */
  readonly reason: string
  /** In words, without what differs from target to target. */
  readonly text: string
  /** Another run may get it. */
  readonly retryable: boolean
  readonly targets: number
  /** Most targets first. */
  readonly hosts: ReadonlyArray<{ readonly host: string; readonly targets: number }>
  /** Targets of this reason at hosts that are not listed. */
  readonly otherTargets: number
  /** The first target of this kind, with its own message. */
  readonly example: { readonly url: string; readonly message: string }
}

/** The sums of a run or several, by host, status and reason; long tails are summed up. */
export interface Report extends Counts {
  /** Most targets first. */
  readonly hosts: ReadonlyArray<{ readonly host: string } & Counts>
  /** Targets at hosts that are not listed. */
  readonly otherHosts: Counts
  /** By the status of the last answer, ascending; `status` is absent for targets that got no answer. */
  readonly statuses: ReadonlyArray<{ readonly status?: number } & Counts>
  /** Most targets first. */
  readonly reasons: ReadonlyArray<Reason>
  /** Targets of reasons that are not listed. */
  readonly otherReasons: number
  /** The limit that targets are beyond. */
  readonly limit?: Beyond
  /** Pages that are longer than what is read of them for links, if there are any. */
  readonly linksCut?: number
}

/** A report in the making. */
export interface Fold {
  readonly add: (entry: Entry) => void
  /** The report so far, with at most `limit` hosts and reasons, and as many hosts for each reason. */
  readonly result: (limit?: number) => Report
}

/** Outcomes hold normalised URLs: cutting is enough, and much cheaper than parsing each again. */
const authority = /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)/

/** Host, with port where it is not the usual one; empty for what is no URL. */
export const hostOf = (url: string): string => authority.exec(url)?.[1] ?? ""

/** A reason in words that are the same for all targets that failed alike. */
export const describe = (reason: FetchReason): string => {
  switch (reason._tag) {
    case "InvalidUrl":
      return "no http(s) URL"
    case "DnsError":
      return `cannot resolve the host (${reason.code})`
    case "ConnectError":
      return `cannot talk to the host (${reason.code})`
    case "ProxyError":
      return reason.message
    case "TlsError":
      return `${reason.fault ?? "TLS failed"} (${reason.code})`
    case "AddressError":
      return "private address"
    case "ProtocolError":
      return "bad answer"
    case "RedirectError":
      return {
        loop: "redirects in a loop",
        limit: "too many redirects",
        location: "redirects to no http(s) URL",
        scope: "redirects out of scope"
      }[reason.kind]
    case "TruncatedError":
      return "body cut short"
    case "RangeError":
      return "cannot resume"
    case "DecodeError":
      return {
        unknown: "unknown content coding",
        corrupt: "damaged compressed data",
        cut: "compressed data cut short",
        nested: "too many content codings",
        window: "a zstd window of more than 8 MiB"
      }[reason.kind]
    case "TooLargeError":
      return reason.bomb ? "decompression bomb" : `larger than ${reason.maxBytes} bytes`
    case "EndlessError":
      return "a body without end"
    case "WriteError":
      if (reason.room !== undefined) return "no room on the disk"
      return reason.code === "EUNSAFE" ? "path through a symbolic link" : `cannot write (${reason.code})`
    case "HostDown":
      return "not asked: the host kept failing"
    case "StatusError":
    case "TimeoutError":
      return reason.message
  }
}

interface ReasonRow {
  about: Pick<Reason, "outcome" | "reason" | "text" | "retryable" | "example"> | undefined
  targets: number
  readonly hosts: Tally.Tally<{ count: number }>
}

const noCounts = (): Mutable<Counts> => ({
  targets: 0,
  saved: 0,
  unchanged: 0,
  refused: 0,
  failed: 0,
  pending: 0,
  beyond: 0,
  bytes: 0
})

const count = (into: Mutable<Counts>, entry: Entry): void => {
  into.targets += 1
  if ("pending" in entry) {
    if (entry.pending.beyond === undefined) into.pending += 1
    else into.beyond += 1
    return
  }
  const { outcome } = entry
  switch (outcome._tag) {
    case "Saved":
      into.saved += 1
      into.bytes += outcome.bytes
      return
    case "Unchanged":
      into.unchanged += 1
      into.bytes += outcome.bytes
      return
    case "Refused":
      into.refused += 1
      return
    case "Failed":
      into.failed += 1
      return
  }
}

const statusOf = (outcome: Outcome): number | undefined => {
  if (outcome._tag === "Refused") return undefined
  return outcome._tag === "Failed" && outcome.error._tag === "StatusError" ? outcome.error.status : outcome.status
}

/** Starts a report. `capacity`: hosts that are counted exactly. */
export const make = (capacity = 4096): Fold => {
  const total = noCounts()
  let crossed: Beyond | undefined
  let linksCut = 0
  const hosts = Tally.make({ empty: noCounts, weight: (row) => row.targets, capacity })
  const statuses = new Map<number | undefined, Mutable<Counts>>()
  const reasons = Tally.make<ReasonRow>({
    empty: () => ({ about: undefined, targets: 0, hosts: Tally.counts(64) }),
    weight: (row) => row.targets,
    capacity: 128
  })

  const addReason = (outcome: Extract<Outcome, { _tag: "Refused" | "Failed" }>, host: string) => {
    const failed = outcome._tag === "Failed"
    const reason = failed ? outcome.error._tag : (outcome.error as { readonly reason: string }).reason
    // A rule's message may name what it met, so the name of the rule alone tells one rule from another; but a trap's is
    // its evidence, the same for all that it would have led to.
    const text = failed ? describe(outcome.error) : reason === "Trap" ? outcome.error.message : reason
    const row = reasons.row(`${outcome._tag}\n${text}`)
    row.about ??= {
      outcome: failed ? "failed" : "refused",
      reason,
      text,
      // A host that was given up for this run is asked again by the next.
      retryable: failed && (outcome.error.retryable || reason === "HostDown"),
      example: { url: outcome.url, message: outcome.error.message }
    }
    row.targets += 1
    row.hosts.row(host).count += 1
  }

  return {
    add: (entry) => {
      count(total, entry)
      const host = hostOf("pending" in entry ? entry.pending.url : entry.outcome.url)
      count(hosts.row(host), entry)
      if ("pending" in entry) {
        crossed ??= entry.pending.beyond
        return
      }
      if ("linksCut" in entry.outcome) linksCut++
      const status = statusOf(entry.outcome)
      let row = statuses.get(status)
      if (row === undefined) statuses.set(status, (row = noCounts()))
      count(row, entry)
      if (entry.outcome._tag === "Refused" || entry.outcome._tag === "Failed") addReason(entry.outcome, host)
    },
    result: (limit = 20) => {
      const shown = hosts.top(limit)
      const otherHosts = { ...total }
      for (const [, row] of shown) {
        for (const key of Object.keys(row) as ReadonlyArray<keyof Counts>) otherHosts[key] -= row[key]
      }
      const listed = reasons.top(limit).map(([, row]): Reason => {
        const top = row.hosts.top(limit).map(([host, { count }]) => ({ host, targets: count }))
        return {
          ...row.about!,
          targets: row.targets,
          hosts: top,
          otherTargets: row.targets - top.reduce((sum, { targets }) => sum + targets, 0)
        }
      })
      return {
        ...total,
        hosts: shown.map(([host, row]) => ({ host, ...row })),
        otherHosts,
        statuses: [...statuses]
          .toSorted(([a], [b]) => (a ?? 1000) - (b ?? 1000))
          .map(([status, row]) => (status === undefined ? { ...row } : { status, ...row })),
        reasons: listed,
        otherReasons: total.failed + total.refused - listed.reduce((sum, { targets }) => sum + targets, 0),
        ...(crossed === undefined ? {} : { limit: crossed }),
        ...(linksCut === 0 ? {} : { linksCut })
      }
    }
  }
}
