/** Writes rows of the table `target`, many at a time. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as ManyRows from "./ManyRows.ts"
import type { TargetRow } from "./TargetRow.ts"

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
  "links_cut",
  "type",
  "hop"
] as const satisfies ReadonlyArray<keyof TargetRow>

/**
 * What the row of a saved target has, as a rule; the rest of its columns are as a new row has them. Half as many values
 * cost half as much.
 */
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
] as const satisfies ReadonlyArray<keyof TargetRow>
/** The same of a page that a crawl found. */
const found = [...usual, "type", "depth", "site", "key", "resource"] as const satisfies ReadonlyArray<keyof TargetRow>
/** By name and not in a loop, like `addUsual`: that is several times as fast. */
const shapeOf = (row: TargetRow): Shape =>
  row.due === 0 &&
  row.lease === null &&
  row.path === null &&
  row.final_url === null &&
  row.validator === null &&
  row.total === null &&
  row.error === null &&
  row.claim === null &&
  row.record === null &&
  row.noindex === null &&
  row.links_cut === null &&
  row.hop === null
    ? row.depth === null && row.type === null
      ? usual
      : found
    : columns

/** Adds the values of a row in the order of `usual`. */
const addUsual = (values: Array<unknown>, row: TargetRow) =>
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
const addFound = (values: Array<unknown>, row: TargetRow) => {
  addUsual(values, row)
  values.push(row.type, row.depth, row.site, row.key, row.resource)
}
const addAll = (values: Array<unknown>, row: TargetRow) => {
  for (const column of columns) values.push(row[column])
}

type Shape = typeof usual | typeof found | typeof columns

/**
 * A page of a crawl may have been found nearer while it was asked for: then it stays so, and its links are to be
 * followed again.
 */
const updateOf: Partial<Record<keyof TargetRow, string>> = {
  depth:
    "nearer=CASE WHEN excluded.state IN (1, 2) AND excluded.depth > depth THEN 1 END, depth=CASE WHEN excluded.depth > depth THEN depth ELSE excluded.depth END"
}

const insertion = (shape: Shape, verb: "INSERT" | "INSERT OR IGNORE", rest = "") =>
  ManyRows.statement(
    `(${shape.map(() => "?").join(",")})`,
    (rows) => `${verb} INTO target (${shape.join(",")}) VALUES ${rows} ${rest}`
  )
const updates = columns.slice(1).map((name) => updateOf[name] ?? `${name}=excluded.${name}`)
const upserts = new Map(
  [usual, found, columns].map((shape: Shape) => [
    shape,
    insertion(shape, "INSERT", `ON CONFLICT (url) DO UPDATE SET ${updates.join(",")}`)
  ])
)
/**
 * For targets without a row, as those of a list mostly are. It leaves what is in its way as it is, so SQLite need not copy
 * pages to undo it by: that takes a sixth off all that the store does.
 */
const insert = insertion(usual, "INSERT OR IGNORE")

/** Writes rows, those of one shape together. */
export const write = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, targets: ReadonlyArray<TargetRow>) {
  for (const [shape, alike] of Map.groupBy(targets, shapeOf)) {
    const upsert = upserts.get(shape)!
    let areNew = shape === usual
    const add = shape === usual ? addUsual : shape === found ? addFound : addAll
    for (const rows of ManyRows.atOnce(alike)) {
      const values: Array<unknown> = []
      for (const row of rows) add(values, row)
      if (areNew) {
        const { changes } = (yield* sql.unsafe(insert(rows.length), values).raw) as {
          readonly changes: number | bigint
        }
        areNew = Number(changes) === rows.length
      }
      if (!areNew) yield* sql.unsafe(upsert(rows.length), values)
    }
  }
})
