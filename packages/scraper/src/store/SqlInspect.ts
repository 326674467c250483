/** Reads what a store knows of one URL and its host, while a run may be writing to it. Changes nothing. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Evidence } from "../crawl/Traps.ts"
import * as SiteHost from "../crawl/SiteHost.ts"
import * as UrlPattern from "../crawl/UrlPattern.ts"
import type { HostClock } from "../Politeness.ts"
import { complete } from "../Options.ts"
import type { Copy } from "../robots/RobotsPolicy.ts"
import type { Entry } from "../Store.ts"
import * as Url from "../Url.ts"
import * as SchemaVersion from "./SchemaVersion.ts"
import * as TargetRank from "./TargetRank.ts"
import * as SqlHosts from "./SqlHosts.ts"
import * as SqliteFault from "./SqliteFault.ts"
import { keyOf, type TargetRow, toEntry } from "./TargetRow.ts"
import { latest } from "./migrations.ts"

/** A target, as its row has it. */
export interface Found {
  readonly entry: Entry
  /** Of a crawl: links from a seed. */
  readonly depth?: number
  readonly isResource?: boolean
  /** Waits in the store until then: milliseconds since the epoch. */
  readonly dueMs?: number
  /** A run has taken it, and has not settled it. */
  readonly isLeased: boolean
}

export interface Known {
  readonly target?: Found
  /**
   * The rules of the crawl of the directory, as `RulesText` has them; targets saved of it, and how many may be; the
   * same of the host.
   */
  readonly crawl?: {
    readonly rules: string
    readonly saved: number
    readonly most?: number
    readonly ofHost?: { readonly host: string; readonly saved: number; readonly most: number }
    readonly priorities?: string
  }
  /** What is known of the URLs that are like it, where these have no end. */
  readonly trap?: Pick<Evidence, "pattern" | "pages" | "contents">
  readonly host?: HostClock
  readonly robots?: Copy
}

/**
 * `isHeld`: a run works there now. Of a store with fewer migrations the row of the URL alone is told; its next run brings it
 * up to date.
 */
export const make = Effect.fnUntraced(function* (file: string, isHeld: boolean) {
  const sql = yield* SqlClient.SqlClient
  const version = yield* SchemaVersion.check(sql, file)
  const hosts = SqlHosts.make(sql)
  const patternOf = UrlPattern.make()
  const rowOf = (url: string) =>
    Effect.gen(function* () {
      const [exact] = yield* sql<TargetRow>`SELECT * FROM target WHERE url = ${url}`
      if (exact !== undefined || version < latest) return exact
      const key = keyOf(url) ?? url
      const [same] = yield* sql<TargetRow>`SELECT * FROM target WHERE key = ${key}
        UNION ALL SELECT * FROM target WHERE url = ${key} AND depth IS NOT NULL`
      return same
    })
  const found = (row: TargetRow): Found => ({
    entry: toEntry(row),
    ...(row.depth === null || row.depth === undefined ? {} : { depth: row.depth }),
    ...(row.resource === null || row.resource === undefined ? {} : { isResource: row.resource === 1 }),
    ...(row.state === 0 && row.due > TargetRank.mostDepth ? { dueMs: row.due } : {}),
    isLeased: isHeld && row.state === 0 && row.lease !== null && row.lease > 0
  })
  return (url: string) =>
    Effect.mapError(
      Effect.gen(function* () {
        const row = yield* rowOf(url)
        const target: Known = row === undefined ? {} : { target: found(row) }
        if (version < latest) return target
        const origin = Url.origin(url)
        const [crawl] = yield* sql<{
          rules: string | null
          saved: number
          most: number | null
          most_of_host: number | null
          priorities: string | null
        }>`SELECT rules, saved, most, most_of_host, priorities FROM crawl`
        const site = SiteHost.of(new URL(url))
        const [ofHost] = yield* sql<{ saved: number | null }>`SELECT SUM(saved) AS saved FROM site WHERE host = ${site}`
        const [host] = yield* hosts.clocks([origin])
        const robots = yield* hosts.robots(origin)
        const [trap] = yield* sql<NonNullable<Known["trap"]>>`SELECT pattern, pages, contents FROM pattern
          WHERE pattern = ${patternOf(url)} AND caught = 1`
        const most = crawl?.most_of_host ?? undefined
        const ruled =
          typeof crawl?.rules === "string"
            ? complete<NonNullable<Known["crawl"]>>(
                { rules: crawl.rules, saved: crawl.saved },
                {
                  most: crawl.most ?? undefined,
                  ofHost: most === undefined ? undefined : { host: site, saved: ofHost?.saved ?? 0, most },
                  priorities: crawl.priorities ?? undefined
                }
              )
            : undefined
        return complete<Known>(target, { crawl: ruled, trap, host, robots })
      }),
      SqliteFault.of(file)
    )
})
