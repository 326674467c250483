/**
 * A CPU profile as V8 writes it, told by stage: whose work each sample caught. Functions of a bundle are traced to
 * their sources by its map. A native function counts for the JavaScript that called it.
 */
import { readFileSync } from "node:fs"
import { SourceMap } from "node:module"
import type { SourceMapPayload } from "node:module"

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
  readonly columnNumber: number
}

interface Profile {
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: CallFrame
    readonly children?: ReadonlyArray<number>
  }>
  readonly samples: ReadonlyArray<number>
  /** Microseconds since the sample before. */
  readonly timeDeltas: ReadonlyArray<number>
}

/** Whose work it is. `module`: the file, for our own stages. */
interface Stage {
  readonly stage: string
  readonly module?: string
}

const eventLoop = "event loop, socket reads"

/** By the source of a function, a URL or a path; the first that matches. */
const places: ReadonlyArray<readonly [RegExp, string]> = [
  [/^node:(internal\/)?fs/, "files (node:fs)"],
  [/^node:internal\/crypto/, "hashing"],
  [/^node:(net|dns|tls|_http|internal\/(net|dns|stream_base_commons|streams|http))/, "sockets (node:net)"],
  [/^node:/, "Node, other"],
  [/node_modules\/undici\/|^wasm:/, "undici"],
  [/node_modules\/effect\//, "Effect"],
  [/node_modules\//, "other packages"],
  // V8 does not name the native functions of node:sqlite: their time stands with who calls them.
  [/src\/store\/NodeSqlite\.ts$/, "SQLite"],
  [/src\/session\/lane\//, "ours: HTTP/1.1 lane"],
  [/src\/session\//, "ours: session"],
  [/src\/store\//, "ours: store"],
  [/./, "ours: the line and the rest"]
]

const at = (source: string): Stage => {
  const stage = places.find(([pattern]) => pattern.test(source))?.[1] ?? eventLoop
  return stage.startsWith("ours") ? { stage, module: source.replace(/^.*?((packages|apps)\/)/, "$1") } : { stage }
}

/** What V8 names itself: neither JavaScript nor called by it. */
const states: Readonly<Record<string, Stage>> = {
  "(garbage collector)": { stage: "garbage collector" },
  "(program)": { stage: eventLoop },
  // Node says that it is idle before it polls, and libuv reads the sockets inside of its poll.
  "(idle)": { stage: eventLoop }
}

/**
 * Seconds by stage and module. `readySeconds`: how long the sampled thread was on a CPU or waited for one, by the
 * kernel's count: it tells how much of the polling was work. `mapPath`: the map of the bundle.
 */
export const byStage = (
  profilePath: string,
  mapPath: string,
  readySeconds: number
): ReadonlyArray<Stage & { readonly seconds: number }> => {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(profilePath, "utf8")) as Profile
  const map = new SourceMap(JSON.parse(readFileSync(mapPath, "utf8")) as SourceMapPayload)
  const source = ({ url, lineNumber, columnNumber }: CallFrame): string => {
    if (!url.startsWith("file:")) return url
    const entry = map.findEntry(lineNumber, columnNumber)
    return "originalSource" in entry ? entry.originalSource : url
  }
  const own = new Map(nodes.map(({ id }) => [id, 0]))
  let all = 0
  samples.forEach((id, index) => {
    const seconds = Math.max(0, timeDeltas[index]!) / 1e6
    own.set(id, own.get(id)! + seconds)
    all += seconds
  })
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === "(idle)")?.id
  if (idle !== undefined) {
    const polling = own.get(idle)!
    own.set(idle, Math.min(polling, Math.max(0, readySeconds - (all - polling))))
  }

  const known = new Map(nodes.map((node) => [node.id, node]))
  const total = new Map<string, Stage & { readonly seconds: number }>()
  const visit = (id: number, caller: Stage): void => {
    const { callFrame, children = [] } = known.get(id)!
    const stage = callFrame.url === "" ? (states[callFrame.functionName] ?? caller) : at(source(callFrame))
    const key = `${stage.stage} ${stage.module}`
    total.set(key, { ...stage, seconds: (total.get(key)?.seconds ?? 0) + own.get(id)! })
    for (const child of children) visit(child, stage)
  }
  visit(nodes[0]!.id, { stage: eventLoop })
  return [...total.values()]
}
