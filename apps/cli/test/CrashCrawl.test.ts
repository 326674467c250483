/**
 * A crawl ends as if nothing had happened: the real command, killed with SIGKILL
 * again and again at seeded instants, with half of its pages known only by links
 * of the other half. What a host asked for before a kill holds after it.
 *
 * `SEEDS=100 SEED=1000 pnpm --filter cli test test/CrashCrawl.test.ts` runs 100
 * seeds from 1000 on; a failure names its seed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import { Site } from "@simul/scraper/testing"
import * as fs from "node:fs"
import { join } from "node:path"
import { place, read, run, savedIn, seeds, throughKills } from "./Killed.ts"

/** Each page links to so many, so often. */
const width = 5
const depth = 3

/** All pages of the tree. */
const paths: ReadonlyArray<string> = (() => {
  let level = [`/tree/${width}/${depth}`]
  const all = [...level]
  for (let down = 0; down < depth; down++) {
    level = level.flatMap((path) => Array.from({ length: width }, (_, index) => `${path}/${index}`))
    all.push(...level)
  }
  return all
})()

const here = place("crash-crawl", 3)
const { root } = here

describe("simul crawl, killed at any instant", () => {
  for (const seed of seeds(6)) {
    it(`has every page in the end, and asks for none that was saved again (seed ${seed})`, async () => {
      const { site } = here
      const random = Randomness.make(seed)
      const directory = join(root, `${seed}`)
      const what = ["crawl", site.url(paths[0]!)]

      const kill = () => ({ outcomes: Math.floor(random() * 120), afterMs: Math.floor(random() * 60) })
      const entries = await throughKills(here, random, what, directory, kill)
      const saved = savedIn(entries)
      assert.strictEqual(entries.length, saved.length, `seed ${seed}: nothing but saved pages`)
      const found = saved.map(({ url }) => new URL(url).pathname)
      assert.sameMembers(found, [...paths], `seed ${seed}: every page once`)
      for (const { url, path } of saved)
        assert.isTrue(
          fs.readFileSync(join(directory, path)).equals(Site.body(new URL(url).pathname)),
          `seed ${seed}: ${path} has other bytes`
        )
      fs.rmSync(directory, { recursive: true })
    })
  }

  for (const seed of seeds(6, 1 / 6)) {
    it(`has no more of a host than it may, whenever it is killed (seed ${seed})`, { timeout: 600_000 }, async () => {
      const { site } = here
      const random = Randomness.make(seed)
      const directory = join(root, `host-${seed}`)
      const seedUrl = site.url(paths[0]!)
      const what = (most: number) => [
        "crawl",
        seedUrl,
        seedUrl.replace("127.0.0.1", "localhost"),
        "--max-pages-per-host",
        `${most}`
      ]
      const counts = async () => {
        const hosts = savedIn(await read(directory)).map(({ url }) => new URL(url).hostname)
        return ["127.0.0.1", "localhost"].map((name) => hosts.filter((host) => host === name).length)
      }
      for (const [most, kills] of [
        [7 + Math.floor(random() * 20), 2],
        [40, 0]
      ] as const) {
        for (let kill = 0; kill < kills; kill++) {
          await run(what(most), directory, {
            outcomes: Math.floor(random() * 2 * most),
            afterMs: Math.floor(random() * 60)
          })
          for (const count of await counts()) assert.isAtMost(count, most, `seed ${seed}`)
        }
        const { status, errors } = await run(what(most), directory)
        assert.strictEqual(status, 0, `seed ${seed}: ${errors}`)
        assert.include(errors, `--max-pages-per-host ${most}`)
        assert.deepStrictEqual(await counts(), [most, most], `seed ${seed}`)
      }
      fs.rmSync(directory, { recursive: true })
    })
  }

  for (const seed of seeds(6, 1 / 3)) {
    it(`leaves a host alone for as long as it asked, over a kill (seed ${seed})`, async () => {
      const { site } = here
      const random = Randomness.make(seed)
      const directory = join(root, `clock-${seed}`)
      const pauseMs = 5000
      const refusing = `/retry-after/${pauseMs / 1000}/1/429/bytes/100/asked-${seed}.html`
      const what = [
        "crawl",
        site.url(refusing),
        site.url(`/bytes/100/other-${seed}.html`),
        "--no-robots",
        "--delay",
        "500ms"
      ]
      const mine = () => site.requests().filter(({ path }) => path.endsWith(`-${seed}.html`))
      const before = mine().length
      // as soon as the store has the refused target waiting, or a little later
      const isNoted = async () =>
        (await read(directory)).some((entry) => "pending" in entry && entry.pending.attempts > 0) && random() < 0.3
      await run(what, directory, { when: isNoted })
      const known = mine().length
      const { status, errors } = await run(what, directory)
      assert.strictEqual(status, 0, `seed ${seed}: ${errors}`)
      const requests = mine()
      assert.isAbove(known, before)
      for (const { path, atMs } of requests.slice(known))
        assert.isAtLeast(atMs - requests[before]!.atMs, pauseMs, `seed ${seed}: ${path} after the kill`)
    })
  }
})
