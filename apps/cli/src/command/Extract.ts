/** `simul extract`: saved pages to records. Says what was taken, from how many pages, and which could not be read. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { last, onOff, text } from "../FlagKinds.ts"
import { oneOf } from "../Flags.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import type { Harvested, Wanted } from "../Harvest.ts"
import { Incomplete } from "../Incomplete.ts"
import * as PageUrl from "../PageUrl.ts"
import { printable } from "../Printable.ts"
import { number, working } from "../Progress.ts"
import { complaint, hint, Screen } from "../Screen.ts"
import { shellWord } from "../ShellWord.ts"
import * as Summary from "../Summary.ts"
import * as Table from "../Table.ts"
import { UsageError } from "../UsageError.ts"

interface Asked {
  readonly paths: ReadonlyArray<string>
  readonly url: Option.Option<string>
  readonly select: ReadonlyArray<string>
  readonly links: boolean
  readonly metadata: boolean
  readonly article: boolean
  readonly schema: Option.Option<string>
  readonly format: Option.Option<Table.Format>
  readonly output: Option.Option<string>
  readonly quiet: boolean
}

const examples = [
  "`--select title=h1 --select 'image=img@src[]'` takes what selectors find",
  "`--links`, `--metadata`, `--article` or `--schema FILE` take more"
]

/** Fields that rows have besides those asked for. */
const reserved = (asked: Asked): ReadonlySet<string> =>
  new Set(["error", ...(["links", "metadata", "article"] as const).filter((name) => asked[name])])

/** `NAME=SELECTOR`, each name once. */
const readSelects = Effect.fnUntraced(function* (asked: Asked) {
  if (asked.select.length === 0) return []
  const Selector = yield* Effect.promise(() => import("@simul/scraper/extract/Selector"))
  const taken = new Set(reserved(asked))
  const selects: Array<Wanted["selects"][number]> = []
  for (const text of asked.select) {
    const equals = text.indexOf("=")
    const name = text.slice(0, Math.max(0, equals)).trim()
    if (name === "") return yield* UsageError.of(`--select: expected NAME=SELECTOR, got "${text}"`, examples[0]!)
    if (taken.has(name))
      return yield* UsageError.of(`--select: "${name}" is the name of another field`, "choose another name")
    taken.add(name)
    const selector = Selector.parse(text.slice(equals + 1))
    if (Result.isFailure(selector)) {
      return yield* UsageError.of(
        `--select ${name}: ${selector.failure.message}`,
        "a selector is CSS, then `@attribute`, then `[]` for all that match"
      )
    }
    selects.push({ name, selector: selector.success })
  }
  return selects
})

/** Checks what was asked; nothing has been read or written when it fails. */
const settle = Effect.fnUntraced(function* (asked: Asked) {
  const { links, metadata, article } = asked
  const selects = yield* readSelects(asked)
  if (asked.paths.length === 0) {
    return yield* UsageError.of("no PATH given", "for example: `simul extract pages --metadata`")
  }
  // a shell gives a selector whose flag was forgotten as one more path
  const stray = asked.paths.find((path) => /^\w[^/=]*=./.test(path) && !existsSync(path))
  if (stray !== undefined) {
    return yield* UsageError.of(
      `no such file or directory: ${printable(stray)}`,
      `each field has a flag of its own: \`--select ${printable(shellWord(stray))}\``
    )
  }
  if (selects.length === 0 && !links && !metadata && !article && Option.isNone(asked.schema)) {
    return yield* UsageError.of("nothing to extract", ...examples)
  }
  const output = Option.getOrUndefined(asked.output)
  const format =
    Option.getOrUndefined(asked.format) ?? (output === undefined ? undefined : Table.ofName(output)) ?? "jsonl"
  if (output === undefined && format !== "jsonl" && format !== "csv") {
    return yield* UsageError.of(
      `\`--format ${format}\` makes a file, none was named`,
      `give it a name: \`-o records.${format}\``
    )
  }
  let schema: Wanted["schema"]
  if (Option.isSome(asked.schema)) {
    const { load } = yield* Effect.promise(() => import("../Schemas.ts"))
    schema = yield* load(asked.schema.value)
    const taken = new Set([...reserved(asked), ...selects.map(({ name }) => name)])
    const double = Object.keys(schema.fields).find((name) => taken.has(name))
    if (double !== undefined) {
      return yield* UsageError.of(
        `${asked.schema.value}: "${double}" is the name of another field`,
        "choose another name"
      )
    }
  }
  const wanted: Wanted = { selects, links, metadata, article, schema }
  return { wanted, format, output, url: yield* PageUrl.settle(asked.url, asked.paths) }
})

/** As SQLite compares names: ASCII letters in any case are the same. */
const fold = (name: string) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Pages alike in what is wrong with them, and the first of each kind. */
const mostReasons = 10

