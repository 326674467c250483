/** Whether a client saved what was served: every file, whole, and nothing else. */
import { createHash, hash } from "node:crypto"
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs"
import { join } from "node:path"
import type { FileServer } from "./FileServer.ts"
import type { Item, Workload } from "./Workload.ts"
import * as Workloads from "./Workload.ts"

/** How many files were not there, differed, or were not asked for. */
export interface Verdict {
  readonly missing: number
  readonly wrong: number
  readonly extra: number
}

/** How many of them there are: 0 is right. */
export const bad = ({ missing, wrong, extra }: Verdict): number => missing + wrong + extra

/** Those that a client saved, in its folder and below. */
export function* files(folder: string): Generator<{ readonly name: string; readonly path: string }> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    // Hidden folders hold the state of a client.
    if (entry.name.startsWith(".")) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* files(path)
    else yield { name: entry.name, path }
  }
}

const digest = (path: string, bytes: number): string => {
  if (bytes <= Workloads.mebibyte) return hash("sha256", readFileSync(path))
  const whole = createHash("sha256")
  const piece = Buffer.allocUnsafe(4 * Workloads.mebibyte)
  const descriptor = openSync(path, "r")
  for (let length = 1; length > 0;) {
    length = readSync(descriptor, piece)
    whole.update(piece.subarray(0, length))
  }
  closeSync(descriptor)
  return whole.digest("hex")
}

/** Makes the judge of a workload. `content`: compare the sha256 too, not only names and sizes. */
export const judge = (workload: Workload, server: FileServer) => {
  const known = new Map<string, string>()
  const expected = (item: Item): string => {
    const path = server.contentOf(item)
    let sum = known.get(path)
    if (sum === undefined) known.set(path, (sum = Workloads.digest(path, workload.bytes)))
    return sum
  }
  return (out: string, content: boolean): Verdict => {
    const wanted = new Map<string, Item>()
    for (const item of Workloads.items(workload)) wanted.set(item.name, item)
    let wrong = 0
    let extra = 0
    for (const { name, path } of files(out)) {
      const item = wanted.get(name)
      if (item === undefined) {
        extra++
        continue
      }
      wanted.delete(name)
      const whole = statSync(path).size === workload.bytes
      if (!whole || (content && digest(path, workload.bytes) !== expected(item))) wrong++
    }
    return { missing: wanted.size, wrong, extra }
  }
}
