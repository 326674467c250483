/**
 * The work of `simul extract`: pages under paths, one after another, to rows.
 * Loaded when the first page is to be read: parsers are heavy.
 *
 * 1. Every page gives at least one row, or is told as not covered by the schema.
 * 2. What is wrong with a page is the row of that page, with `error`.
 */
import * as Extraction from "@simul/scraper/extract/Extraction"
import * as Hyperlinks from "@simul/scraper/extract/Hyperlinks"
import * as Metadata from "@simul/scraper/extract/Metadata"
import * as Page from "@simul/scraper/extract/Page"
import * as Selector from "@simul/scraper/extract/Selector"
import type { RunError } from "@simul/scraper/RunError"
import type * as SavedPages from "@simul/scraper/sink/SavedPages"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Pages from "./Pages.ts"
import type { Column, Row } from "./table/Column.ts"

/** What is taken from each page. */
export interface Wanted {
  readonly selects: ReadonlyArray<{ readonly name: string; readonly selector: Selector.Selector }>
  readonly links: boolean
  readonly metadata: boolean
  readonly article: boolean
  readonly schema: Extraction.Extraction<unknown> | undefined
}

/** What became of a page. */
export interface Harvested {
  readonly name: string
  readonly rows: ReadonlyArray<Row>
  /** Why there are no records of it. */
  readonly error: string | undefined
}

/** The columns of such rows, in the order of their fields. */
export const columns = ({ selects, links, metadata, article, schema }: Wanted): ReadonlyArray<Column> => {
  const asked: ReadonlyArray<Column> = [
    ...selects.map(({ name, selector }): Column => ({ name, kind: selector.many ? "json" : "text" })),
    ...Object.entries(schema?.fields ?? {}).map(([name, { kind }]): Column => ({ name, kind })),
    ...(links ? [{ name: "links", kind: "json" } as const] : []),
    ...(metadata ? [{ name: "metadata", kind: "json" } as const] : []),
    ...(article ? [{ name: "article", kind: "json" } as const] : [])
  ]
  const own = (["url", "path"] as const).filter((name) => !asked.some((column) => column.name === name))
  return [...own.map((name): Column => ({ name, kind: "text" })), ...asked, { name: "error", kind: "json" }]
}

const failed = (about: Row, name: string, error: { readonly _tag: string; readonly message: string }): Harvested => ({
  name,
  error: error.message,
  rows: [
    {
      ...about,
      error: {
        reason: error._tag,
        message: error.message,
        ...(error instanceof Extraction.ExtractionError
          ? { fields: error.errors.map(({ field, selector, found, detail }) => ({ field, selector, found, detail })) }
          : {})
      }
    }
  ]
})

/** One page to its rows. */
const harvest = async (saved: SavedPages.SavedPage, wanted: Wanted): Promise<Harvested | undefined> => {
  const { url, path, body } = saved
  if (wanted.schema?.covers(saved) === false) return undefined
  const about: Row = { ...(url === undefined ? {} : { url }), path }
  const name = Page.nameOf(saved)
  const parsed = Result.flatMap(body, (bytes) => Page.fromBytes(bytes, saved))
  if (Result.isFailure(parsed)) return failed(about, name, parsed.failure)
  const page = parsed.success
  const records =
    wanted.schema === undefined
      ? Result.succeed([{}])
      : Extraction.records(wanted.schema as Extraction.Extraction<Row>, page)
  if (Result.isFailure(records)) return failed(about, name, records.failure)
  const common: Row = {
    ...Object.fromEntries(wanted.selects.map(({ name, selector }) => [name, Selector.select(selector, page)])),
    ...(wanted.links ? { links: Hyperlinks.of(page) } : {}),
    ...(wanted.metadata ? { metadata: Metadata.of(page) } : {}),
    // loaded by the first page: it doubles the time to start
    ...(wanted.article ? { article: (await import("@simul/scraper/extract/Article")).of(page) } : {})
  }
  return { name, error: undefined, rows: records.success.map((record: Row) => ({ ...about, ...common, ...record })) }
}

/** The pages under these paths, harvested one after another. `url`: of the one on standard input. */
export const pages = (
  paths: ReadonlyArray<string>,
  url: string | undefined,
  wanted: Wanted
): Stream.Stream<Harvested | undefined, RunError> =>
  Stream.mapEffect(Pages.under(paths, url), (saved) => Effect.promise(() => harvest(saved, wanted)))
