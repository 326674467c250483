/**
 * What `simul get --timeline` costs: `node benchmark/timeline.ts [--rounds N] [--quick] [URLS...]`, lists of 10,000 and 50,000.
 *
 * The published program fetches a list of 10 KiB pages with and without it, in turn; a ratio is the median of those
 * within rounds, of the CPU time of whole processes, start-up included. Then the same from sources, in parts: a run with
 * its recorder less a run without; reading the recorder; making the page; writing it.
 * Exit status: 0; 1 when a run failed; 2 usage.
 */
import { rmSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Bundle from "./Bundle.ts"
import { simulCommand } from "./Client.ts"
import * as FileServer from "./FileServer.ts"
import * as Machine from "./Machine.ts"
import { cpuSeconds, measure } from "./Measurement.ts"
import { fixed, median, table } from "./Table.ts"
import * as Arguments from "./Arguments.ts"
import * as Workloads from "./Workload.ts"
import * as Workplace from "./Workplace.ts"

const lists = { "10000": Workloads.small, "50000": Workloads.small50 }
const { quick, rounds, chosen } = Arguments.settings(
  {
    text: `usage: node benchmark/timeline.ts [URLS...] [--rounds N] [--quick]
  URLS         ${Object.keys(lists).join(", ")}; default all
  --rounds N   how often each way runs [9]
  --quick      a tenth of the files, 2 rounds: to try the harness, not for figures`,
    words: { kind: "list of so many URLs:", among: Object.keys(lists) },
    options: { quick: { type: "boolean", default: false }, rounds: { type: "string" } }
  },
  ({ quick, rounds }, words) => ({
    quick,
    rounds: Arguments.whole("rounds", rounds ?? (quick ? "2" : "9")),
    chosen: Object.entries(lists).filter(([name]) => words.length === 0 || words.includes(name))
  })
)

const workplace = Workplace.make()
Bundle.build(workplace)
const placement = Machine.place()
console.log(
  `Machine: ${Machine.describe(placement, workplace.onTmpfs)}.\nNode ${process.versions.node}, ${rounds} rounds.`
)

for (const [name, whole] of chosen) {
  const workload = quick ? Workloads.quick(whole) : whole
  const requests = Workloads.requests(workload)
  using room = workplace.reserve(name, 4 * Workloads.occupied(workload), 4 * requests)
  await using server = await FileServer.start(workplace, workload, room)
  const urls = Workloads.writeLists(workload, server.origin, room.folder("lists"))
  const page = join(room.folder("pages"), "run.html")

  const run = async (command: ReadonlyArray<string>, out: string) => {
    const usage = await measure(workplace, command, { cpus: placement.clients, cwd: room.folder("work") })
    rmSync(out, { recursive: true })
    if (usage.status !== 0) throw new Error(`${command.join(" ")}: exit ${usage.status}: ${usage.said}`)
    return usage
  }
  const published = async (...more: ReadonlyArray<string>) => {
    const out = room.folder("out")
    return run([...simulCommand({ lists: urls, out, jobs: workload.jobs }), ...more], out)
  }
  const program = join(import.meta.dirname, "RecordedGet.ts")
  const fromSources = async (level: string) => {
    const out = room.folder("out")
    const { said } = await run([process.execPath, program, level, urls.urls, out, String(workload.jobs)], out)
    return JSON.parse(said) as Record<"cpuMs" | "readMs" | "renderMs" | "writeMs", number>
  }

  const found: Array<Record<string, number>> = []
  for (let round = 0; round <= rounds; round++) {
    const [without, recorded] = [await published(), await published("--timeline", page)]
    const [off, on] = [await fromSources("off"), await fromSources("targets")]
    // round 0 warms up
    if (round > 0)
      found.push({
        without: cpuSeconds(without) * 1e6,
        recorded: cpuSeconds(recorded) * 1e6,
        memory: recorded.peakBytes - without.peakBytes,
        off: off.cpuMs * 1000,
        recording: (on.cpuMs - off.cpuMs) * 1000,
        reading: on.readMs * 1000,
        rendering: on.renderMs * 1000,
        writing: on.writeMs * 1000
      })
  }
  const of = (part: string) => median(found.map((one) => one[part]!))
  const each = (part: string) => fixed(of(part) / requests, 1)
  const share = (part: string, whole: string) =>
    `${fixed(100 * median(found.map((one) => one[part]! / one[whole]!)), 1)} %`
  console.log(
    [
      `\n### ${requests} URLs\n`,
      ...table(
        "`simul get`, µs of CPU a URL | without | with `--timeline run.html` | ratio | page, KiB | memory, MiB more",
        [
          [
            workload.does,
            each("without"),
            each("recorded"),
            fixed(median(found.map((one) => one["recorded"]! / one["without"]!)), 3),
            fixed(statSync(page).size / 1024, 0),
            fixed(of("memory") / 2 ** 20, 1)
          ]
        ]
      ),
      "",
      ...table("part, from sources, start-up excluded | µs of CPU a URL | of the run without", [
        ["the run without", each("off"), ""],
        ...["recording", "reading", "rendering", "writing"].map((part) => [part, each(part), share(part, "off")])
      ])
    ].join("\n")
  )
}
