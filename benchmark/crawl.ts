/**
 * Compares `simul crawl` with its peers on a generated site: `node benchmark/crawl.ts [--pages N] [--rounds N] [--crawlee]`.
 *
 * Builds the program first. Prints a Markdown table on stdout, and what happens meanwhile on stderr. Exit status: 0; 1 when
 * a run failed, lost or damaged a page, or could not be made; 2 usage; 130 interrupted.
 */
import { rmSync } from "node:fs"
import { loadavg } from "node:os"
import * as Bundle from "./Bundle.ts"
import type { Crawler } from "./Crawler.ts"
import * as Crawlers from "./Crawler.ts"
import * as CrawlSite from "./CrawlSite.ts"
import * as FileServer from "./FileServer.ts"
import * as Machine from "./Machine.ts"
import type { Usage } from "./Measurement.ts"
import { cpuSeconds, measure } from "./Measurement.ts"
import { fixed, mebibytes, median, table } from "./Table.ts"
import { rotate } from "./Turns.ts"
import * as Arguments from "./Arguments.ts"
import * as Workplace from "./Workplace.ts"

const text = `usage: node benchmark/crawl.ts [--pages N] [--rounds N] [--crawlee] [--only NAME]...
  --pages N    pages of the site [10000]
  --rounds N   how often each crawler runs, the slow ones less often [5]
  --crawlee    install Crawlee from the npm registry, for this run alone
  --only NAME  this crawler alone; may repeat: ${Crawlers.names.join(", ")}`

const settings = () =>
  Arguments.settings(
    {
      text,
      options: {
        pages: { type: "string", default: "10000" },
        rounds: { type: "string", default: "5" },
        crawlee: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] }
      }
    },
    ({ pages, rounds, crawlee, only: names }) => {
      const only = names.map((name) => Arguments.one("crawler", name, Crawlers.names))
      if (only.includes("Crawlee") && !crawlee)
        throw new Arguments.WrongArgument("--only Crawlee: it is installed by --crawlee alone")
      return { crawlee, only, pages: Arguments.whole("pages", pages), rounds: Arguments.whole("rounds", rounds) }
    }
  )

interface Run {
  readonly crawler: Crawler
  readonly round: number
  readonly usage: Usage
  readonly bad: number
}

const rows = (runs: ReadonlyArray<Run>, crawlers: ReadonlyArray<Crawler>, pages: number) => {
  const valid = runs.filter(({ usage, bad }) => usage.status === 0 && bad === 0)
  const simul = new Map(
    valid.filter(({ crawler }) => crawler.name === "simul").map(({ round, usage }) => [round, usage])
  )
  return table(
    "crawler | runs | wall s | CPU s | pages / CPU s | simul is ahead | peak MiB | bad pages | on or off",
    crawlers.map((crawler) => {
      const own = runs.filter((run) => run.crawler === crawler)
      const usages = valid.filter((run) => run.crawler === crawler)
      const middle = (value: (usage: Usage) => number) => median(usages.map(({ usage }) => value(usage)))
      const ahead = median(
        usages.flatMap(({ round, usage }) =>
          simul.has(round) ? [cpuSeconds(usage) / cpuSeconds(simul.get(round)!)] : []
        )
      )
      return [
        crawler.name,
        own.length,
        fixed(
          middle(({ wallSeconds }) => wallSeconds),
          2
        ),
        fixed(middle(cpuSeconds), 2),
        fixed(pages / middle(cpuSeconds), 0),
        `${fixed(ahead, 2)}x`,
        mebibytes(middle(({ peakBytes }) => peakBytes)),
        Math.max(...own.map(({ bad }) => bad)),
        crawler.note
      ]
    }),
    ["on or off"]
  )
}

const main = async () => {
  const { pages, rounds, crawlee, only } = settings()
  if (process.platform !== "linux") throw new Error("the benchmark reads /proc: it needs Linux")
  const tell = (line: string) => console.error(line)
  const workplace = Workplace.make()
  Bundle.build(workplace)
  using room = workplace.reserve("crawl", pages * 40_000 + 2 ** 29, 2 * pages)
  const found = Crawlers.find(workplace, room, crawlee, tell)
  const crawlers = found.crawlers.filter(({ name }) => only.length === 0 || only.includes(name))
  const missing = only.filter((name) => !crawlers.some((crawler) => crawler.name === name))
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}`)
  const placement = Machine.place()
  const root = room.folder("served")
  const site = { pages }
  const bytes = CrawlSite.write(site, root)
  await using server = await FileServer.ofFolder(workplace, room, root)
  console.log(`Machine: ${Machine.describe(placement, workplace.onTmpfs)}.
Versions: Node ${process.versions.node}, ${crawlers.map(({ name, version }) => `${name} ${version}`).join(", ")}.`)
  const [load = 0] = loadavg()
  if (load > 0.5) console.log(`Busy: load average ${load.toFixed(1)} at the start; do not trust wall times.`)
  if (found.absent.length > 0) console.log(`Not installed: ${found.absent.join(", ")}.`)
  if (workplace.onTmpfs) workplace.touch(1.5 * bytes)

  const runs: Array<Run> = []
  // round 0 warms the server and counts for nothing but its outputs
  for (let round = 0; round <= rounds; round++)
    for (const crawler of round === 0 ? crawlers.slice(0, 1) : rotate(crawlers, round - 1)) {
      if (round > (crawler.rounds ?? rounds)) continue
      const out = room.folder("out", `${round} ${crawler.name}`)
      const command = crawler.command({ seed: server.origin + CrawlSite.first, out })
      const usage = await measure(workplace, command, { cpus: placement.clients, cwd: workplace.environment["HOME"]! })
      const bad = CrawlSite.bad(site, root, out, crawler.rewrites)
      if (workplace.onTmpfs) rmSync(out, { recursive: true })
      if (usage.status !== 0 || bad > 0)
        tell(`round ${round}: ${crawler.name}: exit ${usage.status}, ${bad} bad pages\n  ${usage.said}`)
      runs.push({ crawler, round, usage, bad })
    }
  const counted = runs.filter(({ round }) => round > 0)
  console.log(
    `\n${pages.toLocaleString("en")} pages of ${Math.round(bytes / pages)} bytes, ${Crawlers.jobs} in flight; server: ${server.name}.\n`
  )
  console.log(rows(counted, crawlers, pages).join("\n"))
  return runs.every(({ usage, bad }) => usage.status === 0 && bad === 0)
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(`error: ${(error as Error).message}`)
  process.exitCode = 1
}
