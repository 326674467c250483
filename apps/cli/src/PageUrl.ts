/** The flag `--url`: where the page on standard input came from. */
import * as Url from "@simul/scraper/Url"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { text } from "./FlagKinds.ts"
import { printable } from "./Printable.ts"
import { Screen } from "./Screen.ts"
import { shellWord } from "./ShellWord.ts"
import { UsageError } from "./UsageError.ts"

export const flag = text("url", "URL", "Where the page on stdin came from, for its addresses")

/**
 * The URL, as a run would record it, if it is one and there is one page for it. Says that the page is awaited where a
 * terminal is to give it.
 */
export const settle = Effect.fnUntraced(function* (given: Option.Option<string>, paths: ReadonlyArray<string>) {
  const isAwaited = paths.includes("-")
  if (paths.indexOf("-") !== paths.lastIndexOf("-"))
    return yield* UsageError.of(
      "`-` is named more than once, and standard input is one page",
      "name it once; what is in files is named by its path"
    )
  if (isAwaited && process.stdin.isTTY) (yield* Screen).note("reading a page from the terminal; Ctrl-D ends it")
  if (Option.isNone(given)) return undefined
  const url = given.value
  if (!isAwaited)
    return yield* UsageError.of(
      "`--url` is for the page on standard input, and no PATH is `-`",
      `for example: \`simul extract - --url ${printable(shellWord(Url.redact(url)))} --metadata < page.html\``
    )
  const parsed = Url.given(url)
  if (typeof parsed !== "string")
    return yield* UsageError.of(`--url: ${parsed.message}`, "for example: `--url https://example.com/page`")
  // a record is passed on
  return Url.withoutCredentials(parsed)
})
