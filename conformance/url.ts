/**
 * Judges `Url.parse` by the URL cases of the WHATWG (web-platform-tests) and of
 * crawler-commons: `whatwg.jsonl`, `resolve.jsonl` and `normalize.jsonl` of a
 * folder.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Url from "@simul/scraper/Url"
import type { Result } from "./run.ts"

/**
 * Where we mean to differ: why, and for which inputs. One that does not differ is
 * a failure. Most are what a crawl may do for its "seen" set; a list names
 * resources, and what may name another one is not changed.
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
    "an escape stays as it is written",
    [
      "http://foo.com/%66oo.html",
      "http://foo.com/%66oo.htm%6c",
      "http://foo.com/%66oo.ht%6dl",
      "http://foo.com/%66oo.ht%6d%6c",
      "http://foo.com/%66oo.htm%C0",
      "http://foo.com/%66oo.htm%1A",
      "http://foo.com/%66oo.htm%c0",
      "https://www.example.com/search/%2a/",
      "https://www.example.com/topic/9%2f11/",
      "http://foo.com/fast/dir%2fcz",
      "http://x.com/./a/../%66.html",
      "http://x.com/foo%c2%80"
    ]
  ],
  [
    "a stray % and characters that WHATWG leaves alone stay as they are",
    [
      "http://x.com/?x[y]=1",
      "https://www.last.fm/music/Prefuse+73/_/90%+of+My+Mind+Is+With+You",
      "http://www.example.com/a/c/../b/search?q=foobar%",
      "http://www.example.com/a/c/../b/search?q=foobar^",
      "http://www.example.com/a/c/../b/search?q=foobar`",
      "http://www.example.com/a/c/../b/search?q=foobar|",
      "http://www.example.com/p%zz%77%v",
      "http://www.example.com/search?q=foobar%",
      "http://www.example.com/search?q=foobar%2"
    ]
  ],
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
  ["an empty query is a query", ["http://example.com?", "http://example.com/?"]],
  ["a host with a final dot is another host", ["https://www.example.org./"]],
  [
    "queries are neither sorted nor thinned out",
    [
      "http://example.com/?b=1&a=1",
      "http://foo.com/foo.html?b=1&a=1",
      "http://foo.com/index?b=2&a=1",
      "http://foo.com/index?b=2&a=1#c",
      "http://foo.com/index?a=1&b=",
      "http://foo.com/index?b&a=1",
      "http://foo.com/index?b=&a=1",
      "http://foo.com/index?b=1&a=1&",
      "http://foo.com/index?&b=1&a=1",
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
        actual = typeof result === "string" ? result : null
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
