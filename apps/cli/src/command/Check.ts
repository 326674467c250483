/**
 * `simul check`: an extraction against recorded pages, so that a site that has
 * changed is a failing test, and it is known which selector is to blame.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { table } from "../Alignment.ts"
import type { FieldCount } from "../FieldCounts.ts"
import { onOff } from "../FlagKinds.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { Incomplete } from "../Incomplete.ts"
import * as PageUrl from "../PageUrl.ts"
import { printable } from "../Printable.ts"
import { number } from "../Progress.ts"
import type { Paint } from "../Screen.ts"
import { complaint, Screen } from "../Screen.ts"
import { pathWord } from "../ShellWord.ts"
import * as Summary from "../Summary.ts"
import { UsageError } from "../UsageError.ts"

interface Asked {
  readonly schema: string
  readonly paths: ReadonlyArray<string>
  readonly url: Option.Option<string>
  readonly json: boolean
  readonly quiet: boolean
}

const counted = (fields: ReadonlyArray<FieldCount>, paint: Paint): ReadonlyArray<string> => {
  const rows = fields.map(({ field, value, missing, failed, selector }) => [
    printable(field),
    ...[value, missing, failed].map((count) => (count === 0 ? "-" : number(count))),
    printable(selector)
  ])
  return table(["field", "value", "missing", "failed", "selector"], rows, [0, 4], paint)
}

export const check = Effect.fnUntraced(function* ({ schema, paths, url: given, json, quiet }: Asked) {
  const screen = yield* Screen
  const { paint } = screen
  if (paths.length === 0) {
    return yield* UsageError.of("no PATH given", `for example: \`simul check ${pathWord(schema)} pages\``)
  }
  const [Schemas, FieldCounts, Page, Pages] = yield* Effect.promise(() =>
    Promise.all([
      import("../Schemas.ts"),
      import("../FieldCounts.ts"),
      import("@simul/scraper/extract/Page"),
      import("../Pages.ts")
    ])
  )
  const extraction = yield* Schemas.load(schema)
  const url = yield* PageUrl.settle(given, paths)
  const fold = FieldCounts.make(extraction)
  const unread: Array<{ readonly page: string; readonly message: string }> = []
  let pages = 0
  let unreadable = 0
  yield* Stream.runForEach(Pages.under(paths, url), (saved) =>
    Effect.sync(() => {
      if (!extraction.covers(saved)) return
      const page = Result.flatMap(saved.body, (bytes) => Page.fromBytes(bytes, saved))
      if (Result.isSuccess(page)) {
        pages += 1
        return fold.add(page.success)
      }
      unreadable += 1
      if (unread.length < 10) unread.push({ page: Page.nameOf(saved), message: page.failure.message })
    })
  )
  const failing = fold.fields.filter(({ failed }) => failed > 0)
  if (json) {
    const fields = fold.fields.map(({ example, ...counts }) =>
      example === undefined
        ? counts
        : { ...counts, example: { page: example.page, found: example.found, message: example.message } }
    )
    yield* screen.data(`${JSON.stringify({ pages, unreadable, fields, unread })}\n`)
  } else if (pages > 0) {
    const why = [
      ...failing.map(({ example }) => `  ${printable(example!.message)}  ${paint.dim(printable(example!.page))}`),
      ...unread.map(({ page, message }) => `  ${printable(message)}  ${paint.dim(printable(page))}`)
    ]
    yield* screen.data(
      `${[...counted(fold.fields, screen.paintData), ...(why.length === 0 ? [] : ["", "why", "", ...why])].join("\n")}\n`
    )
  }
  const schemaName = printable(schema)
  if (pages + unreadable === 0) {
    screen.note(
      complaint(paint, `no page under ${printable(paths.join(", "))} is one that ${schemaName} is for`, [
        "a check without pages checks nothing"
      ])
    )
    return yield* new Incomplete()
  }
  if (failing.length + unreadable > 0) {
    const faults = [
      ...(failing.length === 0 ? [] : [`${Summary.plural(failing.length, "field")} of ${schemaName} failed`]),
      ...(unreadable === 0 ? [] : [`${Summary.plural(unreadable, "page")} cannot be read`])
    ]
    screen.note(
      complaint(paint, faults.join(", "), failing.length === 0 ? [] : ["`simul shell PAGE` tries selectors on a page"])
    )
    return yield* new Incomplete()
  }
  if (!quiet)
    screen.note(
      `${paint.green("checked")} ${Summary.plural(fold.fields.length, "field")} on ${Summary.plural(pages, "page")}: all well`
    )
})

export const command = Command.make(
  "check",
  {
    schema: Argument.String("schema").pipe(Argument.withDescription("A module that exports an extraction")),
    paths: Argument.String("path").pipe(
      Argument.withDescription("Recorded pages, as for extract"),
      Argument.variadic()
    ),
    url: PageUrl.flag,
    json: onOff("json", "The counts as one JSON object")
  },
  Effect.fnUntraced(function* (asked) {
    yield* check({ ...asked, quiet: yield* GlobalFlags.quiet })
  })
).pipe(
  Command.withDescription(
    "Run an extraction against recorded pages and say, for each field, on how many\nit gave a value. Ends with 3 when one fails: a selector has rotted."
  ),
  Command.withShortDescription("Check an extraction against recorded pages"),
  Command.withExamples([{ command: "simul check product.ts pages", description: "Does it still fit?" }])
)
