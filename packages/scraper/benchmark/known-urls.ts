/**
 * How much memory and time known URLs take, ten million unless given:
 * `node --max-semi-space-size=4 --expose-gc packages/scraper/benchmark/known-urls.ts [COUNT]`. Adds them, then asks for all of them and for as many others; prints a row after each step.
 */
import { randomInt } from "node:crypto"
import * as Fingerprint from "../src/crawl/Fingerprint.ts"

const count = Number(process.argv[2] ?? 10_000_000)
const of = Fingerprint.make([randomInt(2 ** 32), randomInt(2 ** 32)])
const table = new Fingerprint.Table()
const url = (index: number) => `https://host${index % 1000}.example.com/articles/${index}/a-title-of-some-words.html`

const measure = (what: string, step: (index: number) => boolean) => {
  const { user } = process.cpuUsage()
  let yes = 0
  for (let index = 0; index < count; index++) if (step(index)) yes++
  const nanoseconds = ((process.cpuUsage().user - user) * 1000) / count
  globalThis.gc?.()
  const { rss } = process.memoryUsage()
  const cells = [
    what.padEnd(12),
    `${yes} of ${count}`.padStart(24),
    `${nanoseconds.toFixed(0)} ns each`.padStart(14),
    `${(table.bytes / count).toFixed(2)} B each`.padStart(14),
    `${(rss / 2 ** 20).toFixed(0)} MiB resident`.padStart(20)
  ]
  console.log(cells.join(""))
}

measure("make", (index) => url(index).length > 0)
measure("add", (index) => table.add(of(url(index))))
measure("known", (index) => table.has(of(url(index))))
measure("not known", (index) => table.has(of(url(index + count))))
