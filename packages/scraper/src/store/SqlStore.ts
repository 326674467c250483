/**
 * The store over `effect/sql`.
 *
 * Rows are written many at a time by statements of a few fixed sizes, so that
 * each is prepared once; a row costs a few microseconds.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as FileName from "../sink/FileName.ts"
import { FetchReason } from "../FetchError.ts"
import type { Outcome } from "../Outcome.ts"
import type { HostClock } from "../Politeness.ts"
import { type Copy, maxStaleSeconds } from "../robots/RobotsPolicy.ts"
import { StoreNewer } from "../RunError.ts"
import type { Archive } from "../Sink.ts"
import {
  type Beyond,
  claimKey,
  type Entry,
  type Known,
  type Found,
  type Place,
  type SavedPage,
  type Settled,
  Store,
  type StoreError,
  StoreFull,
  type Waiting
} from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"
import { latest, migrations } from "./migrations.ts"
import * as SqlCaptures from "./SqlCaptures.ts"
import * as Spreading from "./Spreading.ts"
import * as SqliteFault from "./SqliteFault.ts"
import * as SqlCrawl from "./SqlCrawl.ts"

export interface SqlStoreOptions {
  /** The name to show when the store is damaged. */
  readonly file: string
  /** Changes when the machine is started. */
  readonly boot: string
  /** `power`: files are synced before their rows are committed. */
  readonly durability: "process" | "power"
  /** Sites of a crawl whose numbers are kept in memory, at most. Absent: 65,536. */
  readonly mostSites?: number
}

const state = { pending: 0, saved: 1, unchanged: 2, refused: 3, failed: 4, excluded: 5 } as const
const stateOf: { readonly [tag in Outcome["_tag"]]: number } = {
  Saved: state.saved,
  Unchanged: state.unchanged,
  Refused: state.refused,
  Failed: state.failed
}

export interface Row {
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
  readonly type: string | null
}
const columns = [
  "url",
  "list",
  "run",
  "state",
  "due",
  "lease",
  "attempts",
  "path",
  "final_url",
  "status",
  "bytes",
  "sha256",
  "etag",
  "modified",
  "validator",
  "total",
  "duration",
  "error",
  "claim",
  "record",
  "depth",
  "site",
  "key",
  "resource",
  "noindex",
  "type"
] as const satisfies ReadonlyArray<keyof Row>

export interface HostRow {
  readonly host: string
  readonly next: number
  readonly paused: number
  readonly asked: number
  readonly strikes: number
  readonly fault: string
  readonly delay: number
  readonly crawl_delay: number
  readonly learned: number | null
}
export interface RobotsRow {
  readonly host: string
  readonly asked: number
  readonly kind: number
  readonly body: Uint8Array | null
  readonly fault: string | null
}
const robotsKinds = ["rules", "unavailable", "unreachable"] as const

const encodeReason = Schema.encodeSync(FetchReason)
const decodeReason = Schema.decodeUnknownSync(FetchReason)

/** What the row of a saved target has, as a rule; the rest of its columns are as a new row has them. Half as many values cost half as much. */
const usual = [
  "url",
  "list",
  "run",
  "state",
  "attempts",
  "status",
  "bytes",
  "sha256",
  "etag",
  "modified",
  "duration"
] as const satisfies ReadonlyArray<keyof Row>
/** The same of a page that a crawl found. */
const found = [...usual, "type", "depth", "site", "key", "resource"] as const satisfies ReadonlyArray<keyof Row>
/** By name and not in a loop, like `addUsual`: that is several times as fast. */
const shapeOf = (row: Row): Shape =>
  row.due === 0 &&
  row.lease === null &&
  row.path === null &&
  row.final_url === null &&
  row.validator === null &&
  row.total === null &&
  row.error === null &&
  row.claim === null &&
  row.record === null &&
  row.noindex === null
    ? row.depth === null && row.type === null
      ? usual
      : found
    : columns

/** Adds the values of a row in the order of `usual`. */
const addUsual = (values: Array<unknown>, row: Row) =>
  values.push(
    row.url,
    row.list,
    row.run,
    row.state,
    row.attempts,
    row.status,
    row.bytes,
    row.sha256,
    row.etag,
    row.modified,
    row.duration
  )
