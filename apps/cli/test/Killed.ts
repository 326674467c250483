/** The real command, killed with SIGKILL at chosen instants; and what its store holds then. */
import { afterAll, assert, beforeAll } from "@effect/vitest"
import * as Directory from "@simul/scraper/store/Directory"
import type { Entry } from "@simul/scraper/Store"
import { SiteProcess } from "@simul/scraper/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const command = join(import.meta.dirname, "../src/main.ts")

/** The seeds to try, or a `share` of them: `SEEDS` (`count`) from `SEED` (1) on. */
export const seeds = (count: number, share = 1): ReadonlyArray<number> => {
  const first = Number(process.env["SEED"] ?? 1)
  return Array.from({ length: Math.ceil(Number(process.env["SEEDS"] ?? count) * share) }, (_, index) => first + index)
}

/** What the tests of one file have: a folder, and a site in a process of its own while they run. */
interface Place {
  readonly root: string
  readonly site: SiteProcess.SiteProcess
}

export const place = (name: string, latencyMs = 0): Place => {
  const root = fs.mkdtempSync(join(tmpdir(), `simul-${name}-`))
  let site: SiteProcess.SiteProcess
  beforeAll(async () => {
    site = await SiteProcess.start({ latencyMs, log: join(root, "requests.log") })
  })
  afterAll(async () => {
    await site.close()
    fs.rmSync(root, { recursive: true })
  })
  return {
    root,
    get site() {
      return site
    }
  }
}

/**
 * When to kill: so long after so many outcomes were told; as soon as a file has so many bytes, so while it grows; or
 * when it is said.
 */
type Kill =
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
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(Directory.read(directory), ({ entries }) => Stream.runCollect(entries))).pipe(
      Effect.catchTag("NoStore", () => Effect.succeed([]))
    )
  )

/** The saved ones among them. */
export const savedIn = (entries: ReadonlyArray<Entry>) =>
  entries.flatMap((entry) => ("outcome" in entry && entry.outcome._tag === "Saved" ? [entry.outcome] : []))

/**
 * Runs it once to three times to a kill, then to its end, and asserts that this is a good one, with nothing asked for again
 * that was saved. `look` sees what was saved at each kill. Gives every row.
 */
export const throughKills = async (
  { site }: Place,
  random: () => number,
  what: ReadonlyArray<string>,
  directory: string,
  kill: () => Kill,
  look: (saved: ReturnType<typeof savedIn>) => unknown = () => {}
) => {
  /** URLs that were saved, with the length of the server's log at that time. */
  const savedAt = new Map<string, number>()
  for (let kills = 1 + Math.floor(random() * 3); kills > 0; kills--) {
    await run(what, directory, kill())
    const requests = site.requests().length
    const saved = savedIn(await read(directory))
    await look(saved)
    for (const { url } of saved) if (!savedAt.has(url)) savedAt.set(url, requests)
  }
  const { status, errors } = await run(what, directory)
  assert.strictEqual(status, 0, errors)
  const requests = site.requests()
  for (const [url, length] of savedAt) {
    const second = requests.slice(length).filter(({ path }) => site.url(path) === url)
    assert.deepStrictEqual(second, [], `${url} was saved and asked again`)
  }
  return read(directory)
}
