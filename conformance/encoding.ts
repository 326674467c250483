/**
 * Judges the encoding that a page is read in by the cases of html5lib: the `.dat`
 * files of a folder. Each page is read for its links, since a declaration beyond
 * the first 1024 bytes is met only then.
 */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Encoding from "@simul/scraper/extract/Encoding"
import * as Links from "@simul/scraper/extract/Links"
import type { Result } from "./run.ts"

/** The pages of a file. It holds bytes of many encodings, so here a character is a byte. */
const casesOf = (file: string): ReadonlyArray<{ readonly page: string; readonly expected: string }> =>
  file
    .split(/(?:^|\n\n)#data\n/)
    .slice(1)
    .map((block) => {
      const end = block.lastIndexOf("\n#encoding\n")
      return { page: block.slice(0, end), expected: block.slice(end + "\n#encoding\n".length).trim() }
    })

/** Runs every case of the folder. */
export const run = async (directory: string): Promise<Result> => {
  const failed: Array<string> = []
  let passed = 0
  for (const file of (await readdir(directory)).filter((name) => name.endsWith(".dat")).toSorted())
    for (const [index, { page, expected }] of casesOf(await readFile(join(directory, file), "latin1")).entries()) {
      const { encoding } = Links.extract(Buffer.from(page, "latin1"), { url: "http://host/" }).page
      if (encoding === Encoding.fromLabel(expected)) passed++
      else failed.push(`${file} #${index + 1}: ${encoding} instead of ${expected}`)
    }
  return { passed, excepted: 0, failed }
}