const addFound = (values: Array<unknown>, row: Row) => {
  addUsual(values, row)
  values.push(row.type, row.depth, row.site, row.key, row.resource)
}
const addAll = (values: Array<unknown>, row: Row) => {
  for (const column of columns) values.push(row[column])
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

type Shape = typeof usual | typeof found | typeof columns

/** A page of a crawl may have been found nearer while it was asked for: then it stays so, and its links are to be followed again. */
const updateOf: Partial<Record<keyof Row, string>> = {
  depth:
    "nearer=CASE WHEN excluded.state IN (1, 2) AND excluded.depth > depth THEN 1 END, depth=CASE WHEN excluded.depth > depth THEN depth ELSE excluded.depth END"
}

/** The text for each number of rows, made once. */
const kept = (make: (rows: number) => string) => {
  const texts = new Map<number, string>()
  return (rows: number) => {
    let text = texts.get(rows)
    if (text === undefined) texts.set(rows, (text = make(rows)))
    return text
  }
}
const rowsOf = (shape: Shape, rows: number) => {
  const row = `(${shape.map(() => "?").join(",")})`
  return `target (${shape.join(",")}) VALUES ${Array.from({ length: rows }, () => row).join(",")}`
}
const updates = columns.slice(1).map((name) => updateOf[name] ?? `${name}=excluded.${name}`)
const upserts = new Map(
  [usual, found, columns].map((shape: Shape) => [
    shape,
    kept((rows) => `INSERT INTO ${rowsOf(shape, rows)} ON CONFLICT (url) DO UPDATE SET ${updates.join(",")}`)
  ])
)
/**
 * For targets without a row, as those of a list mostly are. It leaves what is in its way as it is, so SQLite need not copy
 * pages to undo it by: that takes a sixth off all that the store does.
 */
const insert = kept((rows) => `INSERT OR IGNORE INTO ${rowsOf(usual, rows)}`)
const sizes = [256, 64, 16, 4, 1]

/** Writes rows, those of one shape together. */
const writeRows = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, rows: ReadonlyArray<Row>) {
  for (const [shape, alike] of Map.groupBy(rows, shapeOf)) {
    const upsert = upserts.get(shape)!
    let areNew = shape === usual
    const add = shape === usual ? addUsual : shape === found ? addFound : addAll
    let from = 0
    for (const size of sizes)
      for (; alike.length - from >= size; from += size) {
        const values: Array<unknown> = []
        for (let i = from; i < from + size; i++) add(values, alike[i]!)
        if (areNew) {
          const { changes } = (yield* sql.unsafe(insert(size), values).raw) as { readonly changes: number | bigint }
          areNew = Number(changes) === size
        }
        if (!areNew) yield* sql.unsafe(upsert(size), values)
      }
  }
})

/** A saved target whose file is damaged is to be asked for again. */
const distrust = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, url: string) {
  yield* SqlCaptures.forget(sql, url)
  yield* sql`UPDATE crawl SET saved = saved - 1
    WHERE list = (SELECT list FROM target WHERE url = ${url} AND state IN (1, 2))`
  yield* sql`UPDATE site SET saved = saved - 1
    WHERE id = (SELECT site FROM target WHERE url = ${url} AND state IN (1, 2))`
  yield* sql`UPDATE target SET state = 4, bytes = NULL, sha256 = NULL, etag = NULL, modified = NULL, record = NULL,
    error = ${JSON.stringify({ _tag: "TruncatedError", received: 0 })} WHERE url = ${url}`
  // other lists may have passed over it as done, and have no row of it
  yield* sql`UPDATE list SET bytes = 0 WHERE bytes > 0 AND id <> (SELECT list FROM target WHERE url = ${url})`
})

/** Of a Content-Type what is kept, in characters. */
const mostTypeLength = 200

/** A commit of so many would keep the loop for some 20 ms. */
const manyLinks = 10_000

