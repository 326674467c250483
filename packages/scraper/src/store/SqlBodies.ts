/**
 * What a directory has saved as files, and what of it a URL leads to. Reads only.
 *
 * A body that could not be asked again, or not yet, is still there: it counts.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as FileName from "../sink/FileName.ts"
import { rowsAmong } from "./RowsAmong.ts"
import * as Rows from "./Rows.ts"
import * as SqliteFault from "./SqliteFault.ts"
import { keyOf, type TargetRow } from "./TargetRow.ts"

/** A saved file. */
export interface Body {
  readonly url: string
  /** Where it came from, after redirects; without credentials. */
  readonly finalUrl: string
  /** Relative to the directory. */
  readonly path: string
  /** As it was sent; empty where nobody knows. */
  readonly contentType: string
}

type Row = Pick<TargetRow, "url" | "final_url" | "path" | "type" | "key">

const isFile = "bytes IS NOT NULL AND record IS NULL"
const columns = "url, final_url, path, type, key"

const toBody = ({ url, final_url, path, type }: Row): Body => ({
  url,
  finalUrl: final_url ?? url,
  path: path ?? FileName.fromUrl(url),
  contentType: type ?? ""
})

/** @param file the name to show when the store is damaged */
export const make = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  const among = (column: string, values: ReadonlyArray<string>) =>
    rowsAmong<Row>(sql, `SELECT ${columns} FROM target WHERE ${isFile} AND ${column}`, values)

  return {
    /** How many they are, and the last run that changed anything of them: 0 where there are none. */
    state: Effect.mapError(
      Effect.map(
        sql.unsafe<{ count: number; run: number | null }>(
          `SELECT COUNT(*) AS count, MAX(run) AS run FROM target WHERE ${isFile}`
        ),
        ([row]) => ({ count: row!.count, latest: row!.run ?? 0 })
      ),
      SqliteFault.of(file)
    ),
    /** All of it, in the order in which it was found. */
    all: Stream.mapError(Stream.map(Rows.stream<Row>(sql, columns, isFile), toBody), SqliteFault.of(file)),
    /** What these URLs lead to, by URL: what was saved for it, or for another URL of the same page (`crawl/UrlKey.ts`). */
    at: (urls: ReadonlyArray<string>) =>
      Effect.mapError(
        Effect.gen(function* () {
          const bodies = new Map<string, Body>()
          for (const row of yield* among("url", urls)) bodies.set(row.url, toBody(row))
          const missing = urls.filter((url) => !bodies.has(url))
          if (missing.length === 0) return bodies
          const keys = missing.map((url) => keyOf(url) ?? url)
          const pages = new Map<string, Body>()
          for (const row of yield* among("depth IS NOT NULL AND url", keys)) pages.set(row.url, toBody(row))
          for (const row of yield* among("key", keys)) pages.set(row.key!, toBody(row))
          for (const [index, url] of missing.entries()) {
            const page = pages.get(keys[index]!)
            if (page !== undefined) bodies.set(url, page)
          }
          return bodies
        }),
        SqliteFault.of(file)
      )
  }
})

export type Bodies = Effect.Success<ReturnType<typeof make>>
