/**
 * Nothing is lost: the real command, killed with SIGKILL again and again at
 * seeded instants, ends where an undisturbed run ends.
 *
 * `SEEDS=500 SEED=1000 pnpm --filter cli test test/Crash.test.ts` runs 500 seeds
 * from 1000 on; a failure names its seed.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Site, SiteProcess } from "@simul/scraper/testing"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomOf, read, run, savedIn } from "./Killed.ts"

const seeds = Number(process.env["SEEDS"] ?? 20)
const firstSeed = Number(process.env["SEED"] ?? 1)

const pathsOf = (seed: number) =>
  Array.from({ length: 160 }, (_, index) => {
    const name = `${seed}/${index}`
    switch (index % 16) {
      case 3:
        return `/cut-once/600000/${100_000 + 3000 * index}/${name}.bin`
      case 6:
        return `/retry-after/0/1/503/bytes/2000/${name}.html`
      case 9:
        return `/encoded/gzip/30000/${name}.html`
      case 12:
        return `/redirect/2/bytes/500/${name}`
      case 15:
        return `/drip/2000/0/${name}.txt`
      default:
        return `/bytes/10240/${name}.html`
    }
  })

const root = fs.mkdtempSync(join(tmpdir(), "simul-crash-"))
let site: SiteProcess.SiteProcess
beforeAll(async () => {
  site = await SiteProcess.start({ latencyMs: 3, log: join(root, "requests.log") })
})
afterAll(async () => {
  await site.close()
  fs.rmSync(root, { recursive: true })
})

const finalFiles = (directory: string) =>
  !fs.existsSync(directory)
    ? []
    : fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes(".simul"))
        .map((entry) => join(entry.parentPath, entry.name))

describe("simul get, killed at any instant", () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    it(`ends as an undisturbed run does (seed ${seed})`, { timeout: 120_000 }, async () => {
      const random = randomOf(seed)
      const paths = pathsOf(seed)
      const directory = join(root, `${seed}`)
      const list = join(root, `${seed}.txt`)
      fs.writeFileSync(list, paths.map((path) => `${site.url(path)}\n`).join(""))
      const bodies = new Set(paths.map((path) => Site.body(path).toString("latin1")))
      const pathOf = new Map(paths.map((path) => [site.url(path), path]))

      /** URLs that were saved, with the length of the server's log at that time. */
      const savedAt = new Map<string, number>()
      const kills = 1 + Math.floor(random() * 3)
      for (let i = 0; i < kills; i++) {
        await run(["get", "-i", list], directory, {
          outcomes: Math.floor(random() * 120),
          afterMs: Math.floor(random() * 30)
        })
        const requests = site.requests().length
        for (const { url } of savedIn(await read(directory))) if (!savedAt.has(url)) savedAt.set(url, requests)
        for (const file of finalFiles(directory))
          assert.isTrue(bodies.has(fs.readFileSync(file, "latin1")), `seed ${seed}: ${file} is not whole`)
      }

      const { status, errors } = await run(["get", "-i", list], directory)
      assert.strictEqual(status, 0, `seed ${seed}: ${errors}`)
      const entries = await read(directory)
      assert.strictEqual(entries.length, paths.length, `seed ${seed}: one row each`)
      const saved = savedIn(entries)
      assert.strictEqual(saved.length, paths.length, `seed ${seed}: one outcome each`)
      for (const { url, path } of saved)
        assert.isTrue(
          fs.readFileSync(join(directory, path)).equals(Site.body(pathOf.get(url)!)),
          `seed ${seed}: ${path} has other bytes`
        )
      assert.strictEqual(finalFiles(directory).length, paths.length, `seed ${seed}: no other files`)
      assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [], `seed ${seed}: no parts left`)

      const requests = site.requests()
      for (const [url, length] of savedAt) {
        const again = requests.slice(length).filter((request) => request.path === pathOf.get(url))
        assert.strictEqual(again.length, 0, `seed ${seed}: ${url} was saved and asked again`)
      }
    })
  }
})