/** The name of a target by its URL, and the place that a target of a list has in a crawl. */
const byUrl = { path: null, claim: null }
const nowhere = { depth: null, site: null, key: null, resource: null }

const nothingFound: Found = { added: 0, isNearer: false }

/** A row as it is told. */
export const toEntry = (row: Row): Entry => {
  const about = { url: Url.redact(row.url), attempts: row.attempts, durationMs: row.duration ?? 0 }
  const answered = {
    ...(row.final_url === null ? {} : { finalUrl: row.final_url }),
    ...(row.status === null ? {} : { status: row.status })
  }
  switch (row.state) {
    case state.pending:
      return { pending: { url: about.url, attempts: row.attempts } }
    case state.failed:
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
          ...(row.noindex === 1 ? { noindex: true } : {})
        },
        ...(row.type ? { contentType: row.type } : {})
      }
  }
}
export const toClock = (row: HostRow): HostClock => {
  const { next, paused, asked, delay, crawl_delay, learned, host, strikes, fault } = row
  return {
    host,
    nextMs: next,
    pausedMs: paused,
    asked: asked === 1,
    strikes,
    fault,
    delayMs: delay,
    crawlDelayMs: crawl_delay,
    ...(learned === null ? {} : { learnedMs: learned })
  }
}
export const toCopy = ({ host, asked, kind, body, fault }: RobotsRow): Copy => ({
  host,
  askedMs: asked,
  kind: robotsKinds[kind]!,
  ...(body === null ? {} : { body }),
  ...(fault === null ? {} : { fault })
})

/** Rows in the order of their URLs, 1,000 at a time. */
const rowsWith = (sql: SqlClient.SqlClient, what: string, where: string, ...values: ReadonlyArray<unknown>) =>
  Stream.paginate("", (after: string) =>
    Effect.map(
      sql.unsafe<Row>(`SELECT ${what} FROM target WHERE url > ? AND ${where} ORDER BY url LIMIT 1000`, [
        after,
        ...values
      ]),
      (page) => [page, page.length === 1000 ? Option.some(page.at(-1)!.url) : Option.none<string>()] as const
    )
  )
const rows = (sql: SqlClient.SqlClient, where: string, ...values: ReadonlyArray<unknown>) =>
  rowsWith(sql, "*", where, ...values)

/** The version of a store. Fails where that is a newer one. */
export const checkVersion = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, file: string) {
  const [found] = yield* Effect.mapError(
    sql<{ version: number }>`SELECT MAX(migration_id) AS version FROM migration`,
    SqliteFault.of(file)
  )
  if (found!.version > latest) return yield* new StoreNewer({ file, version: found!.version, known: latest })
  return found!.version
})

/**
 * The limit of its crawl that a row is beyond, by its place in `limits`, where it is pending and its crawl may have no more.
 * What its host has takes a sum for each row: it is left out where hosts have no limit.
 */
const beyond = (isByHost: boolean) => `CASE WHEN state = 0 AND list = (SELECT list FROM crawl) THEN CASE
  WHEN (SELECT saved >= most FROM crawl) THEN 0
  ${
    isByHost
      ? `WHEN (SELECT SUM(one.saved) FROM site AS own JOIN site AS one ON one.host = own.host WHERE own.id = target.site)
    >= (SELECT most_of_host FROM crawl) THEN 1`
      : ""
  } END END AS beyond`

/** Every row, of a store that a run may be writing to. */
export const entries = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  // earlier ones know no limit for hosts
  if ((yield* checkVersion(sql, file)) < 10)
    return Stream.mapError(Stream.map(rows(sql, "true"), toEntry), SqliteFault.of(file))
  const [crawl] = yield* Effect.mapError(
    sql<{ most: number | null; ofHost: number | null }>`SELECT most, most_of_host AS ofHost FROM crawl`,
    SqliteFault.of(file)
  )
  const limits: ReadonlyArray<Beyond> = [
    { by: "maxPages", most: crawl?.most ?? Infinity },
    { by: "maxPagesPerHost", most: crawl?.ofHost ?? Infinity }
  ]
  const told = (row: Row & { readonly beyond?: number | null }): Entry => {
    const entry = toEntry(row)
    const limit = limits[row.beyond ?? -1]
    return limit === undefined || "outcome" in entry ? entry : { pending: { ...entry.pending, beyond: limit } }
  }
  return Stream.mapError(
    Stream.map(rowsWith(sql, `*, ${beyond(crawl?.ofHost != null)}`, "true"), told),
    SqliteFault.of(file)
  )
})

