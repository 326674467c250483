/** The pages that a command was asked for: under paths, and on standard input. */
import * as Page from "@simul/scraper/extract/Page"
import { NoPage, type PageError, TooLarge, Unreadable } from "@simul/scraper/extract/PageError"
import type { RunError } from "@simul/scraper/RunError"
import * as SavedPages from "@simul/scraper/sink/SavedPages"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

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
    return Result.fail(new Unreadable({ code: (error as NodeJS.ErrnoException).code ?? "EIO" }))
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

const isCut = ({ body }: SavedPages.SavedPage): boolean => Result.isFailure(body) && body.failure._tag === "CutRecord"

/** Pages of which cut records are held back. */
const mostCut = 10_000

/**
 * The pages under all of these paths, in their order. An archive has each attempt at a page: one that was cut comes last,
 * once, and only if the page is nowhere whole. For one that was whole before, archives are read once more without bodies:
 * to remember every URL would take memory without a bound. So would the cut ones: while 10,000 pages wait for a whole
 * record, a cut one of yet another comes in its order, each time, whether the page is whole elsewhere or not.
 */
export const under = (
  paths: ReadonlyArray<string>,
  url: string | undefined
): Stream.Stream<SavedPages.SavedPage, RunError> =>
  Stream.suspend(() => {
    const cut = new Map<string | undefined, SavedPages.SavedPage>()
    const whole = Stream.fromIterable(paths).pipe(
      Stream.flatMap((path) => at(path, url)),
      Stream.filter((page) => {
        if (!isCut(page)) cut.delete(page.url)
        else if (cut.has(page.url) || cut.size < mostCut) cut.set(page.url, page)
        return !isCut(page) || !cut.has(page.url)
      })
    )
    const wholeBefore = Stream.fromIterable(paths.filter((path) => path !== "-")).pipe(
      Stream.flatMap((path) => SavedPages.at(path, 0)),
      Stream.takeWhile((page) => {
        if (!isCut(page)) cut.delete(page.url)
        return cut.size > 0
      }),
      Stream.drain
    )
    return whole.pipe(
      Stream.concat(Stream.suspend(() => (cut.size > 0 ? wholeBefore : Stream.empty))),
      Stream.concat(Stream.suspend(() => Stream.fromIterable(cut.values())))
    )
  })
