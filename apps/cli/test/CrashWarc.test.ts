/**
 * Nothing is lost or written twice in archives: the real command with `--format
 * warc`, killed with SIGKILL again and again at seeded instants.
 *
 * `SEEDS=100 SEED=1000 pnpm --filter cli test test/CrashWarc.test.ts` runs 100
 * seeds from 1000 on; a failure names its seed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import { Site } from "@simul/scraper/testing"
import * as Recorded from "@simul/scraper/sink/Recorded"
import * as RecordLocation from "@simul/scraper/sink/RecordLocation"
import * as Gzip from "@simul/scraper/warc/Gzip"
import * as WarcReader from "@simul/scraper/warc/WarcReader"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"

import { place, savedIn, seeds, throughKills } from "./Killed.ts"
import * as Program from "./Program.ts"

const pathsOf = (seed: number) =>
  Array.from({ length: 160 }, (_, index) => {
    const name = `${seed}/${index}`
    switch (index % 16) {
      case 3:
        // too large to be compressed in one piece
        return `/bytes/1500000/${name}.bin`
      case 6:
        return `/retry-after/0/1/503/bytes/2000/${name}.html`
      case 9:
        return `/encoded/gzip/30000/${name}.html`
      case 12:
        return `/chunked/60000/${name}.html`
      case 14:
        return `/cut-once/20000/10000/${name}.html`
      case 15:
        return `/drip/2000/0/${name}.txt`
      default:
        return `/bytes/10240/${name}.html`
    }
  })

/** Length of the archive in the end, or nearly. */
const wholeBytes = 17_000_000

const here = place("crash-warc", 3)
const { root } = here

/** Each committed record is whole and right, whatever lies behind them. */
const assertWhole = async (directory: string, saved: ReturnType<typeof savedIn>, seed: number) => {
  for (const { path, bytes, sha256 } of saved) {
    assert.isDefined(RecordLocation.fromPath(path), path)
    const fault = await Effect.runPromise(Recorded.recorded(directory, path, { bytes, sha256 }))
    assert.isUndefined(fault, `seed ${seed}: ${path}: ${JSON.stringify(fault)}`)
  }
}

describe("simul get --format warc, killed at any instant", () => {
  for (const seed of seeds(6)) {
    it(`has every answer once, in whole records (seed ${seed})`, { timeout: 600_000 }, async () => {
      const { site } = here
      const random = Randomness.make(seed)
      const paths = pathsOf(seed)
      const directory = join(root, `${seed}`)
      const list = join(root, `${seed}.txt`)
      // half of them go from archive to archive all the time
      const archiveBytes = seed % 2 === 0 ? 1_000_000 : wholeBytes
      const what = ["get", "-i", list, "--robots", "--format", "warc", "--warc-size", `${archiveBytes}`]
      const fileToKillAt = () => {
        const number = Math.floor(random() * Math.min(8, wholeBytes / archiveBytes))
        return { file: join(directory, RecordLocation.nameOf(number)), bytes: Math.floor(random() * archiveBytes) }
      }
      fs.writeFileSync(list, paths.map((path) => `${site.url(path)}\n`).join(""))

      const kill = () =>
        random() < 0.5 ? { outcomes: Math.floor(random() * 120), afterMs: Math.floor(random() * 60) } : fileToKillAt()
      const entries = await throughKills(here, random, what, directory, kill, (saved) =>
        assertWhole(directory, saved, seed)
      )
      const saved = savedIn(entries)
      assert.strictEqual(entries.length, paths.length, `seed ${seed}: one row each`)
      assert.strictEqual(saved.length, paths.length, `seed ${seed}: one outcome each`)
      await assertWhole(directory, saved, seed)

      const archives = fs.readdirSync(directory).filter((name) => name.endsWith(".gz"))
      const records = new Map<string, number>()
      const cut = new Map<string, number>()
      let robots = 0
      for (const archive of archives) {
        const file = join(directory, archive)
        let infos = 0
        let asked: string | undefined
        // to the end of the file: no half record, no tail
        for await (const record of WarcReader.records(Gzip.gunzip(fs.createReadStream(file)))) {
          const url = record.field("WARC-Target-URI")
          const type = record.field("WARC-Type")!
          if (type === "warcinfo") infos++
          else if (type === "request") {
            assert.strictEqual(record.field("WARC-Concurrent-To"), asked, `seed ${seed}: a request for each answer`)
            asked = undefined
          } else {
            assert.isUndefined(asked, `seed ${seed}: an answer without its request`)
            asked = record.field("WARC-Record-ID")
            const { head } = await WarcReader.message(record.block)
            if (url === site.url("/robots.txt")) robots++
            else if (Buffer.from(head).toString("latin1").startsWith("HTTP/1.1 200 ")) {
              const counts = record.field("WARC-Truncated") === undefined ? records : cut
              counts.set(url!, (counts.get(url!) ?? 0) + 1)
            }
          }
        }
        assert.isUndefined(asked, `seed ${seed}: an answer without its request`)
        assert.strictEqual(infos, 1, `seed ${seed}: ${archive} says once what it is`)
      }
      // it is asked again exactly when its answer is not committed
      assert.strictEqual(robots, 1, `seed ${seed}: one answer for robots.txt`)
      assert.strictEqual(records.size, paths.length, `seed ${seed}: one record each`)
      for (const [url, count] of records) assert.strictEqual(count, 1, `seed ${seed}: ${url} is there ${count} times`)
      for (const { url, attempts } of saved) {
        const count = cut.get(url) ?? 0
        // the attempts of earlier runs are not counted, and each breaks off once at most
        const isRight = url.includes("/cut-once/") ? count >= attempts - 1 && count <= 1 : count === 0
        assert.isTrue(isRight, `seed ${seed}: ${url} is there cut ${count} times after ${attempts} attempts`)
      }
      const index = fs.readFileSync(join(directory, "index.cdxj"), "utf8").trimEnd().split("\n")
      for (const url of records.keys())
        assert.strictEqual(
          index.filter((line) => line.includes(`"url": "${url}"`) && line.includes('"status": "200"')).length,
          1 + (cut.get(url) ?? 0),
          `seed ${seed}: ${url} once in the index`
        )
      assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [], `seed ${seed}: no parts left`)

      const pathOf = new Map(paths.map((path) => [site.url(path), path]))
      // what the server sends uncoded is what the archive has
      const plain = saved.filter(({ url }) => !url.includes("/encoded/"))
      for (const { url, bytes } of plain) assert.strictEqual(bytes, Site.body(pathOf.get(url)!).length, url)
      assert.include(await Program.screen(["verify", directory]), "all as recorded", `seed ${seed}`)

      // the same for the package: killed while it grows, then made
      const wacz = join(directory, "simul.wacz")
      const packing = Program.start(["pack", directory])
      const until = Math.floor(random() * wholeBytes)
      const watch = setInterval(() => {
        if ((fs.statSync(`${wacz}.part`, { throwIfNoEntry: false })?.size ?? -1) >= until) packing.kill("SIGKILL")
      }, 1)
      const [packed] = (await once(packing, "close")) as [number | null]
      clearInterval(watch)
      assert.strictEqual(fs.existsSync(wacz), packed === 0, `seed ${seed}: no half package under its name`)
      assert.match(await Program.screen(["pack", directory]), /^exit 0/, `seed ${seed}`)
      assert.isAbove(
        fs.statSync(wacz).size,
        archives.reduce((sum, archive) => sum + fs.statSync(join(directory, archive)).size, 0)
      )
      assert.isFalse(fs.existsSync(`${wacz}.part`))
      fs.rmSync(directory, { recursive: true })
    })
  }
})