export const extract = Effect.fnUntraced(function* (asked: Asked) {
  const screen = yield* Screen
  const { paint } = screen
  const { wanted, format, output, url } = yield* settle(asked)
  const Harvest = yield* Effect.promise(() => import("../Harvest.ts"))
  const columns = Harvest.columns(wanted)
  const folded = new Map(columns.map(({ name }) => [fold(name), name]))
  const double = columns.find(({ name }) => folded.get(fold(name)) !== name)
  if (format === "sqlite" && double !== undefined) {
    return yield* UsageError.of(
      `SQLite takes "${double.name}" and "${folded.get(fold(double.name))}" for one name`,
      "choose another name, or another `--format`"
    )
  }
  const writer =
    output === undefined || output === "-"
      ? yield* Table.toScreen(screen, format as "jsonl" | "csv", columns)
      : yield* Table.toFile(output, format, columns)

  const counts = { pages: 0, records: 0, failed: 0, uncovered: 0 }
  const reasons = new Map<string, { count: number; readonly name: string }>()
  const unmatched = new Map(wanted.selects.map(({ name, selector }) => [name, selector.text]))
  const take = (harvested: Harvested | undefined) => {
    if (harvested === undefined) {
      counts.uncovered += 1
      return Effect.void
    }
    counts.pages += 1
    if (harvested.error === undefined) {
      counts.records += harvested.rows.length
      const [first] = harvested.rows
      for (const name of unmatched.keys()) {
        const value = first?.[name]
        if (value !== null && !(Array.isArray(value) && value.length === 0)) unmatched.delete(name)
      }
    } else {
      counts.failed += 1
      const known = reasons.get(harvested.error)
      if (known !== undefined) known.count += 1
      else if (reasons.size < mostReasons) reasons.set(harvested.error, { count: 1, name: harvested.name })
    }
    return writer.write(harvested.rows)
  }
  const line = () =>
    `${Summary.plural(counts.pages + counts.uncovered, "page")} read   ${Summary.plural(counts.records, "record")}`
  const show = asked.quiet ? Effect.void : working(line, screen)
  yield* Effect.scoped(Effect.andThen(show, Stream.runForEach(Harvest.pages(asked.paths, url, wanted), take)))
  yield* writer.finish

  if (counts.pages === 0) {
    const where = printable(asked.paths.join(", "))
    const message =
      counts.uncovered === 0
        ? `no pages under ${where}`
        : `none of ${Summary.plural(counts.uncovered, "page")} under ${where} is one that the schema is for`
    screen.note(
      complaint(paint, message, ["pages are HTML files, records of WARC archives, and what `simul get -o` saved"])
    )
    return yield* new Incomplete()
  }
  const misses =
    counts.failed < counts.pages
      ? [...unmatched].map(([name, text]) => `\`${name}\`: nothing on any page matches \`${text}\``)
      : []
  const told = (lines: ReadonlyArray<string>) => screen.note(lines.join("\n"))
  if (counts.failed > 0) {
    const rows = [...reasons].map(
      ([reason, { count, name }]) => `  ${number(count)}  ${printable(reason)}  ${paint.dim(printable(name))}`
    )
    const shown = [...reasons.values()].reduce((sum, { count }) => sum + count, 0)
    const others = counts.failed - shown
    told([
      complaint(paint, `${number(counts.failed)} of ${Summary.plural(counts.pages, "page")} gave no record`),
      "",
      ...rows,
      ...(others > 0 ? [`  ${number(others)}  for other reasons`] : []),
      "",
      ...misses.map((text) => hint(paint, printable(text))),
      hint(paint, "each stands in the output with its `error`")
    ])
    return yield* new Incomplete()
  }
  if (asked.quiet) return
  const from = counts.records === counts.pages ? "" : ` from ${Summary.plural(counts.pages, "page")}`
  const skipped = counts.uncovered === 0 ? "" : `; ${Summary.plural(counts.uncovered, "page")} not for the schema`
  const place = output === undefined || output === "-" ? "" : `: ${printable(output)}`
  told([
    `${paint.green("extracted")} ${Summary.plural(counts.records, "record")}${from}${skipped}${place}`,
    ...(misses.length > 0 ? ["", ...misses.map((text) => hint(paint, printable(text)))] : [])
  ])
}, Effect.scoped)

const paths = Argument.String("path").pipe(
  Argument.withDescription("A saved page, a folder, a WARC or WACZ, the directory of a run, or - for a page on stdin"),
  Argument.variadic()
)

export const command = Command.make(
  "extract",
  {
    paths,
    url: PageUrl.flag,
    select: Flag.String("select").pipe(
      Flag.withAlias("s"),
      Flag.withMetavar("NAME=SEL"),
      Flag.withDescription("What a selector finds, as field NAME; may repeat"),
      Flag.atLeast(0)
    ),
    links: onOff("links", "Where the page leads: addresses with their words"),
    metadata: onOff("metadata", "What the page says of itself: title, JSON-LD, ..."),
    article: onOff("article", "The main text, plain and as Markdown"),
    schema: text("schema", "FILE", "Typed records, by a module that exports how"),
    format: Flag.Literals("format", Table.formats).pipe(
      Flag.withMetavar("KIND"),
      Flag.withDescription(`${oneOf(Table.formats)} [by FILE, else jsonl]`),
      last
    ),
    output: text("output", "FILE", "Into this file, whole or not at all [stdout]").pipe(Flag.withAlias("o"))
  },
  Effect.fnUntraced(function* (asked) {
    yield* extract({ ...asked, quiet: yield* GlobalFlags.quiet })
  })
).pipe(
  Command.withDescription(
    "Turn saved pages into records: one JSON line, or one row, for each.\n\n" +
      "A selector is CSS, then what to take, then `[]` for all that match:\n" +
      "  h1            the text of the first <h1>\n" +
      "  a.next@href   an attribute; addresses are made absolute\n" +
      "  .tag[]        the texts of all that match, a list\n" +
      "  article@html  the markup within"
  ),
  Command.withShortDescription("Turn saved pages into records"),
  Command.withExamples([
    { command: "simul extract pages --select title=h1 --select 'image=img@src[]'" },
    { command: "simul extract pages --metadata | jq -r .metadata.title", description: "What pages say of themselves" },
    { command: "simul extract pages --schema product.ts -o products.parquet", description: "Typed records" },
    { command: "curl -s URL | simul extract - --url URL --article", description: "A page from elsewhere" }
  ])
)
