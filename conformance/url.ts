/**
 * Judges `Url.parse` by the URL cases of the WHATWG (web-platform-tests) and of
 * crawler-commons, `whatwg.jsonl` and `resolve.jsonl` of a folder, and
 * `UrlKey.of` by what crawler-commons takes for one page, `normalize.jsonl`.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as UrlKey from "@simul/scraper/crawl/UrlKey"
import * as Url from "@simul/scraper/Url"
import type { Result } from "./run.ts"

/**
 * Where we mean to differ: why, and for which inputs. One that does not differ is
 * a failure. Most are what crawler-commons takes for one page though it may be
 * two.
 */
const exceptions: ReadonlyArray<readonly [reason: string, inputs: ReadonlyArray<string>]> = [
  [
    "only http and https are fetched",
    [
      "//server/file",
      "file:///foo/bar.txt",
      "ftp:/",
      "ftp://foo.com/index.html",
      "file:/path/index.html",
      "file:/var/www/html/////./bar/index.html",
      "file:/var/www/html/foo/../bar/index.html"
    ]
  ],
  ["no host, so no URL by the WHATWG standard", ["http:////", "http:///////"]],
  ["a scheme is suggested in the message and not assumed", ["foo.com/index.html"]],
  [
    "an empty segment is a segment",
    [
      "http://foo.com//aa/bb/foo.html",
      "http://foo.com/aa//bb/foo.html",
      "http://foo.com/aa/bb//foo.html",
      "http://foo.com//aa//bb//foo.html",
      "http://foo.com////aa////bb//foo.html",
      "http://foo.com////aa////bb////foo.html"
    ]
  ],
  [
    "an empty value may mean another page than none, and a query that is no list of names stays as it is",
    [
      "http://foo.com/index?a=1&b=",
      "http://foo.com/index?b&a=1",
      "http://foo.com/index?b=&a=1",
      "http://foo.com/index?&=1&a=1",
      "http://foo.com/index?=1&b=1&a=1"
    ]
  ]
]

const excepted = new Map(exceptions.flatMap(([reason, inputs]) => inputs.map((input) => [input, reason] as const)))

interface Case {
  readonly input: string
  readonly base?: string | null
  /** The result; `null` where the text is no URL. */
  readonly expected: string | null
}

const withoutFragment = (href: string): string => href.replace(/#.*/s, "")

const readers: Readonly<Record<string, (line: any) => Case>> = {
  "whatwg.jsonl": ({ base, failure, href, input }) => ({
    input,
    base,
    expected: failure ? null : withoutFragment(href)
  }),
  "resolve.jsonl": ({ base, input, resolved }) => ({ input, base, expected: withoutFragment(resolved) }),
  "normalize.jsonl": ({ input, normalized }) => ({ input, expected: normalized })
}

/** Runs every case of the folder. */
export const run = async (directory: string): Promise<Result> => {
  const failed: Array<string> = []
  let passed = 0
  let declined = 0
  for (const [file, read] of Object.entries(readers)) {
    for (const line of (await readFile(join(directory, file), "utf8")).split("\n")) {
      if (line === "") continue
      const { base, expected, input } = read(JSON.parse(line))
      const name = `${file}: ${JSON.stringify(input)}${base ? ` against ${JSON.stringify(base)}` : ""}`
      let actual: string | null
      try {
        const result = Url.parse(input, base || undefined)
        actual = typeof result !== "string" ? null : file === "normalize.jsonl" ? UrlKey.of(result) : result
      } catch (error) {
        failed.push(`${name}: threw ${String(error)}`)
        continue
      }
      const reason = file === "whatwg.jsonl" ? undefined : excepted.get(input)
      if (actual === expected && reason === undefined) passed++
      else if (actual === expected) failed.push(`${name}: passes, but is excepted: ${reason}`)
      else if (reason !== undefined) declined++
      else failed.push(`${name}: ${actual} instead of ${expected}`)
    }
  }
  return { passed, excepted: declined, failed }
}
