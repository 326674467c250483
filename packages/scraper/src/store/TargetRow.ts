/**
 * A row of the table `target`: what is written of a target, and what it is read
 * back as.
 */
import * as Schema from "effect/Schema"
import type { Mutable } from "effect/Types"
import * as UrlKey from "../crawl/UrlKey.ts"
import { FetchReason } from "../FetchError.ts"
import type { Outcome } from "../Outcome.ts"
import * as FileName from "../sink/FileName.ts"
import type { Entry, Known, SavedPage, Settled, Waiting } from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"

const state = { pending: 0, saved: 1, unchanged: 2, refused: 3, failed: 4, excluded: 5, invalid: 6 } as const
const stateOf: { readonly [tag in Outcome["_tag"]]: number } = {
  Saved: state.saved,
  Unchanged: state.unchanged,
  Refused: state.refused,
  Failed: state.failed
}

export interface TargetRow {
  readonly url: string
  readonly list: number
  readonly run: number
  readonly state: number
  readonly due: number
  readonly lease: number | null
  readonly attempts: number
  readonly path: string | null
  readonly final_url: string | null
  readonly status: number | null
  readonly bytes: number | null
  readonly sha256: string | null
  readonly etag: string | null
  readonly modified: string | null
  readonly validator: string | null
  readonly total: number | null
  readonly duration: number | null
  readonly error: string | null
  readonly claim: string | null
  readonly record: string | null
  readonly depth: number | null
  readonly site: number | null
  readonly key: string | null
  readonly resource: number | null
  readonly noindex: number | null
  readonly links_cut: number | null
  readonly type: string | null
  readonly hop: string | null
}

/** Of these a target is made. */
export const targetColumns = [
  "url",
  "path",
  "attempts",
  "duration",
  "depth",
  "resource",
  "bytes",
  "sha256",
  "etag",
  "modified",
  "record",
  "type",
  "validator",
  "total"
] as const satisfies ReadonlyArray<keyof TargetRow>
type OfTarget = Pick<TargetRow, (typeof targetColumns)[number]>

/** And of these a target that is leased, in its order. */
export const leasedColumns = `rowid AS id, due, run, hop, ${targetColumns.join(", ")}`
export type LeasedRow = OfTarget & Pick<TargetRow, "due" | "run" | "hop"> & { readonly id: number }

/** And of these what is known of one. */
export const knownColumns = [...targetColumns, "list", "run", "state"] as const
export type KnownRow = Pick<TargetRow, (typeof knownColumns)[number]>

const encodeReason = Schema.encodeSync(FetchReason)
const decodeReason = Schema.decodeUnknownSync(FetchReason)

/** What is stored as the key of a URL. */
export const keyOf = (url: string): string | null => {
  const key = UrlKey.of(url)
  return key === url ? null : key
}

/** A flag that may not be known, as it is stored. */
export const flagOf = (flag: boolean | undefined): number | null => (flag === undefined ? null : Number(flag))

/** Assigned and not spread: that is several times as fast, and this is done for each target of a crawl. */
export const toTarget = (row: OfTarget): Target => {
  const { url, path, attempts } = row
  const target: Mutable<Target> = { url, host: Url.origin(url), path: path ?? FileName.fromUrl(url), attempts }
  if (path === null) target.isNamedByUrl = true
  if (attempts > 0 && row.duration !== null) target.spentMs = row.duration
  if (row.depth !== null) target.depth = row.depth
  if (row.resource !== null) target.isResource = row.resource === 1
  if (row.bytes !== null) {
    const saved: Mutable<NonNullable<Target["saved"]>> = { bytes: row.bytes }
    if (row.sha256 !== null) saved.sha256 = row.sha256
    if (row.etag !== null) saved.etag = row.etag
    if (row.modified !== null) saved.lastModified = row.modified
    if (row.record !== null) saved.record = row.record
    if (row.type !== null) saved.contentType = row.type
    target.saved = saved
  }
  if (row.validator !== null)
    target.partial = row.total === null ? { validator: row.validator } : { validator: row.validator, total: row.total }
  return target
}
/** A target that a run leases. */
export const toLeased = (row: LeasedRow, run: number): Target => {
  const target: Mutable<Target> = toTarget(row)
  if (row.hop === null || row.run !== run) return target
  if (row.duration !== null) target.spentMs = row.duration
  const [url, ...asked]: [string, ...Array<string>] = JSON.parse(row.hop)
  target.hop = { url, host: Url.origin(url), asked }
  return target
}
export const toSavedPage = (row: TargetRow): SavedPage => ({
  target: toTarget(row),
  finalUrl: row.final_url ?? row.url
})
export const toKnown = (row: KnownRow): Known => ({
  target: toTarget(row),
  list: row.list,
  run: row.run,
  state:
    row.state === state.pending
      ? "pending"
      : row.state === state.saved || row.state === state.unchanged
        ? "done"
        : "failed"
})

/** Of these an entry is made. Earlier versions have not all of them. */
export const toldColumns = [
  "url",
  "state",
  "attempts",
  "duration",
  "final_url",
  "status",
  "error",
  "path",
  "record",
  "bytes",
  "sha256",
  "noindex",
  "links_cut",
  "type"
] as const satisfies ReadonlyArray<keyof TargetRow>
export type ToldRow = Pick<TargetRow, (typeof toldColumns)[number]>

/** The URLs of entries that are told without their credentials. */
const whole = new WeakMap<Entry, string>()

/** The URL that the row of an entry has. */
export const urlOf = (entry: Entry): string =>
  whole.get(entry) ?? ("pending" in entry ? entry.pending.url : entry.outcome.url)

