/**
 * What the frontier of a crawl costs: `node packages/scraper/benchmark/frontier.ts [TARGETS] [--scattered]`, 1,000,000 unless
 * given.
 *
 * 1,000 sites, pages of 100 links each, a third of them known, 100 pages a commit, as a crawl at 500 pages a second has them.
 * Four of five links stay on the site, as links do; `--scattered`: none does, and each leads to any of the sites. Then leases
 * as a crawl takes them, and the start of another run. On a disk: the temporary folder should not be in memory.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { Settled } from "../src/Store.ts"
import * as NodeSqlite from "../src/store/NodeSqlite.ts"
import * as SqlStore from "../src/store/SqlStore.ts"
import type { Target } from "../src/Target.ts"

const { positionals, values } = parseArgs({ allowPositionals: true, options: { scattered: { type: "boolean" } } })
const count = Number(positionals[0] ?? 1_000_000)
const sites = 1000
const folder = mkdtempSync(join(tmpdir(), "simul-frontier-"))
const file = join(folder, "store.sqlite")

const targetOf = (number: number, depth: number): Target => {
  const host = `https://site-${number % sites}.example`
  // in no order, as links come
  const name = Math.imul(number, 2654435761) >>> 0
  return { url: `${host}/articles/${name}/${number}.html`, host, path: "", attempts: 0, depth }
}
const pageOf = (target: Target, links: ReadonlyArray<Target>): Settled => ({
  target,
  links,
  outcome: { _tag: "Saved", url: target.url, attempts: 1, durationMs: 1, status: 200, path: target.path, bytes: 1 }
})

const mebibytes = (path: string) => Math.round(statSync(path).size / 2 ** 20)
const memory = () => Math.round(process.memoryUsage.rss() / 2 ** 20)
const timed = <A, E>(what: string, times: number, effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const cpu = process.cpuUsage()
    const began = performance.now()
    const value = yield* effect
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const each =
      times === 0 ? "" : `, ${Math.round(times / seconds)}/s, ${((user + system) / times).toFixed(1)} us of CPU each`
    console.log(`${what}: ${seconds.toFixed(2)} s${each}; ${memory()} MiB`)
    return value
  })

const begin = Effect.flatMap(NodeSqlite.make({ file, synchronous: "NORMAL" }), (sql) =>
  Effect.provideService(SqlStore.make({ file, boot: "boot", durability: "process" }), SqlClient.SqlClient, sql)
)

const fill = Effect.gen(function* () {
  const { store } = yield* begin
  const { list } = yield* store.crawl([targetOf(0, 0)], false)
  let found = 1
  const insert = Effect.gen(function* () {
    /** The next of a site that nobody knows. */
    const next = Array.from({ length: sites }, (_, site) => site + sites)
    const any = (below: number) => Math.floor(Math.random() * below)
    while (found < count) {
      const settled = Array.from({ length: 100 }, () => {
        const home = any(sites)
        const links = Array.from({ length: 100 }, (_, index) => {
          const site = values.scattered !== true && index % 5 > 0 ? home : any(sites)
          if (index % 3 === 0) return targetOf(site + sites * any(next[site]! / sites), 1)
          found++
          return targetOf((next[site]! += sites), 1)
        })
        return pageOf(targetOf(home, 1), links)
      })
      yield* store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true })
    }
  })
  yield* timed(`${count} targets found in 1.5 times as many links`, count, insert)
  console.log(`${mebibytes(`${file}-wal`)} MiB in its log`)
  const leases = 100_000
  yield* timed(
    `${leases} of them leased, 1,024 at a time`,
    leases,
    Effect.gen(function* () {
      for (let leased = 0; leased < leases;) {
        const { targets } = yield* store.leaseBySite(list, 1024, Date.now(), () => 64)
        leased += targets.length
        if (targets.length === 0) break
      }
    })
  )
}).pipe(Effect.scoped)

const again = Effect.gen(function* () {
  const { store } = yield* begin
  yield* store.trust([])
  yield* store.partials
  return yield* store.crawl([], false)
}).pipe(Effect.scoped)

await Effect.runPromise(
  Effect.gen(function* () {
    yield* fill
    yield* timed("the next run begins, and gives back what the one before had leased", 0, again)
    const { found, ended } = yield* timed("one more begins", 0, again)
    console.log(`${found} targets, ${found - ended} open; ${mebibytes(file)} MiB on disk`)
  })
).finally(() => rmSync(folder, { recursive: true }))
