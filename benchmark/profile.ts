/**
 * Where the CPU time of `simul get` goes: `node benchmark/profile.ts [--quick]`.
 *
 * Runs `small50` as it is published, and under V8's sampling profiler with a readable bundle. The profiler makes
 * everything slower, so shares of the main thread come from the second run, and all sums from the first.
 * Exit status: 0; 1 when a run failed; 2 usage.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import * as Bundle from "./Bundle.ts"
import { simulCommand } from "./Client.ts"
import * as CpuProfile from "./CpuProfile.ts"
import * as FileServer from "./FileServer.ts"
import * as Machine from "./Machine.ts"
import { cpuSeconds, measure } from "./Measurement.ts"
import * as Outputs from "./Outputs.ts"
import { fixed, table } from "./Table.ts"
import * as Arguments from "./Arguments.ts"
import * as Workloads from "./Workload.ts"
import * as Workplace from "./Workplace.ts"

const workload = Arguments.settings(
  {
    text: `usage: node benchmark/profile.ts [--quick]
  --quick       a tenth of the files: to try the harness, not for figures`,
    options: { quick: { type: "boolean", default: false } }
  },
  ({ quick }) => (quick ? Workloads.quick(Workloads.small50) : Workloads.small50)
)
const requests = Workloads.requests(workload)

const workplace = Workplace.make()
Bundle.build(workplace)
// The client may use every CPU: on one alone its other threads would take turns with the one that is sampled.
const place = Machine.place()
const placement = { ...place, clients: place.all }
using room = workplace.reserve("profile", 4 * Workloads.occupied(workload), 4 * requests)
const readable = join(room.folder("bundle"), "simul.mjs")
Bundle.buildReadable(workplace, readable)
await using server = await FileServer.start(workplace, workload, room)
const lists = Workloads.writeLists(workload, server.origin, room.folder("lists"))
const judge = Outputs.judge(workload, server)
if (workplace.onTmpfs) workplace.touch(2.5 * Workloads.occupied(workload))

const get = async (name: string, ...program: ReadonlyArray<string>) => {
  const out = room.folder(name)
  const command = simulCommand({ lists, out, jobs: workload.jobs }, program)
  const usage = await measure(workplace, command, { cpus: placement.clients, cwd: room.folder("work") })
  const bad = Outputs.bad(judge(out, false))
  if (usage.status === 0 && bad === 0) return usage
  throw new Error(`${name}: exit ${usage.status}, ${bad} bad files: ${usage.said}`)
}
await get("warm", Bundle.published)
const plain = await get("plain", Bundle.published)
const profiles = room.folder("profiles")
const profiled = await get("profiled", "--cpu-prof", "--cpu-prof-dir", profiles, readable)
const [profile] = readdirSync(profiles)
const { ranSeconds, queuedSeconds } = profiled.mainThread
const parts = CpuProfile.byStage(join(profiles, profile!), `${readable}.map`, ranSeconds + queuedSeconds)

const perUrl = (cpuSeconds(plain) * 1e6) / requests
const mainShare = Math.min(1, plain.mainThread.ranSeconds / cpuSeconds(plain))
const sampled = parts.reduce((sum, { seconds }) => sum + seconds, 0)

const shares = (key: (part: (typeof parts)[number]) => string | undefined) => {
  const sums = new Map<string, number>()
  for (const part of parts) {
    const name = key(part)
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + (part.seconds / sampled) * mainShare)
  }
  return sums
}
const show = (head: string, sums: ReadonlyMap<string, number>, least: number) => {
  const rows = [...sums].filter(([, share]) => share >= least).toSorted(([, one], [, other]) => other - one)
  const cells = rows.map(([name, share]) => [name, fixed(share * perUrl, 1), `${fixed(share * 100, 1)} %`])
  console.log(`${table(`${head} | CPU µs/URL | share`, cells).join("\n")}\n`)
}

console.log(`Machine: ${Machine.describe(placement, workplace.onTmpfs)}.
Node ${process.versions.node}; ${requests} URLs, ${workload.jobs} in flight; server: ${server.name}.
${fixed(perUrl, 1)} µs of CPU for each URL: ${fixed((plain.userSeconds * 1e6) / requests, 1)} user, ${fixed((plain.systemSeconds * 1e6) / requests, 1)} system; ${fixed((cpuSeconds(profiled) * 1e6) / requests, 1)} under the profiler.
`)
const others = "other threads: collector's helpers, compiler, thread pool"
show("stage", shares(({ stage }) => stage).set(others, 1 - mainShare), 0.0005)
show(
  "our modules from 0.5 %",
  shares(({ module }) => module),
  0.005
)
