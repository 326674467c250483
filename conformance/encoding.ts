/**
 * Judges `Encoding.detect` by the encoding cases of html5lib: the `.dat` files of
 * a folder.
 */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Encoding from "@simul/scraper/extract/Encoding"
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

/** The cases whose declaration lies beyond the first 1024 bytes. */
const isLate = (page: string) => page.search(/<meta[^>]*iso8859-2/) >= Encoding.headBytes

/** Runs every case of the folder. */
export const run = async (directory: string): Promise<Result> => {
  const failed: Array<string> = []
  let passed = 0
  let excepted = 0
  for (const file of (await readdir(directory)).filter((name) => name.endsWith(".dat")).toSorted())
    for (const [index, { page, expected }] of casesOf(await readFile(join(directory, file), "latin1")).entries()) {
      const { encoding } = Encoding.detect(Buffer.from(page, "latin1"), { syntax: "html" })
      if (encoding === Encoding.fromLabel(expected)) passed++
      else if (isLate(page)) excepted++
      else failed.push(`${file} #${index + 1}: ${encoding} instead of ${expected}`)
    }
  return { passed, excepted, failed }
}
