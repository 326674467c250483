/** The real command, killed with SIGKILL at a chosen instant; and what its store holds then. */
import * as Directory from "@simul/scraper/store/Directory"
import type { Entry } from "@simul/scraper/Store"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const command = join(import.meta.dirname, "../src/main.ts")

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export const randomOf = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** When to kill: so long after so many outcomes were told; as soon as a file has so many bytes, so while it grows; or when it is said. */
export type Kill =
  | { readonly outcomes: number; readonly afterMs: number }
  | { readonly file: string; readonly bytes: number }
  | { readonly when: () => Promise<boolean> }

/** Runs `simul get` or `simul crawl` into a directory to its end, or to its kill. `status` is null where it was killed. */
export const run = async (what: ReadonlyArray<string>, directory: string, kill?: Kill) => {
  const child = spawn(process.execPath, [command, ...what, "-o", directory, "-j", "12", "--per-host", "12", "--json"], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  let lines = 0
  let errors = ""
  let aimed = false
  const aim = () => {
    if (aimed || kill === undefined || !("outcomes" in kill) || lines < kill.outcomes) return
    aimed = true
    setTimeout(() => child.kill("SIGKILL"), kill.afterMs)
  }
  const watch =
    kill !== undefined && "bytes" in kill
      ? setInterval(() => {
          if ((fs.statSync(kill.file, { throwIfNoEntry: false })?.size ?? -1) >= kill.bytes) child.kill("SIGKILL")
        }, 1)
      : undefined
  child.stdout.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines++
    aim()
  })
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk))
  aim()
  let ended = false
  const told = async (when: () => Promise<boolean>) => {
    while (!ended && !(await when())) await sleep(5)
    child.kill("SIGKILL")
  }
  const telling = kill !== undefined && "when" in kill ? told(kill.when) : undefined
  const [status] = (await once(child, "close")) as [number | null]
  ended = true
  clearInterval(watch)
  await telling
  return { status, errors }
}

/** Every row of a directory's store; none where it was killed before there was one. */
export const read = (directory: string): Promise<ReadonlyArray<Entry>> =>
  fs.existsSync(join(directory, ".simul", "store.sqlite"))
    ? Effect.runPromise(
        Effect.scoped(Effect.flatMap(Directory.read(directory), ({ entries }) => Stream.runCollect(entries))).pipe(
          // killed before the first commit: no table yet
          Effect.catchTag("StoreDamaged", () => Effect.succeed([]))
        )
      )
    : Promise.resolve([])

/** The saved ones among them. */
export const savedIn = (entries: ReadonlyArray<Entry>) =>
  entries.flatMap((entry) => ("outcome" in entry && entry.outcome._tag === "Saved" ? [entry.outcome] : []))