/**
 * What may have been saved as a file, by its name relative to the directory, of a store that a run may be writing to. A name
 * that has a hash of its URL in it leads back to no row.
 */
export const named = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  yield* checkVersion(sql, file)
  return (name: string) =>
    Effect.mapError(
      Effect.gen(function* () {
        const url = name.includes("/") ? FileName.toUrl(name) : ""
        const rows = yield* sql<Row>`SELECT * FROM target WHERE claim = ${claimKey(name)}
          UNION ALL SELECT * FROM target WHERE url = ${url} AND path IS NULL`
        return rows.map(toEntry)
      }),
      SqliteFault.of(file)
    )
})

/** Archives and their index as committed, of a store that may be of an older version and in use. */
export const archives = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  const version = yield* checkVersion(sql, file)
  const captures = SqlCaptures.make(sql)
  const isIndexed = version >= 7
  return {
    archives:
      version < 2 ? [] : yield* Effect.mapError(sql<Archive>`SELECT name, bytes FROM archive`, SqliteFault.of(file)),
    indexed: isIndexed ? yield* Effect.mapError(captures.indexed, SqliteFault.of(file)) : undefined,
    /** Whether a record has a payload of this digest. */
    holds: (digest: string) =>
      isIndexed
        ? Effect.mapError(
            Effect.map(captures.originals([digest]), (found) => found.has(digest)),
            SqliteFault.of(file)
          )
        : Effect.succeed(true)
  }
})

/** Brings the schema up to date. One that is costs a question for its version, and not what the migrator does. */
const migrate = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, file: string) {
  const version = yield* Effect.catchTag(checkVersion(sql, file), "StoreDamaged", () => Effect.succeed(undefined))
  if (version === latest) return
  yield* Effect.mapError(
    Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: "migration" }),
    SqliteFault.of(file)
  )
  yield* checkVersion(sql, file)
})

/** The archives and what is in them, of a store that no run is writing to. */
export const archived = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  yield* migrate(sql, file)
  const archives = yield* Effect.mapError(sql<Archive>`SELECT name, bytes FROM archive`, SqliteFault.of(file))
  return { archives, captures: Stream.mapError(SqlCaptures.make(sql).all, SqliteFault.of(file)) }
})

