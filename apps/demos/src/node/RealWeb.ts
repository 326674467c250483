/** A site on loopback, another one with a certificate of its own, and a directory that is gone afterwards. */
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Get from "@simul/scraper/Get"
import { Site } from "@simul/scraper/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { bodyOf, front, hosts, largeMebibytes, latencyMs, type Trust, type Web } from "../Web.ts"

const promised = <A>(call: () => Promise<A>) => Effect.promise(call)

/** For as long as the scope. */
export const make = Effect.gen(function* () {
  const port = () => site.port
  const site = yield* Site.make({
    hosts,
    latencyMs,
    files: { "/": front },
    // its large files are made as they are sent: here is only what the client holds
    respond: ({ host, path }) => (path.startsWith("/bytes/") ? undefined : bodyOf(`http://${host}${path}`))
  })
  const secured = yield* Site.make({ tls: true, files: { "/": front } })
  const directory = yield* Effect.acquireRelease(
    promised(() => mkdtemp(join(tmpdir(), "simul-demos-"))),
    (path) => promised(() => rm(path, { recursive: true, force: true }))
  )
  /** The chapters' hosts are at a port that is only known now. */
  const placed = (url: string) => {
    const { protocol, hostname, pathname, search } = new URL(url)
    return `${protocol}//${hostname}:${port()}${pathname}${search}`
  }
  const secure = (trust: Trust) =>
    promised(
      () =>
        new Promise<"answered" | "refused">((resolve) => {
          const options = {
            rejectUnauthorized: trust !== "anybody",
            ...(trust === "authority" ? { ca: secured.ca } : {})
          }
          request(secured.url("/"), options, (response) => {
            response.resume()
            resolve("answered")
          })
            .on("error", () => resolve("refused"))
            .end()
        })
    )
  const write = (name: string, text: string, chunkBytes: number) =>
    promised(async () => {
      const bytes = Buffer.from(text)
      const began = performance.now()
      const handle = await open(join(directory, name), "w")
      for (let at = 0; at < bytes.length; at += chunkBytes) await handle.write(bytes.subarray(at, at + chunkBytes))
      await handle.close()
      return performance.now() - began
    })
  const get = (urls: ReadonlyArray<string>, jobs: number) =>
    Effect.orDie(Stream.runDrain(Get.outcomes(urls.map(placed), { directory, jobs, perHost: jobs })))
  const getWhole = (urls: ReadonlyArray<string>) =>
    promised(async () => {
      const bodies = await Promise.all(urls.map(async (url) => (await fetch(placed(url))).bytes()))
      await Promise.all(bodies.map((body, index) => writeFile(join(directory, `whole${index}`), body)))
    })
  return {
    page: promised(async () => {
      const response = await fetch(site.url("/"))
      return {
        status: response.status,
        type: response.headers.get("content-type") ?? "",
        text: await response.text()
      }
    }),
    secure,
    fetch: (url) => promised(async () => (await fetch(placed(url))).text()),
    write,
    files: promised(async () => {
      const texts: Array<string> = []
      for (const name of await readdir(directory, { recursive: true })) {
        const path = join(directory, name)
        if (name.startsWith(".simul") || !(await stat(path)).isFile()) continue
        texts.push(await readFile(path, "utf8"))
      }
      for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true })
      return texts
    }),
    get,
    memory: (way, files, jobs) => {
      const urls = Array.from(
        { length: files },
        (_, index) => `http://${hosts[0]}/bytes/${largeMebibytes << 20}/${way}${index}.bin`
      )
      return moreMemory(way === "whole" ? getWhole(urls) : get(urls, jobs))
    }
  } satisfies Web
})

/** How much more memory the process has meanwhile, at the peak, in MiB. */
const moreMemory = (effect: Effect.Effect<void>): Effect.Effect<number> =>
  Effect.suspend(() => {
    const before = process.memoryUsage.rss()
    let most = before
    const timer = setInterval(() => void (most = Math.max(most, process.memoryUsage.rss())), 5)
    return effect.pipe(
      Effect.map(() => (Math.max(most, process.memoryUsage.rss()) - before) / 2 ** 20),
      Effect.ensuring(Effect.sync(() => clearInterval(timer)))
    )
  })
