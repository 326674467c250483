/**
 * What a page says of itself: title, description, canonical address, language,
 * and in full what it tells machines as JSON-LD, OpenGraph, Twitter cards and
 * microdata.
 *
 * Fields that are not there are left out. Nothing is guessed: where a page says
 * a thing in several ways, the first of those listed at the field counts.
 */
import { type Element, isTag } from "domhandler"
import * as Result from "effect/Result"
import * as Microdata from "./Microdata.ts"
import type { Page } from "./Page.ts"
import * as Selector from "./Selector.ts"
import * as Text from "./Text.ts"

/** A property that is given once is a text, else a list in the order of the page. */
export type Properties = Readonly<Record<string, string | ReadonlyArray<string>>>

/** What a page says of itself. A field that has nothing is absent. */
export interface Metadata {
  /** `<title>`, `og:title`, `twitter:title`. */
  readonly title?: string
  /** `description`, `og:description`, `twitter:description`. */
  readonly description?: string
  /** `author`, `article:author`. */
  readonly author?: string
  /** `lang` of the root, `Content-Language`, `og:locale`; as it stands there. */
  readonly language?: string
  /** `<link rel=canonical>`, `og:url`; absolute. */
  readonly canonical?: string
  /** `article:published_time`, `datePublished` of JSON-LD, `date`; as it stands there. */
  readonly published?: string
  /** By name without `og:`; those of other vocabularies with theirs (`article:tag`). */
  readonly openGraph?: Properties
  /** By name without `twitter:`. */
  readonly twitter?: Properties
  /** Each `<script type=application/ld+json>`, parsed; comments, a comma too many and their like are passed over. */
  readonly jsonLd?: ReadonlyArray<unknown>
  /** Scripts of that type that are no JSON. */
  readonly jsonLdErrors?: ReadonlyArray<string>
  readonly microdata?: ReadonlyArray<Microdata.Item>
}

const metas = Selector.make("meta[content]")
const titles = Selector.make("title")
const canonicals = Selector.make("link[rel~=canonical i][href]")
const scripts = Selector.make("script[type*='ld+json' i]")

/** Vocabularies of OpenGraph besides `og:` (ogp.me). */
const vocabularies = /^(?:og|article|book|profile|music|video|product|fb):/

interface Found {
  readonly openGraph: Map<string, Array<string>>
  readonly twitter: Map<string, Array<string>>
  readonly named: Map<string, string>
}

const metaOf = (elements: ReadonlyArray<Element>): Found => {
  const found: Found = { openGraph: new Map(), twitter: new Map(), named: new Map() }
  const add = (into: Map<string, Array<string>>, name: string, value: string) => {
    const values = into.get(name)
    if (values === undefined) into.set(name, [value])
    else values.push(value)
  }
  for (const { attribs } of elements) {
    const value = attribs["content"]!.trim()
    if (value === "") continue
    // RDFa's `property` and HTML's `name` are mistaken for one another everywhere
    for (const name of new Set([attribs["property"], attribs["name"], attribs["http-equiv"]])) {
      const key = name?.trim().toLowerCase() ?? ""
      if (key === "") continue
      if (vocabularies.test(key)) add(found.openGraph, key.replace(/^og:/, ""), value)
      else if (key.startsWith("twitter:")) add(found.twitter, key.slice("twitter:".length), value)
      if (!found.named.has(key)) found.named.set(key, value)
    }
  }
  return found
}

const toProperties = (values: ReadonlyMap<string, ReadonlyArray<string>>): Properties | undefined =>
  values.size === 0
    ? undefined
    : Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0]! : all]))

