/**
 * Judges `ContentDisposition.fileName` by the cases of RFC 6266 that go back to
 * greenbytes.de/tech/tc2231: `cases.jsonl` of a folder.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileName } from "@simul/scraper/ContentDisposition"
import type { Result } from "./run.ts"

/** Where we mean to differ, by the header, and why. One that does not differ is a failure. */
const exceptions: ReadonlyMap<string, string> = new Map([
  ['attachment; filename="foo-Ã¤.html"', "raw bytes that are UTF-8 are read as UTF-8, as browsers do"],
  ["attachment; filename=foo-Ã¤.html", "raw bytes that are UTF-8 are read as UTF-8, as browsers do"]
])

/** Runs every case of the folder. */
export const run = async (directory: string): Promise<Result> => {
  const failed: Array<string> = []
  let passed = 0
  let declined = 0
  for (const line of (await readFile(join(directory, "cases.jsonl"), "utf8")).split("\n")) {
    if (line === "") continue
    const { filename, header } = JSON.parse(line) as { readonly header: string; readonly filename?: string }
    let actual: string | undefined
    try {
      actual = fileName(header)
    } catch (error) {
      failed.push(`${header}: threw ${String(error)}`)
      continue
    }
    const reason = exceptions.get(header)
    if (actual === filename && reason === undefined) passed++
    else if (actual === filename) failed.push(`${header}: passes, but is excepted: ${reason}`)
    else if (reason !== undefined) declined++
    else failed.push(`${header}: ${actual} instead of ${filename}`)
  }
  return { passed, excepted: declined, failed }
}
