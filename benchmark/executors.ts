/**
 * Core's executors beside other pools, bare threads and CPython's: `node benchmark/executors.ts [--only ROW] [--rounds N]`.
 *
 * Every contender is measured in a process of its own for each row, in turn, round by round. A table for each row, then the one
 * that sums up (packages/core/README.md has it), go to stdout as Markdown; what happens meanwhile goes to stderr.
 * Needs Linux. Exit status: 0; 1 when a contender failed; 2 usage; 130 interrupted.
 */
import { cpus, loadavg } from "node:os"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { spawnSync } from "node:child_process"
import type { Contender, RowName } from "./executors/Contender.ts"
import { contenders as pools } from "./executors/Contender.ts"
import type { Figures, Row } from "./executors/Row.ts"
import { rows as allRows } from "./executors/Row.ts"
import { fixed, median, table } from "./Table.ts"
import { rotate } from "./Turns.ts"
import * as Arguments from "./Arguments.ts"
import * as Workplace from "./Workplace.ts"

const names = allRows.map(({ name }) => name)
const { rounds, rows } = Arguments.settings(
  {
    text: `usage: node benchmark/executors.ts [--only ROW]... [--rounds N]
  --only ROW   this row alone; may repeat: ${names.join(", ")}
  --rounds N   how often each contender runs [5]`,
    options: { rounds: { type: "string", default: "5" }, only: { type: "string", multiple: true, default: [] } }
  },
  ({ rounds, only }) => {
    const chosen = only.map((name) => Arguments.one("row", name, names))
    return {
      rounds: Arguments.whole("rounds", rounds),
      rows: allRows.filter(({ name }) => chosen.length === 0 || chosen.includes(name))
    }
  }
)

type Entrant = Omit<Contender, "load"> & { readonly command: (row: RowName) => ReadonlyArray<string> }

const path = (file: string) => fileURLToPath(new URL(`executors/${file}`, import.meta.url))

const python = spawnSync("python3", ["-c", "import sys; print(sys.executable); print(sys.version.split()[0])"], {
  encoding: "utf8"
})
const [interpreter = "", version = ""] = python.status === 0 ? python.stdout.trim().split("\n") : []

const cpython = (kind: Contender["kind"]): Entrant => ({
  name: `CPython ${version}, ${kind === "thread" ? "`ThreadPoolExecutor`" : "`ProcessPoolExecutor`"}`,
  kind,
  by: "reference",
  // threads cannot be killed, and share what others copy
  lacks: ["bootCached", "kill", "move", "buffers", ...(kind === "thread" ? (["copy", "crash"] as const) : [])],
  command: (row) => [interpreter, path("cpython.py"), row, kind]
})

const entrants: ReadonlyArray<Entrant> = [
  ...pools.map((pool) => ({
    ...pool,
    command: (row: RowName) => [process.execPath, "--expose-gc", path("measure.ts"), row, pool.name]
  })),
  ...(interpreter === "" ? [] : [cpython("thread"), cpython("process")])
]

const takes = (row: Row) => (entrant: Entrant) =>
  (entrant.rows?.includes(row.name) ?? true) &&
  entrant.lacks?.includes(row.name) !== true &&
  (row.alone !== true || entrant.by === "Simul")

const tell = (line: string) => console.error(line)
const timeoutMs = 180_000

const measure = async (entrant: Entrant, row: Row): Promise<Figures | undefined> => {
  const child = workplace.start(entrant.command(row.name), { cwd: workplace.root, stdio: ["ignore", "pipe", "pipe"] })
  // its workers may outlive it, and hold the pipes open
  child.once("exit", () => Workplace.endGroup(child.pid!))
  const timer = setTimeout(() => Workplace.endGroup(child.pid!), timeoutMs)
  const [said, complained] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  clearTimeout(timer)
  try {
    return JSON.parse(said, (_, value) => (value === "never" ? Infinity : value))
  } catch {
    tell(`error: ${entrant.name}, ${row.name}: ${complained.trim().split("\n").at(-1) || "no figures"}`)
    process.exitCode = 1
    return undefined
  }
}

/** Figures of a row by contender, one for each round that gave some. */
type Results = ReadonlyMap<Entrant, ReadonlyArray<Figures | undefined>>

const values = (results: Results, entrant: Entrant, column: string): ReadonlyArray<number> =>
  (results.get(entrant) ?? []).map((figures) => figures?.[column] ?? NaN)