/** Brings the schema up to date, begins a run and gives its store. */
export const make = Effect.fnUntraced(function* (options: SqlStoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const guarded = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, StoreError, R> =>
    Effect.mapError(effect, (error) =>
      SqliteFault.isFull(error) ? new StoreFull({ file: options.file }) : SqliteFault.of(options.file)(error)
    )

  yield* migrate(sql, options.file)

  // leases of runs that are no more
  yield* guarded(
    sql.unsafe(`UPDATE target SET lease = NULL, due = COALESCE(${SqlCrawl.rank}, 0) WHERE state = 0 AND lease > 0`)
  )
  const startedMs = Date.now()
  const [previous] = yield* guarded(sql<{ ended: number | null }>`SELECT ended FROM run ORDER BY id DESC LIMIT 1`)
  const [begun] = yield* guarded(sql<{ id: number }>`INSERT INTO run (boot, durability, started)
    VALUES (${options.boot}, ${options.durability}, ${startedMs}) RETURNING id`)
  const run = begun!.id
  /** The run before may have asked hosts until then. */
  const unseenMs = previous?.ended === null ? startedMs : -Infinity
  yield* guarded(sql`DELETE FROM robots WHERE asked < ${startedMs - maxStaleSeconds * 1000}`)

  /** Assigned and not spread: that is several times as fast, and this is done for each target of a crawl. */
  const toTarget = (row: SqlCrawl.TargetRow): Target => {
    const { url, path, attempts } = row
    const target: Mutable<Target> = { url, host: Url.origin(url), path: path ?? FileName.fromUrl(url), attempts }
    if (path === null) target.isNamedByUrl = true
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
      target.partial =
        row.total === null ? { validator: row.validator } : { validator: row.validator, total: row.total }
    return target
  }
  const toSavedPage = (row: SqlCrawl.SavedRow): SavedPage => ({
    target: toTarget(row),
    finalUrl: row.final_url ?? row.url
  })
  const toKnown = (row: Row): Known => ({
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

  const nameOf = (target: Target): Pick<Row, "path" | "claim"> =>
    target.isNamedByUrl === true || target.path === FileName.fromUrl(target.url)
      ? byUrl
      : { path: target.path, claim: claimKey(target.path) }

  const crawl = SqlCrawl.make(sql, run, toTarget, options.mostSites)
  const sqlCaptures = SqlCaptures.make(sql)
  const placeOf = ({ depth, host, url, isResource }: Target): Pick<Row, "depth" | "site" | "key" | "resource"> =>
    depth === undefined
      ? nowhere
      : { depth, site: crawl.siteOf(host), key: SqlCrawl.keyOf(url), resource: SqlCrawl.flagOf(isResource) }

  /** One by one and not spread, like `toTarget`. */
  const fromOutcome = (list: number, { target, outcome, validators, contentType, isExcluded }: Settled): Row => {
    const failed = outcome._tag === "Failed" || outcome._tag === "Refused"
    const { path, claim } = nameOf(target)
    const { depth, site, key, resource } = placeOf(target)
    return {
      url: target.url,
      list,
      run,
      state: isExcluded === true ? state.excluded : stateOf[outcome._tag],
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
      validator: null,
      total: null,
      duration: Math.round(outcome.durationMs),
      noindex: "noindex" in outcome && outcome.noindex ? 1 : null,
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
      resource
    }
  }
  const fromWaiting = (list: number, { target, dueMs, leased }: Waiting): Row => ({
    url: target.url,
    list,
    run,
    state: state.pending,
    due: Math.round(dueMs),
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
    duration: null,
    error: null,
    noindex: null,
    record: target.saved?.record ?? null,
    type: target.saved?.contentType ?? null,
    ...placeOf(target)
  })

  const write = (rows: ReadonlyArray<Row>) => writeRows(sql, rows)
  const writeHost = (clock: HostClock) => {
    const { host, nextMs, pausedMs, asked, strikes, fault, delayMs, crawlDelayMs, learnedMs } = clock
    return sql`INSERT INTO host (host, next, paused, asked, strikes, fault, delay, crawl_delay, learned)
      VALUES (${host}, ${Math.round(nextMs)}, ${Math.round(pausedMs)}, ${Number(asked)}, ${strikes}, ${fault},
        ${Math.round(delayMs)}, ${Math.round(crawlDelayMs)}, ${learnedMs ?? null})
      ON CONFLICT (host) DO UPDATE SET next = excluded.next, paused = excluded.paused, asked = excluded.asked,
        strikes = excluded.strikes, fault = excluded.fault, delay = excluded.delay,
        crawl_delay = excluded.crawl_delay, learned = excluded.learned`
  }
  const writeRobots = ({ host, askedMs, kind, body, fault }: Copy) =>
    sql`INSERT INTO robots (host, asked, kind, body, fault)
      VALUES (${host}, ${askedMs}, ${robotsKinds.indexOf(kind)}, ${body ?? null}, ${fault ?? null})
      ON CONFLICT (host) DO UPDATE SET asked = excluded.asked, kind = excluded.kind, body = excluded.body,
        fault = excluded.fault`
  const writePlace = ({ list, bytes, lines, sha256, targets }: Place) =>
    sql`INSERT INTO list (id, bytes, lines, sha256, targets) VALUES (${list}, ${bytes}, ${lines}, ${sha256}, ${targets})
      ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, lines = excluded.lines, sha256 = excluded.sha256,
        targets = excluded.targets`
  const writeArchive = ({ name, bytes }: Archive) =>
    sql`INSERT INTO archive (name, bytes) VALUES (${name}, ${bytes})
      ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes`

  /** Those of lists, which have no site. SQLite would take another index, by which it passes over what is leased. */
  const waiting = sql.literal("target INDEXED BY target_due WHERE state = 0 AND lease IS NULL AND site IS NULL")
  const runsBeforeBoot = `SELECT id FROM run WHERE boot <> ? AND trusted = 0`

  // asked once: the rows of a million targets are not gone through for nothing
  const [earlier] = yield* guarded(sql<{ runs: number; unsynced: number }>`SELECT COUNT(*) AS runs,
    COALESCE(SUM(durability = 'process'), 0) AS unsynced FROM run WHERE boot <> ${options.boot} AND trusted = 0`)
  const { runs: doubtful, unsynced } = earlier!
  const trust = (damagedUrls: ReadonlyArray<string>) =>
    Effect.forEach(damagedUrls, (url) => distrust(sql, url), { discard: true }).pipe(
      // fewer are saved, so what a limit held back may be asked for
      Effect.andThen(
        damagedUrls.length === 0 ? Effect.void : Effect.asVoid(sql`UPDATE target SET lease = NULL WHERE lease = 0`)
      ),
      // parts are never synced, whatever is asked for of files
      Effect.andThen(
        sql.unsafe(
          `UPDATE target INDEXED BY target_part SET validator = NULL
            WHERE state = 0 AND validator IS NOT NULL AND run IN (${runsBeforeBoot})`,
          [options.boot]
        )
      ),
      Effect.andThen(sql`UPDATE run SET trusted = 1 WHERE boot <> ${options.boot}`),
      Effect.asVoid
    )

  return {
    run,
    store: Store.of({
      lookup: (urls) =>
        urls.length === 0
          ? Effect.succeed(new Map())
          : Effect.map(
              guarded(sql<Row>`SELECT * FROM target WHERE url IN ${sql.in(urls)}`),
              (found) => new Map(found.map((row) => [row.url, toKnown(row)]))
            ),

      commit: ({
        list,
        settled,
        waiting,
        hosts,
        robots = [],
        place,
        archives = [],
        captures = [],
        isCrawl = false,
        patterns = []
      }) => {
        const commit = sql.withTransaction(
          (isCrawl ? crawl.meet([...settled, ...waiting].map(({ target }) => target)) : Effect.void).pipe(
            Effect.andThen(() => write(settled.map((one) => fromOutcome(list, one)))),
            Effect.andThen(() => write(waiting.map((one) => fromWaiting(list, one)))),
            // nothing is waited for: they are as they were before they were leased
            Effect.andThen(() =>
              isCrawl
                ? crawl.putBack(waiting.flatMap(({ target, dueMs }) => (dueMs > 0 ? [] : [target.url])))
                : Effect.void
            ),
            Effect.andThen(Effect.forEach(hosts, writeHost, { discard: true })),
            Effect.andThen(Effect.forEach(robots, writeRobots, { discard: true })),
            Effect.andThen(place === undefined ? Effect.void : Effect.asVoid(writePlace(place))),
            Effect.andThen(Effect.forEach(archives, writeArchive, { discard: true })),
            Effect.andThen(sqlCaptures.add(captures)),
            Effect.andThen(crawl.know(patterns)),
            Effect.andThen((): Effect.Effect<Found, SqlError> =>
              isCrawl ? crawl.commit(list, settled) : Effect.succeed(nothingFound)
            )
          )
        )
        const links = settled.reduce((sum, { links = [] }) => sum + links.length, 0)
        return guarded(links < manyLinks ? commit : Spreading.spread(sql, commit))
      },
      patterns: guarded(crawl.patterns),
      link: (list, page, links) => guarded(sql.withTransaction(crawl.link(list, page, links))),
      nearer: (list, limit) => Effect.map(guarded(crawl.nearer(list, limit)), (found) => found.map(toSavedPage)),
      crawl: (seeds, refresh) => guarded(sql.withTransaction(crawl.open(seeds, refresh))),
      saved: (list) =>
        Stream.mapError(
          Stream.map(rows(sql, "list = ? AND state IN (1, 2)", list), toSavedPage),
          SqliteFault.of(options.file)
        ),
      prioritize: Effect.fnUntraced(function* (list, text, of) {
        const [crawled] = yield* guarded(sql<{ priorities: string | null }>`SELECT priorities FROM crawl`)
        if ((crawled?.priorities ?? "[]") === text) return
        const note = (priorities: string) =>
          guarded(sql`UPDATE crawl SET priorities = ${priorities} WHERE list = ${list}`)
        // killed before the last row, some have these and some those of before: no run asks for what is noted then
        yield* note(`${text} `)
        for (let after: number | undefined = 0; after !== undefined;) {
          after = yield* guarded(sql.withTransaction(crawl.prioritize(list, after, of)))
          yield* Effect.yieldNow
        }
        yield* note(text)
      }),
      ruled: Effect.fnUntraced(function* (list, rules, { maxPages = null, maxPagesPerHost = null }) {
        const [crawled] = yield* guarded(sql<{ most: number | null }>`SELECT most_of_host AS most FROM crawl`)
        if ((crawled?.most ?? null) !== maxPagesPerHost)
          while ((yield* guarded(crawl.release)) > 0) yield* Effect.yieldNow
        yield* guarded(sql`UPDATE crawl SET rules = ${rules}, most = ${maxPages}, most_of_host = ${maxPagesPerHost}
          WHERE list = ${list}`)
      }),
      // the least of the limits by which anything is held back: where it is less than what is asked for, that is released
      lowered: (list, most) =>
        Effect.asVoid(
          guarded(
            sql`UPDATE crawl SET most_of_host = MIN(COALESCE(most_of_host, ${most}), ${most}) WHERE list = ${list}`
          )
        ),
      excluded: (list) =>
        Stream.mapError(Stream.map(rows(sql, "list = ? AND state = 5", list), toTarget), SqliteFault.of(options.file)),
      withdraw: (list, after, isOut) => guarded(sql.withTransaction(crawl.withdraw(list, after, isOut))),
      readmit: (list, urls) => Effect.asVoid(guarded(sql.withTransaction(crawl.readmit(list, urls)))),
      leaseBySite: (list, limit, nowMs, room, ofHost) =>
        guarded(sql.withTransaction(crawl.lease(list, limit, nowMs, room, ofHost))),

      // what it costs does not grow with what waits: of some runs that is nearly all, and it is asked for each room there is
      lease: (list, limit, nowMs) =>
        Effect.zipWith(
          guarded(
            sql<Row & { readonly id: number }>`UPDATE target SET lease = ${run} WHERE rowid IN (
                SELECT rowid FROM ${waiting} AND list = ${list} AND due <= ${nowMs}
                ORDER BY due, rowid LIMIT ${limit} + 0
              ) RETURNING rowid AS id, *`
          ),
          guarded(sql<{ due: number }>`SELECT due FROM ${waiting} AND list = ${list} ORDER BY due LIMIT 1`),
          (leased, [next]) => ({
            // SQLite gives them in any order
            targets: leased.toSorted((one, other) => one.due - other.due || one.id - other.id).map(toTarget),
            dueMs: next?.due ?? Infinity
          })
        ),

      waiting: (list) =>
        Effect.map(
          guarded(sql<{ count: number; due: number | null }>`SELECT COUNT(*) AS count, MIN(due) AS due FROM ${waiting}
            AND list = ${list}`),
          ([row]) => ({ count: row!.count, dueMs: row!.due ?? undefined })
        ),

      reopen: (list) =>
        Effect.asVoid(
          guarded(sql`UPDATE target SET state = 0, lease = NULL, due = 0, attempts = 0
            WHERE list = ${list} AND (state = 0 OR state >= 3) AND NOT (state = 4 AND error LIKE '%"InvalidUrl"%')`)
        ),

      places: guarded(sql<Place>`
        SELECT id AS list, bytes, lines, sha256, targets FROM list WHERE bytes > 0 ORDER BY bytes DESC`),

      newList: Effect.map(
        guarded(
          sql<{ id: number }>`INSERT INTO list (bytes, lines, sha256, targets) VALUES (0, 0, '', 0) RETURNING id`
        ),
        ([row]) => row!.id
      ),

      hasSavedAs: (list, format) => {
        const some = sql.literal(
          format === "files" ? "record IS NULL" : "record IS NOT NULL AND EXISTS (SELECT 1 FROM archive)"
        )
        // of a list the newest rows are saved, of a crawl the oldest: what it found last still waits
        const ofEnd = (order: "ASC" | "DESC") => sql`SELECT 1 FROM
          (SELECT state, record FROM target WHERE list = ${list} ORDER BY rowid ${sql.literal(order)} LIMIT 100000)
          WHERE state IN (1, 2) AND ${some}`
        return Effect.map(
          guarded(sql`SELECT 1 WHERE EXISTS (${ofEnd("DESC")}) OR EXISTS (${ofEnd("ASC")})`),
          (rows) => rows.length > 0
        )
      },

      count: (list) =>
        Effect.map(
          guarded(sql<{ open: number; invalid: number }>`SELECT COUNT(*) AS open,
            COALESCE(SUM(state = 4 AND error LIKE '%"InvalidUrl"%'), 0) AS invalid FROM target
            WHERE list = ${list} AND (state = 0 OR state >= 3)`),
          ([row]) => row!
        ),

      owners: (claims) =>
        claims.length === 0
          ? Effect.succeed(new Map())
          : Effect.map(
              guarded(
                sql<{ claim: string; url: string }>`SELECT claim, url FROM target WHERE claim IN ${sql.in(claims)}`
              ),
              (found) => new Map(found.map((row) => [row.claim, row.url]))
            ),

      hosts: (origins) =>
        Effect.map(guarded(sql<HostRow>`SELECT * FROM host WHERE host IN ${sql.in(origins)}`), (found) =>
          found
            .map(toClock)
            .map((clock) =>
              clock.delayMs === 0 ? clock : { ...clock, nextMs: Math.max(clock.nextMs, unseenMs + clock.delayMs) }
            )
        ),
      robots: (origin) =>
        Effect.map(guarded(sql<RobotsRow>`SELECT * FROM robots WHERE host = ${origin}`), ([row]) =>
          row === undefined ? undefined : toCopy(row)
        ),
      end: Effect.suspend(() => Effect.asVoid(guarded(sql`UPDATE run SET ended = ${Date.now()} WHERE id = ${run}`))),

      unsynced:
        unsynced === 0
          ? Stream.empty
          : Stream.mapError(
              Stream.map(
                rows(sql, `state IN (1, 2) AND run IN (${runsBeforeBoot} AND durability = 'process')`, options.boot),
                (row) => ({
                  target: toTarget(row),
                  bytes: row.bytes!,
                  sha256: row.sha256 ?? undefined
                })
              ),
              SqliteFault.of(options.file)
            ),
      trust: (damagedUrls) =>
        doubtful + damagedUrls.length === 0 ? Effect.void : guarded(sql.withTransaction(trust(damagedUrls))),

      archives: guarded(sql<Archive>`SELECT name, bytes FROM archive`),
      captures: Stream.mapError(sqlCaptures.all, SqliteFault.of(options.file)),
      indexed: guarded(sqlCaptures.indexed),
      index: (index) => Effect.asVoid(guarded(sqlCaptures.index(index))),
      captured: (digests) => guarded(sqlCaptures.originals(digests)),
      announce: (archive) =>
        Effect.asVoid(
          guarded(sql`INSERT INTO archive (name, bytes) VALUES (${archive}, 0) ON CONFLICT (name) DO NOTHING`)
        ),

      partials: Effect.map(
        guarded(sql<{ url: string }>`SELECT url FROM target INDEXED BY target_part
          WHERE state = 0 AND validator IS NOT NULL`),
        (found) => found.map((row) => row.url)
      ),

      entries: Stream.mapError(Stream.map(rows(sql, "true"), toEntry), SqliteFault.of(options.file))
    })
  }
})
