// crawlee_crawl.mjs SEED OUT JOBS: a site to files with Crawlee's CheerioCrawler, its queue in memory. Exit status 1 when a page failed.
import { CheerioCrawler, Configuration, log } from "@crawlee/cheerio"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

const [seed, out, jobs] = process.argv.slice(2)
log.setLevel(log.LEVELS.OFF)
let failed = 0
const crawler = new CheerioCrawler(
  {
    minConcurrency: Number(jobs),
    maxConcurrency: Number(jobs),
    maxRequestRetries: 0,
    useSessionPool: false,
    additionalMimeTypes: ["text/html"],
    failedRequestHandler: () => void failed++,
    requestHandler: async ({ request, body, enqueueLinks }) => {
      const path = join(out, new URL(request.url).pathname)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, body)
      await enqueueLinks({ strategy: "same-hostname" })
    }
  },
  new Configuration({ persistStorage: false, storageClientOptions: { localDataDirectory: join(out, ".storage") } })
)
await crawler.run([seed])
process.exit(failed > 0 ? 1 : 0)
