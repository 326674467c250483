/** What it costs to start: the program alone, and with one URL, beside Node itself and curl. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import * as Bundle from "./Bundle.ts"
import type { Client } from "./Client.ts"
import { reference } from "./Client.ts"
import * as FileServer from "./FileServer.ts"
import type { Placement } from "./Machine.ts"
import type { Usage } from "./Measurement.ts"
import { cpuSeconds, measure } from "./Measurement.ts"
import * as Outputs from "./Outputs.ts"
import type { Report } from "./Report.ts"
import { fixed, median, table } from "./Table.ts"
import * as Workloads from "./Workload.ts"
import type { Workplace } from "./Workplace.ts"

const node = process.execPath
const workload = Workloads.single

/** Runs each command so many times, in turn. */
export const run = async (
  workplace: Workplace,
  placement: Placement,
  installed: ReadonlyArray<Client>,
  times: number,
  tell: (line: string) => void
): Promise<Report> => {
  using room = workplace.reserve(workload.name, Workloads.mebibyte, 10)
  await using server = await FileServer.start(workplace, workload, room)
  const judge = Outputs.judge(workload, server)
  const { path, name } = [...Workloads.items(workload)][0]!
  const url = `${server.origin}${path}`
  const commands: Record<string, (out: string) => ReadonlyArray<string>> = {
    "`node -e 0`": () => [node, "-e", "0"],
    "`simul --version`": () => [node, Bundle.published, "--version"],
    "`simul get URL`": (out) => [node, Bundle.published, "get", url, "-o", out, "--progress", "none"]
  }
  if (installed.some((client) => client.name === reference)) {
    commands["`curl URL`"] = (out) => ["curl", "-s", "-o", join(out, name), url]
  }
  const usages = new Map(Object.keys(commands).map((title) => [title, new Array<Usage>()]))
  let lost = false
  // The first time, 0, warms caches and is not counted.
  for (let time = 0; time <= times; time++) {
    for (const [title, command] of Object.entries(commands)) {
      const out = room.folder("out")
      const usage = await measure(workplace, command(out), {
        cpus: placement.clients,
        cwd: workplace.environment["HOME"]!
      })
      const bad = title.includes("URL") ? Outputs.bad(judge(out, true)) : 0
      rmSync(out, { recursive: true })
      if (time > 0) usages.get(title)!.push(usage)
      if (usage.status === 0 && bad === 0) continue
      lost = true
      tell(`${title}: exit ${usage.status}, ${bad} bad files`)
      tell(`  ${usage.said}`)
    }
  }
  const rows = [...usages].map(([title, own]) => [
    title,
    own.length,
    fixed(median(own.map(cpuSeconds)) * 1000, 0),
    fixed(Math.min(...own.map(cpuSeconds)) * 1000, 0),
    fixed(median(own.map(({ wallSeconds }) => wallSeconds)) * 1000, 0)
  ])
  return {
    title: "startup: one run of the program",
    lines: [...table("command | runs | CPU ms | least CPU ms | wall ms", rows), "", `Server: ${server.name}.`],
    lost,
    data: [...usages].flatMap(([command, own]) => own.map(({ samples, ...usage }) => ({ command, ...usage })))
  }
}