/** A row as it is told. */
export const toEntry = (row: ToldRow): Entry => {
  const entry = told(row)
  if (row.url.includes("@")) whole.set(entry, row.url)
  return entry
}

const told = (row: ToldRow): Entry => {
  const about = { url: Url.redact(row.url), attempts: row.attempts, durationMs: row.duration ?? 0 }
  const answered = {
    ...(row.final_url === null ? {} : { finalUrl: row.final_url }),
    ...(row.status === null ? {} : { status: row.status })
  }
  switch (row.state) {
    case state.pending:
      return { pending: { url: about.url, attempts: row.attempts } }
    case state.failed:
    case state.invalid:
      return { outcome: { _tag: "Failed", ...about, ...answered, error: decodeReason(JSON.parse(row.error!)) } }
    case state.refused:
    case state.excluded:
      return { outcome: { _tag: "Refused", ...about, error: JSON.parse(row.error!) } }
    default:
      return {
        outcome: {
          _tag: row.state === state.saved ? "Saved" : "Unchanged",
          ...about,
          ...answered,
          path: row.record ?? row.path ?? FileName.fromUrl(row.url),
          bytes: row.bytes!,
          ...(row.sha256 === null ? {} : { sha256: row.sha256 }),
          ...(row.noindex === 1 ? { noindex: true } : {}),
          ...(row.links_cut === 1 ? { linksCut: true } : {})
        },
        ...(row.type ? { contentType: row.type } : {})
      }
  }
}
/** Of a Content-Type what is kept, in characters. */
const mostTypeLength = 200

/** The name of a target by its URL, and the place that a target of a list has in a crawl. */
const byUrl = { path: null, claim: null }
const nowhere = { depth: null, site: null, key: null, resource: null }

const nameOf = (target: Target): Pick<TargetRow, "path" | "claim"> =>
  target.isNamedByUrl === true || target.path === FileName.fromUrl(target.url)
    ? byUrl
    : { path: target.path, claim: FileName.fold(target.path) }

/** What the rows of a commit have in common. `siteOf`: the number of a site, by its origin. */
export interface Writing {
  readonly list: number
  readonly run: number
  readonly siteOf: (origin: string) => number
}

const placeOf = (
  { depth, host, url, isResource }: Target,
  siteOf: Writing["siteOf"]
): Pick<TargetRow, "depth" | "site" | "key" | "resource"> =>
  depth === undefined ? nowhere : { depth, site: siteOf(host), key: keyOf(url), resource: flagOf(isResource) }

/** No run asks for it again. */
const isInvalid = (outcome: Outcome) => outcome._tag === "Failed" && outcome.error._tag === "InvalidUrl"

/** One by one and not spread, like `toTarget`. */
export const fromOutcome = (
  { list, run, siteOf }: Writing,
  { target, outcome, validators, contentType, partial, isExcluded }: Settled
): TargetRow => {
  const failed = outcome._tag === "Failed" || outcome._tag === "Refused"
  const { path, claim } = nameOf(target)
  const { depth, site, key, resource } = placeOf(target, siteOf)
  return {
    url: target.url,
    list,
    run,
    state: isExcluded === true ? state.excluded : isInvalid(outcome) ? state.invalid : stateOf[outcome._tag],
    due: 0,
    lease: null,
    attempts: outcome.attempts,
    path,
    claim,
    final_url: ("finalUrl" in outcome && outcome.finalUrl) || null,
    status: ("status" in outcome && outcome.status) || null,
    // a file that could not be refreshed is still the file of the earlier run
    bytes: failed ? (target.saved?.bytes ?? null) : outcome.bytes,
    sha256: (failed ? target.saved?.sha256 : outcome.sha256) ?? null,
    etag: validators?.etag ?? null,
    modified: validators?.lastModified ?? null,
    validator: partial?.validator ?? null,
    total: partial?.total ?? null,
    duration: Math.round(outcome.durationMs),
    noindex: "noindex" in outcome && outcome.noindex ? 1 : null,
    links_cut: "linksCut" in outcome && outcome.linksCut ? 1 : null,
    error:
      outcome._tag === "Failed"
        ? JSON.stringify(encodeReason(outcome.error))
        : outcome._tag === "Refused"
          ? JSON.stringify(outcome.error)
          : null,
    // what does not lie where the target's file would is a record
    record: failed ? (target.saved?.record ?? null) : outcome.path === target.path ? null : outcome.path,
    type: (outcome._tag === "Saved" ? contentType : target.saved?.contentType)?.slice(0, mostTypeLength) ?? null,
    depth,
    site,
    key,
    resource,
    hop: null
  }
}
export const fromWaiting = ({ list, run, siteOf }: Writing, { target, dueMs, leased }: Waiting): TargetRow => ({
  url: target.url,
  list,
  run,
  state: state.pending,
  // what is due at 0 has all its attempts before it: the next run opens the others again
  due: Math.max(1, Math.round(dueMs)),
  lease: leased ? run : null,
  attempts: target.attempts,
  ...nameOf(target),
  final_url: null,
  status: null,
  bytes: target.saved?.bytes ?? null,
  sha256: target.saved?.sha256 ?? null,
  etag: target.saved?.etag ?? null,
  modified: target.saved?.lastModified ?? null,
  validator: target.partial?.validator ?? null,
  total: target.partial?.total ?? null,
  duration: target.spentMs === undefined ? null : Math.round(target.spentMs),
  error: null,
  noindex: null,
  links_cut: null,
  record: target.saved?.record ?? null,
  type: target.saved?.contentType ?? null,
  ...placeOf(target, siteOf),
  hop: target.hop === undefined ? null : JSON.stringify([target.hop.url, ...target.hop.asked])
})
