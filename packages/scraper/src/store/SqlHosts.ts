/** What the store knows of hosts: their clocks, and what they answered for robots.txt. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { HostClock } from "../Politeness.ts"
import type { Copy } from "../robots/RobotsPolicy.ts"
import { rowsAmong } from "./RowsAmong.ts"

interface HostRow {
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
interface RobotsRow {
  readonly host: string
  readonly asked: number
  readonly kind: number
  readonly body: Uint8Array | null
  readonly fault: string | null
}
const robotsKinds = ["rules", "unavailable", "unreachable"] as const

const toClock = (row: HostRow): HostClock => {
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
const toCopy = ({ host, asked, kind, body, fault }: RobotsRow): Copy => ({
  host,
  askedMs: asked,
  kind: robotsKinds[kind]!,
  ...(body === null ? {} : { body }),
  ...(fault === null ? {} : { fault })
})

export const make = (sql: SqlClient.SqlClient) => ({
  clocks: (origins: ReadonlyArray<string>) =>
    Effect.map(rowsAmong<HostRow>(sql, "SELECT * FROM host WHERE host", origins), (rows) => rows.map(toClock)),
  robots: (origin: string) =>
    Effect.map(sql<RobotsRow>`SELECT * FROM robots WHERE host = ${origin}`, ([row]) =>
      row === undefined ? undefined : toCopy(row)
    ),

  write: ({ host, nextMs, pausedMs, asked, strikes, fault, delayMs, crawlDelayMs, learnedMs }: HostClock) =>
    sql`INSERT INTO host (host, next, paused, asked, strikes, fault, delay, crawl_delay, learned)
      VALUES (${host}, ${Math.round(nextMs)}, ${Math.round(pausedMs)}, ${Number(asked)}, ${strikes}, ${fault},
        ${Math.round(delayMs)}, ${Math.round(crawlDelayMs)}, ${learnedMs ?? null})
      ON CONFLICT (host) DO UPDATE SET next = excluded.next, paused = excluded.paused, asked = excluded.asked,
        strikes = excluded.strikes, fault = excluded.fault, delay = excluded.delay,
        crawl_delay = excluded.crawl_delay, learned = excluded.learned`,
  writeRobots: ({ host, askedMs, kind, body, fault }: Copy) =>
    sql`INSERT INTO robots (host, asked, kind, body, fault)
      VALUES (${host}, ${askedMs}, ${robotsKinds.indexOf(kind)}, ${body ?? null}, ${fault ?? null})
      ON CONFLICT (host) DO UPDATE SET asked = excluded.asked, kind = excluded.kind, body = excluded.body,
        fault = excluded.fault`
})
