/**
 * How long a big page keeps the event loop: `node packages/scraper/benchmark/stall.ts [MIB]`, 5 unless given.
 *
 * Each kind of page is crawled alone, three times, from a server in a process of its own. The longest stall is that of the
 * loop (`monitorEventLoopDelay`, the least of the three runs: the machine's own pauses are none of ours).
 */
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import * as Crawl from "../src/Crawl.ts"

const bytes = Number(process.argv[2] ?? 5) * 2 ** 20
const repeated = (piece: (index: number) => string) => {
  const pieces: Array<string> = []
  for (let length = 0, index = 0; length < bytes; index++) length += pieces[pieces.push(piece(index)) - 1]!.length
  return pieces.join("")
}
const prose = "a page says a little of this and a little more of that, and so on to its end. ".repeat(20)
const kinds: Readonly<Record<string, () => string>> = {
  "prose, a link in each paragraph": () => repeated((index) => `<p>${prose}<a href="/p/${index}.html">more</a></p>\n`),
  "links of the site, nothing else": () =>
    repeated((index) => `<a href="/page/of/the/site/${index}.html">${index}</a>\n`),
  "links to elsewhere": () => repeated((index) => `<a href="http://elsewhere.example/${index}.html">${index}</a>\n`),
  "elements in one another": () => repeated(() => "<div>"),
  "one attribute": () => `<a href="${"a".repeat(bytes)}">`,
  "attributes of one element": () => `<a ${repeated((index) => `data-${index}=x `)}>`,
  "one style sheet": () => `<style>${repeated((index) => `.c${index} { background: url(/i/${index}.png) }\n`)}</style>`,
  references: () => `<p>${repeated(() => "&amp;")}</p>`
}

if (!isMainThread) {
  const server = createServer((request, response) => {
    const kind = kinds[decodeURIComponent(request.url!.slice(1))]
    response.writeHead(kind === undefined ? 404 : 200, { "content-type": "text/html" })
    response.end(kind?.())
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort!.postMessage((server.address() as AddressInfo).port)
} else {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), workerData })
  const [port] = (await once(worker, "message")) as [number]
  const root = mkdtempSync(join(tmpdir(), "simul-stall-"))
  console.log(`| ${bytes / 2 ** 20} MiB of | longest stall ms | whole ms |\n| --- | ---: | ---: |`)
  let runs = 0
  for (const name of Object.keys(kinds)) {
    let stall = Infinity
    let whole = Infinity
    for (let round = 0; round < 3; round++) {
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      const began = performance.now()
      const options = { directory: join(root, `${runs++}`), robots: false }
      for await (const outcome of Crawl.crawl(
        [`http://127.0.0.1:${port}/${encodeURIComponent(name)}`],
        { maxPages: 1 },
        options
      ))
        if (outcome._tag === "Failed") console.error(outcome.error.message)
      delay.disable()
      stall = Math.min(stall, delay.max / 1e6)
      whole = Math.min(whole, performance.now() - began)
    }
    console.log(`| ${name} | ${stall.toFixed(0)} | ${whole.toFixed(0)} |`)
  }
  rmSync(root, { recursive: true })
  await worker.terminate()
}
