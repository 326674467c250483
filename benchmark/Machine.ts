/** What the figures were taken on, and on which of its CPUs. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { cpus, release, totalmem } from "node:os"

/** CPUs, as taskset(1) takes them. */
export interface Placement {
  readonly all: string
  readonly clients: string
  readonly servers: string
}

/** The CPUs that this process may use, in order. */
const allowed = (): ReadonlyArray<number> => {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** Moves this process, and with it the servers that it will start, to a CPU that the clients do not get, if there is one. */
export const place = (): Placement => {
  const all = allowed()
  const clients = String(all[0])
  const servers = String(all[1] ?? all[0])
  execFileSync("taskset", ["-a", "-c", "-p", servers, String(process.pid)], { stdio: "ignore" })
  return { all: all.join(","), clients, servers }
}

export const describe = ({ all, clients, servers }: Placement, onTmpfs: boolean): string => {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  const outputs = onTmpfs ? "a tmpfs" : "a disk"
  const model = cpus()[0]?.model.trim() ?? "unknown"
  return (
    `${all.split(",").length} CPUs (${model}), ${gibibytes} GiB, Linux ${release()}; ` +
    `clients on CPU ${clients}, servers on CPU ${servers}, outputs on ${outputs}`
  )
}
