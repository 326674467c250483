/** The crawlers that are compared: how each is called, and what is on or off for it. Politeness is off for all. */
import { execFileSync } from "node:child_process"
import { copyFileSync } from "node:fs"
import { join } from "node:path"
import * as Bundle from "./Bundle.ts"
import { ask, peer, python } from "./Client.ts"
import type { Room, Workplace } from "./Workplace.ts"

/** What a crawler is to do. */
interface Task {
  readonly seed: string
  /** A fresh folder. */
  readonly out: string
}

export interface Crawler {
  readonly name: Name
  readonly version: string
  readonly command: (task: Task) => ReadonlyArray<string>
  readonly note: string
  /** It changes the links in what it saves. */
  readonly rewrites?: boolean
  /** Takes part in so many rounds, where more would take the night; absent: all. */
  readonly rounds?: number
}

/** Requests in flight. */
export const jobs = 64

/** What they are called, in their order. */
export const names = ["simul", "bare Node", "wget2 -r", "wget -r", "HTTrack", "Scrapy", "Crawlee"] as const
type Name = (typeof names)[number]

/** The version of Crawlee that is installed to be compared; nothing else needs it. */
const crawlee = "3.18.1"

const installCrawlee = (workplace: Workplace, room: Room, tell: (line: string) => void): string | undefined => {
  const folder = room.folder("crawlee")
  try {
    // with the settings of the person who runs it: they know the registry
    const what = ["--no-audit", "--no-fund", "--prefix", folder, `@crawlee/cheerio@${crawlee}`]
    execFileSync("npm", ["install", "--silent", ...what], { stdio: ["ignore", "ignore", "pipe"], timeout: 300_000 })
  } catch (error) {
    tell(`Crawlee could not be installed: ${(error as Error).message.split("\n")[0]}`)
    return undefined
  }
  const program = join(folder, "crawl.mjs")
  copyFileSync(peer("crawlee_crawl.mjs"), program)
  return program
}

/**
 * The crawlers that are installed, Simul first, and the names of those that are not. `withCrawlee`: install it, from
 * the registry.
 */
export const find = (workplace: Workplace, room: Room, withCrawlee: boolean, tell: (line: string) => void) => {
  const crawlers: Array<Crawler> = []
  const absent: Array<string> = []
  const add = (name: Name, version: string | undefined, crawler: Omit<Crawler, "name" | "version">) => {
    if (version === undefined) absent.push(name)
    else crawlers.push({ name, version, ...crawler })
  }
  const many = String(jobs)
  add("simul", ask(workplace, /^simul (\S+)/, process.execPath, Bundle.published, "--version"), {
    command: ({ seed, out }) =>
      [process.execPath, Bundle.published, "crawl", seed, "-o", out, "-j", many, "--per-host", many].concat(
        "--no-robots",
        "--progress",
        "none"
      ),
    note: "on: state to resume from, rename of whole files, sha256, retries"
  })
  add("bare Node", process.versions.node, {
    command: ({ seed, out }) => [process.execPath, peer("bare_crawl.mjs"), seed, out, many],
    note: "no crawler, but the least that one costs: rename and sha256, links by one pattern; off: all else, errors too"
  })
  add("wget2 -r", ask(workplace, /Wget2 (\S+)/, "wget2", "--version"), {
    command: ({ seed, out }) => [
      ..."wget2 -q -r --level=inf --no-robots --no-hsts --no-ocsp --no-cookies --compression=identity".split(" "),
      `--max-threads=${many}`,
      "-P",
      out,
      seed
    ],
    note: "off: robots, HSTS, OCSP, cookies, compression"
  })
  add("wget -r", ask(workplace, /^GNU Wget (\S+)/, "wget", "--version"), {
    command: ({ seed, out }) => [
      ..."wget -q -r --level=inf -e robots=off --no-hsts --no-cookies".split(" "),
      "-P",
      out,
      seed
    ],
    note: "one connection; off: robots, HSTS, cookies"
  })
  add("HTTrack", ask(workplace, /HTTrack version (\S+)/, "httrack", "--version"), {
    command: ({ seed, out }) => [
      // -B: by itself it goes down only, and saves what lies below the folder of the first page
      ..."httrack -q -B -s0 -c8 -%c10000 -A10000000000 --disable-security-limits -r100 -I0".split(" "),
      "-O",
      out,
      seed
    ],
    note: "8 connections, its bound; off: robots, index; rewrites links, so that only names are compared",
    rewrites: true,
    rounds: 1
  })
  const scrapy = python(workplace, "scrapy")
  add("Scrapy", scrapy?.version, {
    command: ({ seed, out }) => [scrapy!.program, peer("scrapy_crawl.py"), seed, out, many],
    note: "CONCURRENT_ITEMS=1, links by one XPath; off: cookies, retries, log, telnet, robots",
    rounds: 2
  })
  const program = withCrawlee ? installCrawlee(workplace, room, tell) : undefined
  add("Crawlee", program === undefined ? undefined : crawlee, {
    command: ({ seed, out }) => [process.execPath, program!, seed, out, many],
    note: "CheerioCrawler, queue in memory; off: robots, sessions, retries, log",
    rounds: 1
  })
  return { crawlers, absent }
}