/** A text of JSON, also one that lacks its end: so that work grows as the length. */
const literal = /"[^"\\]*(?:\\[^][^"\\]*)*"?/.source
const commented = new RegExp(`${literal}|//.*|/\\*[^]*?(?:\\*/|$)`, "g")
const superfluous = new RegExp(`${literal}|,(?=\\s*[\\]}])|;\\s*$`, "g")
/** What an escape has before it stays, so that such a text is no JSON: what was meant is not known. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const control = /\\[^]|[\0-\x1f]/g

const escaped = (found: string): string => (found.length > 1 ? found : JSON.stringify(found).slice(1, -1))

/** What JSON forbids but can mean one thing only: comments, a comma or semicolon too many, line ends and tabs in a text. */
const mended = (text: string): string =>
  text
    .replace(commented, (piece) => (piece.startsWith('"') ? piece.replace(control, escaped) : " "))
    .replace(superfluous, (piece) => (piece.startsWith('"') ? piece : ""))

/** Half a character that JSON may escape but UTF-8 cannot say: readers of what is extracted refuse all of it. */
const wellFormed = (_: string, value: unknown): unknown => {
  if (typeof value === "string") return value.toWellFormed()
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name.toWellFormed(), of]))
}

const parse = (text: string): Result.Result<unknown, string> =>
  Result.try({
    try: () => JSON.parse(text, /\\ud[89a-f]/i.test(text) ? wellFormed : undefined),
    catch: (error) => (error as Error).message
  })

const jsonLdOf = (page: Page) => {
  const values: Array<unknown> = []
  const errors: Array<string> = []
  for (const script of scripts.find(page)) {
    const text = Text.verbatim(script)
      // what hid scripts from browsers that knew none, and CDATA sections of XHTML
      .replace(/^\s*(?:<!--|\/\*\s*<!\[CDATA\[\s*\*\/|<!\[CDATA\[)/, "")
      .replace(/(?:-->|\/\*\s*\]\]>\s*\*\/|\]\]>)\s*(?:;\s*)?$/, "")
    const value = Result.orElse(parse(text), (why) => Result.mapError(parse(mended(text)), () => why))
    if (Result.isSuccess(value)) values.push(value.success)
    else errors.push(value.failure)
  }
  return { values, errors }
}

/** The first text under a key in the things of JSON-LD, at the top or in a `@graph`. */
const inJsonLd = (values: ReadonlyArray<unknown>, key: string): string | undefined => {
  for (const value of values.flat()) {
    if (typeof value !== "object" || value === null) continue
    const own = (value as Record<string, unknown>)[key]
    if (typeof own === "string") return own
    const graph = (value as Record<string, unknown>)["@graph"]
    const inner = Array.isArray(graph) ? inJsonLd(graph, key) : undefined
    if (inner !== undefined) return inner
  }
  return undefined
}

/** All that a page says of itself. */
export const of = (page: Page): Metadata => {
  const { openGraph, twitter, named } = metaOf(metas.find(page))
  const jsonLd = jsonLdOf(page)
  const first = (...names: ReadonlyArray<string>) =>
    names.map((name) => named.get(name)).find((value) => value !== undefined)
  const title = titles
    .find(page)
    .map(Text.inline)
    .find((text) => text !== "")
  const root = page.document.children.find(isTag)
  const canonical = canonicals.find(page)[0]?.attribs["href"] ?? first("og:url")
  const microdata = Microdata.of(page)
  const metadata: { readonly [K in keyof Metadata]-?: Metadata[K] | undefined } = {
    title: title ?? first("og:title", "twitter:title"),
    description: first("description", "og:description", "twitter:description"),
    author: first("author", "article:author"),
    language: root?.attribs["lang"] || root?.attribs["xml:lang"] || first("content-language", "og:locale"),
    canonical: canonical === undefined ? undefined : Selector.absolute(canonical, page.base),
    published: first("article:published_time") ?? inJsonLd(jsonLd.values, "datePublished") ?? first("date"),
    openGraph: toProperties(openGraph),
    twitter: toProperties(twitter),
    jsonLd: jsonLd.values.length === 0 ? undefined : jsonLd.values,
    jsonLdErrors: jsonLd.errors.length === 0 ? undefined : jsonLd.errors,
    microdata: microdata.length === 0 ? undefined : microdata
  }
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
}
