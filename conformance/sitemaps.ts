/**
 * Judges the sitemap reader by the files of crawler-commons.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Sitemap from "@simul/scraper/extract/Sitemap"
import * as Effect from "effect/Effect"
import type { Result } from "./run.ts"

interface Case {
  readonly file: string
  readonly url: string
  readonly contentType?: string
  readonly kind: Sitemap.Kind
  readonly count: number
  readonly urls: ReadonlyArray<string>
  readonly lastModified?: ReadonlyArray<string | null>
  readonly changefreq?: ReadonlyArray<string>
  readonly alternates?: ReadonlyArray<{ readonly hreflang: string; readonly href: string }>
}

/** What a case says, in its form; nothing where it does not say it. */
const said = ({ kind, count, urls, lastModified, changefreq, alternates }: Case) => ({
  kind,
  count,
  urls,
  lastModified: lastModified ?? null,
  changefreq: changefreq ?? null,
  alternates: alternates === undefined ? null : urls.map(() => alternates)
})

const actual = async (example: Case, document: Uint8Array) => {
  const { url, contentType, lastModified, changefreq, alternates } = example
  const { entries, summary } = await Effect.runPromise(Sitemap.read(document, { url, contentType }))
  const date = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString().replace(".000Z", "Z"))
  return {
    kind: summary.kind,
    count: summary.entries,
    urls: entries.map((entry) => entry.url),
    lastModified: lastModified === undefined ? null : entries.map((entry) => date(entry.lastModifiedMs)),
    changefreq: changefreq === undefined ? null : entries.map((entry) => entry.changeFrequency),
    alternates:
      alternates === undefined
        ? null
        : entries.map((entry) => entry.alternates.map(({ language, url }) => ({ hreflang: language, href: url })))
  }
}

/** Runs every case of the folder. */
export const run = async (directory: string): Promise<Result> => {
  const failed: Array<string> = []
  let passed = 0
  for (const line of (await readFile(join(directory, "cases.jsonl"), "utf8")).split("\n")) {
    if (line === "") continue
    const example: Case = JSON.parse(line)
    const expected = JSON.stringify(said(example))
    const found = JSON.stringify(await actual(example, await readFile(join(directory, example.file))))
    if (found === expected) passed++
    else failed.push(`${example.file}: ${found} instead of ${expected}`)
  }
  return { passed, excepted: 0, failed }
}
