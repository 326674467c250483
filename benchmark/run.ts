/**
 * Compares `simul get` with its peers: `node benchmark/run.ts [WORKLOAD...] [--rounds N] [--quick] [--json FILE]`.
 *
 * Builds the program first. Prints a Markdown table for each workload on stdout, and what happens meanwhile on stderr.
 * Exit status: 0; 1 when a run failed, lost or damaged a file, or could not be made; 2 usage; 130 interrupted.
 */
import { writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import * as Bundle from "./Bundle.ts"
import * as Client from "./Client.ts"
import * as Comparison from "./Comparison.ts"
import * as Machine from "./Machine.ts"
import * as Million from "./Million.ts"
import type { Report } from "./Report.ts"
import * as Startup from "./Startup.ts"
import * as Arguments from "./Arguments.ts"
import * as Workloads from "./Workload.ts"
import * as Workplace from "./Workplace.ts"

const compared = [
  Workloads.small,
  Workloads.small50,
  Workloads.tls,
  Workloads.medium,
  Workloads.large,
  Workloads.latency
]
const names = [...compared, Workloads.million, Workloads.single].map(({ name }) => name)

const text = `usage: node benchmark/run.ts [WORKLOAD...] [--rounds N] [--quick] [--json FILE]
  WORKLOAD      ${names.join(", ")}; default all
  --rounds N    how often each client runs [5]
  --quick       a tenth of the files, 2 rounds: to try the harness, not for figures
  --json FILE   every run, with all that was measured`

const tell = (line: string) => console.error(line)

const settings = () =>
  Arguments.settings(
    {
      text,
      words: { kind: "workload", among: names },
      options: {
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        json: { type: "string" }
      }
    },
    ({ rounds, quick, json }, words) => ({
      quick,
      json,
      rounds: Arguments.whole("rounds", rounds ?? (quick ? "2" : "5")),
      chosen: words.length === 0 ? names : words
    })
  )

/** The load average from which on other programs are in the way. */
const busy = 0.5

const main = async (): Promise<boolean> => {
  const { chosen, quick, rounds, json } = settings()
  if (process.platform !== "linux") throw new Error("the benchmark reads /proc: it needs Linux")
  const workplace = Workplace.make()
  Bundle.build(workplace)
  const { clients, absent } = Client.find(workplace)
  const simul = clients.find(({ name }) => name === "simul")
  if (simul === undefined) throw new Error(`${Bundle.published} does not start`)
  const placement = Machine.place()
  const machine = Machine.describe(placement, workplace.onTmpfs)
  const versions = [`Node ${process.versions.node}`, ...clients.map(({ name, version }) => `${name} ${version}`)]
  console.log(`Machine: ${machine}.\nVersions: ${versions.join(", ")}.`)
  if (absent.length > 0) console.log(`Not installed: ${absent.join(", ")}.`)
  const [load = 0] = loadavg()
  if (load > busy) console.log(`Busy: load average ${load.toFixed(1)} at the start; do not trust wall times.`)
  if (quick) console.log("Quick: a tenth of the files; not for figures.")
  const sized = quick ? Workloads.quick : (workload: Workloads.Workload) => workload

  const measureOne = (name: string): Promise<Report> => {
    if (name === Workloads.single.name) return Startup.run(workplace, placement, clients, quick ? 5 : 20, tell)
    if (name === Workloads.million.name) return Million.run(workplace, placement, simul, sized(Workloads.million), tell)
    const workload = compared.find((workload) => workload.name === name)!
    return Comparison.run(workplace, placement, clients, sized(workload), rounds, tell)
  }
  const reports: Array<Report> = []
  for (const name of chosen) {
    tell(`${name} ...`)
    const report = await measureOne(name).catch((error: unknown) => {
      if (error instanceof Workplace.NoRoom) return error
      throw error
    })
    if (report instanceof Workplace.NoRoom) {
      console.log(`\n### ${name}\n\nLeft out: ${report.message}.`)
      continue
    }
    console.log(`\n### ${report.title}\n\n${report.lines.join("\n")}`)
    reports.push(report)
    // After each workload, so that what was measured outlives an interruption.
    if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, versions, reports }, undefined, 1)}\n`)
  }
  return reports.every(({ lost }) => !lost)
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  tell(`error: ${(error as Error).message}`)
  process.exitCode = 1
}
