/**
 * Clients in turn on one workload, round by round. The machine's speed drifts by a sixth within minutes, so a ratio is
 * the median of the ratios within each round, and the order rotates.
 */
import { rmSync } from "node:fs"
import type { Client } from "./Client.ts"
import { reference } from "./Client.ts"
import * as FileServer from "./FileServer.ts"
import type { Placement } from "./Machine.ts"
import type { Usage } from "./Measurement.ts"
import { cpuSeconds, measure } from "./Measurement.ts"
import type { Verdict } from "./Outputs.ts"
import * as Outputs from "./Outputs.ts"
import type { Report } from "./Report.ts"
import { amount, fixed, mebibytes, median, table } from "./Table.ts"
import { rotate } from "./Turns.ts"
import type { Workload } from "./Workload.ts"
import * as Workloads from "./Workload.ts"
import type { Workplace } from "./Workplace.ts"

/** A run of a client. Round 0 warms the server and counts for nothing but its outputs. */
interface Run {
  readonly client: Client
  readonly round: number
  readonly usage: Usage
  readonly verdict: Verdict
}

const good = ({ usage, verdict }: Run) => usage.status === 0 && Outputs.bad(verdict) === 0

const rows = (runs: ReadonlyArray<Run>, clients: ReadonlyArray<Client>, workload: Workload) => {
  const counted = runs.filter(({ round }) => round > 0)
  const big = workload.bytes >= Workloads.mebibyte
  const scale = big ? Workloads.gibibyte / Workloads.volume(workload) : 1e6 / Workloads.requests(workload)
  // What a run took that lost something is no figure.
  const valid = counted.filter(good)
  const base = new Map(valid.filter(({ client }) => client.name === reference).map((run) => [run.round, run.usage]))
  const wall = (usage: Usage) => usage.wallSeconds
  return table(
    `client | runs | wall s | CPU s | CPU ${big ? "s/GiB" : "µs/URL"} | peak MiB | CPU / curl | wall / curl | bad files | on or off`,
    clients.map((client) => {
      const own = counted.filter((run) => run.client === client)
      const usages = valid.filter((run) => run.client === client)
      const middle = (value: (usage: Usage) => number) => median(usages.map(({ usage }) => value(usage)))
      const ratio = (value: (usage: Usage) => number) =>
        median(usages.flatMap(({ round, usage }) => (base.has(round) ? [value(usage) / value(base.get(round)!)] : [])))
      const failed = own.find(({ usage }) => usage.status !== 0)
      const worst = Math.max(...own.map(({ verdict }) => Outputs.bad(verdict)))
      return [
        client.name,
        own.length,
        fixed(middle(wall), 2),
        fixed(middle(cpuSeconds), 2),
        fixed(middle(cpuSeconds) * scale, big ? 2 : 0),
        mebibytes(middle((usage) => usage.peakBytes)),
        fixed(ratio(cpuSeconds), 2),
        fixed(ratio(wall), 2),
        failed === undefined ? worst : `${worst}, exit ${failed.usage.status}`,
        client.note(workload)
      ]
    }),
    ["on or off"]
  )
}

/** Runs the comparison. `tell` hears what goes wrong, at once. */
export const run = async (
  workplace: Workplace,
  placement: Placement,
  installed: ReadonlyArray<Client>,
  workload: Workload,
  rounds: number,
  tell: (line: string) => void
): Promise<Report> => {
  const fitting = installed.filter(({ fits }) => fits?.(workload) !== false)
  const clients = fitting.filter((client) => client.unfit?.(workload) === undefined)
  const left = fitting.flatMap((client) => {
    const why = client.unfit?.(workload)
    return why === undefined ? [] : [`${client.name} left out: ${why}.`]
  })
  // What is served, and what one run saves.
  using room = workplace.reserve(workload.name, 2 * Workloads.occupied(workload), Workloads.requests(workload))
  await using server = await FileServer.start(workplace, workload, room)
  const lists = Workloads.writeLists(workload, server.origin, room.folder("lists"))
  const judge = Outputs.judge(workload, server)
  if (workplace.onTmpfs) workplace.touch(1.1 * Workloads.occupied(workload))
  const runs: Array<Run> = []
  for (let round = 0; round <= rounds; round++) {
    const turn = round === 0 ? clients.slice(0, 1) : rotate(clients, round - 1)
    for (const client of turn.filter((client) => round <= (client.rounds ?? rounds))) {
      const out = room.folder("out", String(runs.length))
      const command = client.command({ lists, out, jobs: workload.jobs, cacert: server.cacert })
      const usage = await measure(workplace, command, { cpus: placement.clients, cwd: workplace.environment["HOME"]! })
      const verdict = judge(out, round <= 1)
      if (workplace.onTmpfs) rmSync(out, { recursive: true })
      const made = { client, round, usage, verdict }
      runs.push(made)
      const { missing, wrong, extra } = verdict
      if (!good(made)) {
        tell(`round ${round}: ${client.name}: exit ${usage.status}, ${missing} missing, ${wrong} wrong, ${extra} extra`)
        tell(`  ${usage.said}`)
      }
    }
  }
  const requests = amount(Workloads.requests(workload), workload.bytes)
  return {
    title: `${workload.name}: ${requests}, ${workload.jobs} in flight (${workload.does})`,
    lines: [...rows(runs, clients, workload), "", `Server: ${server.name}.`, ...left],
    lost: !runs.every(good),
    data: runs.map(({ client, round, usage: { samples, ...usage }, verdict }) => ({
      client: client.name,
      round,
      ...usage,
      ...verdict
    }))
  }
}
