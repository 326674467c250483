/** The pages that a command was asked for: under paths, and on standard input. */
import * as Page from "@simul/scraper/extract/Page"
import { NoPage, type PageError, TooLarge, Unreadable } from "@simul/scraper/extract/PageError"
import type { RunError } from "@simul/scraper/RunError"
import * as SavedPages from "@simul/scraper/sink/SavedPages"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as HeldBack from "./HeldBack.ts"

/** One page, to its end. Where there is nothing, whoever was to write it failed. */
const whole = async (input: AsyncIterable<Uint8Array>): Promise<Result.Result<Uint8Array, PageError>> => {
  const { maxBytes } = Page.limits
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  try {
    for await (const chunk of input) {
      bytes += chunk.length
      if (bytes > maxBytes) return Result.fail(new TooLarge({ maxBytes }))
      chunks.push(chunk)
    }
  } catch (error) {
    return Result.fail(Unreadable.of(error))
  }
  return bytes === 0 ? Result.fail(new NoPage()) : Result.succeed(Buffer.concat(chunks))
}

/** The pages under a path; for `-` the one of standard input, which came from `url`. */
const at = (path: string, url: string | undefined): Stream.Stream<SavedPages.SavedPage, RunError> =>
  path === "-"
    ? Stream.fromEffect(
        Effect.map(
          Effect.promise(() => whole(process.stdin)),
          (body) => ({ url, path, contentType: undefined, body })
        )
      )
    : SavedPages.at(path)

/**
 * The pages under all of these paths, in their order. An archive has each attempt at a page: one that was cut comes last,
 * once, and only if the page is nowhere whole. A revisit comes last with the body that it refers to, wherever that is,
 * unless it is the same page. For what was whole before, archives are read once more: to remember every URL would take
 * memory without a bound. So would what is held back: while 100,000 pages wait, yet another comes in its order, each time,
 * whether another record has the body or not.
 */
export const under = (
  paths: ReadonlyArray<string>,
  url: string | undefined,
  mostHeld = 100_000
): Stream.Stream<SavedPages.SavedPage, RunError> =>
  Stream.suspend(() => {
    const held = HeldBack.make(mostHeld)
    const { cut, revisits } = held
    const first = Stream.fromIterable(paths).pipe(
      Stream.flatMap((path) => at(path, url)),
      // files are read at once, and what is done with a page may take long: signals are heard in between
      Stream.tap(() => Effect.yieldNow),
      Stream.filter((page) => !held.take(page))
    )
    const again = Stream.fromIterable(paths.filter((path) => path !== "-")).pipe(
      // bodies are for revisits
      Stream.flatMap((path) => (revisits.size > 0 ? SavedPages.at(path) : SavedPages.at(path, 0))),
      Stream.takeWhile(() => cut.size > 0 || revisits.size > 0),
      Stream.flatMap((page) => Stream.fromIterable(held.release(page)))
    )
    return first.pipe(
      Stream.concat(Stream.suspend(() => (cut.size > 0 || revisits.size > 0 ? again : Stream.empty))),
      Stream.concat(Stream.suspend(() => Stream.fromIterable(held.rest())))
    )
  })