const middle = (results: Results, entrant: Entrant, column: string): number =>
  median(values(results, entrant, column).filter((value) => !Number.isNaN(value)))

/** The peer of a kind that is best at a row. */
const bestPeer = (row: Row, results: Results, kind: Contender["kind"]): Entrant | undefined => {
  const peers = [...results.keys()].filter((entrant) => entrant.by === "peer" && entrant.kind === kind)
  const sign = row.better === "more" ? -1 : 1
  return peers.toSorted((one, other) => {
    const [a, b] = [one, other].map((peer) => middle(results, peer, row.columns[0]!))
    return a === b ? 0 : sign * (a! - b!)
  })[0]
}

/** How many times as good as another: the median of the ratios within each round. */
const times = (row: Row, results: Results, entrant: Entrant, other: Entrant | undefined): number => {
  if (other === undefined) return NaN
  const [own, others] = [entrant, other].map((one) => values(results, one, row.columns[0]!))
  const ratios = own!.map((value, i) => (row.better === "more" ? value / others![i]! : others![i]! / value))
  return median(ratios.filter((ratio) => !Number.isNaN(ratio)))
}

const show = (value: number): string => {
  if (value === Infinity) return "never"
  if (Number.isNaN(value)) return "–"
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en")
  return fixed(value, Math.abs(value) >= 20 || Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 2 : 1)
}
const showTimes = (ratio: number): string => (Number.isNaN(ratio) ? "–" : ratio === Infinity ? "∞" : fixed(ratio, 2))

const detail = (row: Row, results: Results): ReadonlyArray<string> => {
  const lines = [...results.keys()].map((entrant) => [
    entrant.name,
    ...row.columns.map((column) => show(middle(results, entrant, column))),
    showTimes(times(row, results, entrant, bestPeer(row, results, entrant.kind)))
  ])
  return table(`pool | ${row.columns.join(" | ")} | x best peer`, lines)
}

/** The figures of a contender in one cell. */
const cell = (row: Row, results: Results, entrant: Entrant | undefined): string => {
  if (entrant === undefined || !results.has(entrant)) return "–"
  const figures = row.columns.map((column) => middle(results, entrant, column))
  return figures.map(show).join(" · ")
}

const summary = (measured: ReadonlyArray<readonly [Row, Results]>): ReadonlyArray<string> => {
  const lines = measured.map(([row, results]) => {
    const cells = (["thread", "process"] as const).flatMap((kind) => {
      const own = [...results.keys()].find((entrant) => entrant.by === "Simul" && entrant.kind === kind)
      const peer = bestPeer(row, results, kind)
      const ratio = own === undefined ? NaN : times(row, results, own, peer)
      return [
        cell(row, results, own),
        peer === undefined ? "–" : `${cell(row, results, peer)} (${peer.name})`,
        showTimes(ratio)
      ]
    })
    const python = [...results.keys()].find(({ name, kind }) => kind === "process" && name.startsWith("CPython"))
    return [`${row.title}: ${row.columns.join(" · ")}`, ...cells, cell(row, results, python)]
  })
  return table("what | threads | best other | x | processes | best other | x | CPython's processes", lines)
}

const workplace = Workplace.make()
if (interpreter === "") tell("skipped: CPython, for there is no python3 on the PATH")

const measured = new Map<Row, Map<Entrant, Array<Figures | undefined>>>()
const loads: Array<number> = []

// whoever is interrupted sees what there is
process.once("exit", () => {
  for (const [row, results] of measured) console.log(`### ${row.title}\n\n${detail(row, results).join("\n")}\n`)
  const machine = `Node ${process.versions.node}, ${cpus().length} CPUs (${cpus()[0]?.model.trim()})`
  console.log(`${machine}, median of ${rounds} rounds, load ${fixed(median(loads), 1)}.\n`)
  console.log(summary([...measured]).join("\n"))
})

for (let round = 0; round < rounds; round++)
  for (const row of rows) {
    if (round >= (row.rounds ?? Infinity)) continue
    const results = measured.get(row) ?? new Map<Entrant, Array<Figures | undefined>>()
    measured.set(row, results)
    const some = entrants.filter(takes(row))
    for (const entrant of some) if (!results.has(entrant)) results.set(entrant, [])
    tell(`round ${round + 1} of ${rounds}: ${row.name}`)
    for (const entrant of rotate(some, round)) results.get(entrant)!.push(await measure(entrant, row))
    loads.push(loadavg()[0]!)
  }
