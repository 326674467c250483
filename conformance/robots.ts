/**
 * Asks the robots.txt cases, each file read once.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Robots from "@simul/scraper/robots/Robots"

interface Case {
  readonly name: string
  readonly robotstxt?: string
  readonly robotstxtBase64?: string
  readonly userAgent: string
  readonly url: string
  readonly allowed: boolean
}

/** Case name -> why it does not hold. An entry whose case passes is a failure. */
const exceptions: ReadonlyMap<string, string> = new Map([
  ["correctness/index-page #1.1", "only Google takes /index.html for /"],
  ["correctness/non-ascii-paths #2.2", "RFC 9309 2.2.2: octets of the URI outside ASCII are encoded before comparison"],
  ["correctness/non-ascii-paths #3.2", "RFC 9309 2.2.2: octets of the URI outside ASCII are encoded before comparison"],
  ["correctness/non-ascii-paths #4.1", "RFC 9309 2.2.2, last row of its table: %62%61%7A matches baz"],
  ["stress/327748 #1.6", "RFC 9309 2.2.2: /robots.txt is always allowed"],
  ["stress/369883 #1.6", "RFC 9309 2.2.2: /robots.txt is always allowed"],
  ["stress/369883 #1.10", "RFC 9309 2.2.2: /robots.txt is always allowed"],
  ["stress/860237 #1.10", "RFC 9309 2.2.2: /robots.txt is always allowed"]
])

/** Runs every case of `directory`. `failed` names the case and what went wrong. */
export const run = async (directory: string): Promise<{ passed: number; excepted: number; failed: Array<string> }> => {
  const lines = (await readFile(join(directory, "cases.jsonl"), "utf8")).split("\n").filter((line) => line !== "")
  const files = new Map<string, Robots.Robots>()
  let passed = 0
  let excepted = 0
  const failed: Array<string> = []
  for (const line of lines) {
    const example: Case = JSON.parse(line)
    const bytes =
      example.robotstxt === undefined
        ? Buffer.from(example.robotstxtBase64 ?? "", "base64")
        : Buffer.from(example.robotstxt)
    const key = bytes.toString("latin1")
    const robots = files.get(key) ?? Robots.parse(bytes)
    files.set(key, robots)
    const { allowed, rule } = Robots.decide(robots, example.userAgent, example.url)
    const isExcepted = exceptions.has(example.name)
    if (allowed === example.allowed && isExcepted) failed.push(`${example.name}: passes, but is listed as an exception`)
    else if (allowed === example.allowed) passed++
    else if (isExcepted) excepted++
    else
      failed.push(
        `${example.name}: ${example.userAgent} is ${allowed ? "allowed" : "refused"} ${example.url}` +
          (rule === undefined ? "" : ` by line ${rule.line}, ${rule.text}`)
      )
  }
  return { passed, excepted, failed }
}
