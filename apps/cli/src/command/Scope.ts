/** `simul scope`: the rules of a crawl that runs in another terminal, shown or changed. */
import type * as Control from "@simul/scraper/Control"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { directoryArgument } from "../DirectoryArgument.ts"
import { onOff } from "../FlagKinds.ts"
import * as Flags from "../Flags.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { printable } from "../Printable.ts"
import { number } from "../Progress.ts"
import { hint, Screen } from "../Screen.ts"
import * as Settings from "../Settings.ts"
import * as Summary from "../Summary.ts"
import * as Told from "../Told.ts"

/** Of a setting of the crawl, what a flag says; without one it stays as it is in the run. */
const kept = <A>(setting: Settings.Setting<A>): Settings.Setting<A | undefined> => ({ ...setting, fallback: undefined })

/** A bound that may be taken away: `any`. */
const bound = (setting: Settings.Setting<number | undefined>): Settings.Setting<number | null | undefined> => ({
  ...setting,
  description: setting.description.replace(" [any number]", "; any: no bound"),
  read: (texts) => (texts[0] === "any" ? Result.succeed(null) : setting.read(texts)),
  fallback: undefined
})

/** A list that replaces that of the run; an empty text takes it away. */
const replaced = <A>(setting: Settings.Setting<ReadonlyArray<A>>): Settings.Setting<ReadonlyArray<A> | undefined> => ({
  ...setting,
  description: `${setting.description.replace("; may repeat", "")}; '' for none`,
  read: (texts) => setting.read(texts.filter((text) => text !== "")),
  fallback: undefined
})

const { crawl } = Flags
const settings = {
  scope: { ...kept(crawl.scope), description: crawl.scope.description.replace(/ \[.*\]$/, "") },
  include: replaced(crawl.include),
  exclude: replaced(crawl.exclude),
  priority: replaced(crawl.priority),
  depth: bound(crawl.depth),
  maxPages: bound(crawl.maxPages),
  maxPagesPerHost: bound(crawl.maxPagesPerHost)
}

const changeOf = (values: Settings.Values<typeof settings>): Control.Change | undefined => {
  const { scope, include, exclude, priority, depth, maxPages, maxPagesPerHost } = values
  const change: Control.Change = {
    ...(scope === undefined ? {} : { scope }),
    ...(include === undefined ? {} : { include: include.map(String) }),
    ...(exclude === undefined ? {} : { exclude: exclude.map(String) }),
    ...(priority === undefined
      ? {}
      : { priorities: priority.map(({ pattern, value }) => ({ pattern: String(pattern), value })) }),
    ...(depth === undefined ? {} : { depth }),
    ...(maxPages === undefined ? {} : { maxPages }),
    ...(maxPagesPerHost === undefined ? {} : { maxPagesPerHost })
  }
  return Object.keys(change).length === 0 ? undefined : change
}

type Rules = Extract<Control.Reply, { readonly _tag: "Scope" }>

/** `/source/u` as it is written after a flag. */
const source = (pattern: string) => pattern.replace(/^\/|\/[a-z]*$/g, "").replaceAll("\\/", "/")

const priorityText = ({ pattern, value }: Rules["priorities"][number]) => `${source(pattern)}=${value}`

const render = ({ seeds, scope, include, exclude, priorities, depth, maxPages, maxPagesPerHost }: Rules): string => {
  const bounded = (most: number | null) => (most === null ? "any" : number(most))
  const rows: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["seeds", seeds.map(printable)],
    ["scope", [scope]],
    ["include", include.length === 0 ? ["all"] : include.map(source).map(printable)],
    ["exclude", exclude.length === 0 ? ["none"] : exclude.map(source).map(printable)],
    ...(priorities.length === 0 ? [] : [["priority", priorities.map(priorityText).map(printable)] as const]),
    ["depth", [bounded(depth)]],
    ["max-pages", [bounded(maxPages)]],
    ["per host", [bounded(maxPagesPerHost)]]
  ]
  return rows
    .flatMap(([name, values]) => values.map((value, index) => `${(index === 0 ? name : "").padEnd(9)}  ${value}\n`))
    .join("")
}

const toJson = ({ _tag, include, exclude, priorities, ...rules }: Rules) =>
  `${JSON.stringify({
    ...rules,
    include: include.map(source),
    exclude: exclude.map(source),
    priorities: priorities.map(({ pattern, value }) => ({ pattern: source(pattern), value }))
  })}\n`

export const command = Command.make(
  "scope",
  {
    directory: directoryArgument,
    settings: Settings.flags(settings),
    json: onOff("json", "One JSON object")
  },
  Effect.fnUntraced(function* ({ directory, settings: given, json }) {
    const screen = yield* Screen
    const quiet = yield* GlobalFlags.quiet
    const change = changeOf(yield* Effect.fromResult(Settings.resolve(settings, given, { environment: {}, files: [] })))
    yield* Told.told(directory, { _tag: "Scope", ...(change === undefined ? {} : { change }) }, (reply) => {
      if (reply._tag !== "Scope") return
      if (change !== undefined && !quiet) {
        const left = reply.left > 0 ? [`${Summary.plural(reply.left, "queued URL")} left out`] : []
        const found = reply.found > 0 ? [`${Summary.plural(reply.found, "URL")} taken in`] : []
        const effects = [...left, ...found].join(", ")
        screen.note(`changed${effects === "" ? "" : `: ${effects}`}`)
        const lasting = "this holds for the run; a crawl that is started again goes by the flags it is given"
        screen.note(`\n${hint(screen.paint, lasting)}\n`)
      }
      return screen.data(json ? toJson(reply) : render(reply))
    })
  })
).pipe(
  Command.withDescription(
    "Show the rules of the crawl that runs in DIR; with flags, change them first.\nWhat is not named stays. Queued URLs that new rules leave out end as refused,\nat once; for what they let in anew, saved pages are read for links once more.\nEnds when that is done."
  ),
  Command.withShortDescription("Show or change the rules of the crawl in DIR"),
  Command.withExamples([
    { command: "simul scope site", description: "The rules as they are" },
    { command: "simul scope site --exclude '/calendar/' --depth 5", description: "Out of a trap" }
  ])
)
