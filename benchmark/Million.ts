/**
 * A long list: whether memory stays flat over it, and what the same command costs when everything is there already, and
 * when the list has grown.
 */
import { appendFileSync } from "node:fs"
import * as Site from "@simul/scraper/testing/Site"
import type { Client } from "./Client.ts"
import * as FileServer from "./FileServer.ts"
import type { Placement } from "./Machine.ts"
import type { Usage } from "./Measurement.ts"
import { cpuSeconds, measure } from "./Measurement.ts"
import * as Outputs from "./Outputs.ts"
import type { Report } from "./Report.ts"
import { amount, fixed, mebibytes, median, table } from "./Table.ts"
import type { Workload } from "./Workload.ts"
import * as Workloads from "./Workload.ts"
import type { Workplace } from "./Workplace.ts"

const added = 100

/** The median of what was held between two parts of the run, 0 to 1. */
const held = ({ samples }: Usage, from: number, to: number): number => {
  const end = samples.at(-1)?.seconds ?? 0
  return median(
    samples.filter(({ seconds }) => seconds >= from * end && seconds <= to * end).map((sample) => sample.residentBytes)
  )
}

/** Runs `client` over the list, again, and again with lines added. `tell` hears what goes wrong. */
export const run = async (
  workplace: Workplace,
  placement: Placement,
  client: Client,
  workload: Workload,
  tell: (line: string) => void
): Promise<Report> => {
  const requests = Workloads.requests(workload)
  // Files, and what a client keeps about each.
  using room = workplace.reserve(workload.name, 1.25 * Workloads.occupied(workload), requests)
  await using server = await FileServer.start(workplace, workload, room)
  const lists = Workloads.writeLists(workload, server.origin, room.folder("lists"))
  const judge = Outputs.judge(workload, server)
  if (workplace.onTmpfs) workplace.touch(1.25 * Workloads.occupied(workload))
  const out = room.folder("out")
  const command = client.command({ lists, out, jobs: workload.jobs })
  const cwd = workplace.environment["HOME"]!
  const rows: Array<ReadonlyArray<string | number>> = []
  const data: Array<Readonly<Record<string, unknown>>> = []
  let lost = false

  const step = async (title: string, expectedExtra: number, firstRequest?: () => number | undefined) => {
    const began = performance.now()
    const usage = await measure(workplace, command, { cpus: placement.clients, cwd, timeoutSeconds: 7200 })
    const { missing, wrong, extra } = judge(out, data.length === 0)
    const bad = missing + wrong + Math.abs(extra - expectedExtra)
    const at = firstRequest?.()
    const firstSeconds = at === undefined ? NaN : (at - began) / 1000
    if (usage.status !== 0 || bad > 0) {
      lost = true
      tell(`${title}: exit ${usage.status}, ${missing} missing, ${wrong} wrong, ${extra} extra`)
      tell(`  ${usage.said}`)
    }
    const [second, last] = [held(usage, 0.25, 0.5), held(usage, 0.75, 1)]
    rows.push([
      title,
      fixed(usage.wallSeconds, 2),
      fixed(cpuSeconds(usage), 2),
      fixed((cpuSeconds(usage) * 1e6) / requests, 1),
      mebibytes(usage.peakBytes),
      mebibytes(second),
      mebibytes(last),
      fixed(firstSeconds, 2),
      usage.status === 0 ? bad : `${bad}, exit ${usage.status}`
    ])
    const { samples, ...sums } = usage
    // A figure a second draws the same curve.
    const thinned = samples.filter(
      (sample, index) => Math.floor(sample.seconds) !== Math.floor(samples[index - 1]?.seconds ?? -1)
    )
    data.push({
      step: title,
      ...sums,
      missing,
      wrong,
      extra,
      secondQuarter: second,
      lastQuarter: last,
      firstSeconds,
      samples: thinned
    })
  }

  await step("first run", 0)
  await step("the same command again", 0)
  // The added lines lead to a site inside this program, which so hears of the first request at once.
  let heardAt: number | undefined
  await using site = await Site.start({ log: false, onRequest: () => (heardAt ??= performance.now()) })
  const lines = Array.from(
    { length: added },
    (_, index) => `${site.url(`/bytes/${workload.bytes}/added-${index}.bin`)}\n`
  )
  appendFileSync(lists.urls, lines.join(""))
  await step(`again, ${added} lines added`, added, () => heardAt)

  return {
    title: `${workload.name}: ${amount(requests, workload.bytes)}, ${workload.jobs} in flight (${workload.does}), ${client.name}`,
    lines: [
      ...table(
        "step | wall s | CPU s | CPU µs/URL | peak MiB | held, 2nd quarter | held, last quarter | first request after s | bad files",
        rows
      ),
      "",
      `Server: ${server.name}. Held: median of the resident memory, in MiB, over that quarter of the run.`
    ],
    lost,
    data
  }
}
