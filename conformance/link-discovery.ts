/**
 * Judges link discovery by Google's crawl maze: the pages of a folder's `site`,
 * the responses of `routes.json`, and what should be found in them.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as HeadLinks from "@simul/scraper/extract/HeadLinks"
import * as Links from "@simul/scraper/extract/Links"
import * as Sitemap from "@simul/scraper/extract/Sitemap"
import * as Robots from "@simul/scraper/robots/Robots"
import * as Effect from "effect/Effect"
import type { Result } from "./run.ts"

interface Case {
  readonly found: string
  readonly page: string
}
interface Route {
  readonly path: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const host = "maze.example"
const origin = `http://${host}`

const fill = (text: string) => text.replaceAll("{origin}", origin).replaceAll("{host}", host)

/** The URLs that a crawler finds in a response. */
const discover = async ({ path, status, headers, body }: Route): Promise<ReadonlyArray<string>> => {
  const url = origin + path
  const bytes = Buffer.from(fill(body))
  const fields = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), fill(value)]))
  const contentType = fields.get("content-type")
  const links =
    path === "/robots.txt"
      ? Links.fromRobots(Robots.parse(bytes), { url, guesses: true })
      : path === "/sitemap.xml"
        ? (await Effect.runPromise(Sitemap.read(bytes, { url, contentType }))).entries
        : [
            ...HeadLinks.read({ status, header: (name) => fields.get(name) }, { url, token: "simul" }).links,
            ...Links.extract(bytes, { url, contentType, guesses: true }).links
          ]
  return links.map((link) => link.url)
}

/** Runs every case of the folder. */
export const run = async (directory: string): Promise<Result> => {
  const routes: ReadonlyArray<Route> = JSON.parse(await readFile(join(directory, "routes.json"), "utf8"))
  const lines = (await readFile(join(directory, "cases.jsonl"), "utf8")).split("\n").filter((line) => line !== "")
  const failed: Array<string> = []
  let passed = 0
  for (const line of lines) {
    const { found, page }: Case = JSON.parse(line)
    const route = routes.find(({ path }) => path === page) ?? {
      path: page,
      status: 200,
      headers: { "content-type": "text/html" },
      body: await readFile(join(directory, "site", page), "utf8")
    }
    const urls = await discover(route)
    if (urls.includes(origin + found)) passed++
    else failed.push(`${page}: ${found} is not among ${urls.join(", ") || "no links"}`)
  }
  return { passed, excepted: 0, failed }
}
