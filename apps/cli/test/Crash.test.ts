/**
 * Nothing is lost: the real command, killed with SIGKILL again and again at
 * seeded instants, ends where an undisturbed run ends.
 *
 * `SEEDS=500 SEED=1000 pnpm --filter cli test test/Crash.test.ts` runs 500 seeds
 * from 1000 on; a failure names its seed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import { Site } from "@simul/scraper/testing"
import * as fs from "node:fs"
import { join } from "node:path"
import { place, savedIn, seeds, throughKills } from "./Killed.ts"

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

const here = place("crash", 3)
const { root } = here

const finalFiles = (directory: string) =>
  !fs.existsSync(directory)
    ? []
    : fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes(".simul"))
        .map((entry) => join(entry.parentPath, entry.name))

describe("simul get, killed at any instant", () => {
  for (const seed of seeds(20)) {
    it(`ends as an undisturbed run does (seed ${seed})`, async () => {
      const { site } = here
      const random = Randomness.make(seed)
      const paths = pathsOf(seed)
      const directory = join(root, `${seed}`)
      const list = join(root, `${seed}.txt`)
      fs.writeFileSync(list, paths.map((path) => `${site.url(path)}\n`).join(""))
      const flags = seed % 2 === 0 ? [] : ["--flat"]
      const bodies = new Set(paths.map((path) => Site.body(path).toString("latin1")))
      const pathOf = new Map(paths.map((path) => [site.url(path), path]))

      const kill = () => ({ outcomes: Math.floor(random() * 120), afterMs: Math.floor(random() * 30) })
      const entries = await throughKills(here, random, ["get", "-i", list, ...flags], directory, kill, () => {
        for (const file of finalFiles(directory))
          assert.isTrue(bodies.has(fs.readFileSync(file, "latin1")), `seed ${seed}: ${file} is not whole`)
      })
      assert.strictEqual(entries.length, paths.length, `seed ${seed}: one row each`)
      const saved = savedIn(entries)
      assert.strictEqual(saved.length, paths.length, `seed ${seed}: one outcome each`)
      for (const { url, path } of saved)
        assert.isTrue(
          fs.readFileSync(join(directory, path)).equals(Site.body(pathOf.get(url)!)),
          `seed ${seed}: ${path} has other bytes`
        )
      if (flags.length > 0)
        assert.deepStrictEqual(
          saved.filter(({ path }) => path.includes("~")),
          [],
          `seed ${seed}`
        )
      assert.strictEqual(finalFiles(directory).length, paths.length, `seed ${seed}: no other files`)
      assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [], `seed ${seed}: no parts left`)
    })
  }
})
