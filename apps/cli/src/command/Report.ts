/** `simul report`: what the runs in a directory did, as tables or as JSON. */
import type { Counts, Report } from "@simul/scraper/Report"
import * as Reports from "@simul/scraper/Report"
import { toJson } from "@simul/scraper/Outcome"
import type { Entry } from "@simul/scraper/Store"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { table } from "../Alignment.ts"
import { commandFor, directoryArgument } from "../DirectoryArgument.ts"
import { file, last, onOff } from "../FlagKinds.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import * as OutputFile from "../OutputFile.ts"
import { printable } from "../Printable.ts"
import { number, working } from "../Progress.ts"
import * as ReportPage from "../ReportPage.ts"
import * as RunTimes from "../RunTimes.ts"
import { Records } from "../Records.ts"
import type { Paint } from "../Screen.ts"
import { hint, Screen } from "../Screen.ts"
import * as Sizes from "../Sizes.ts"
import * as Summary from "../Summary.ts"
import { UsageError } from "../UsageError.ts"

export type By = "host" | "status" | "reason"

const columns = ["urls", "saved", "unchanged", "failed", "refused", "pending", "beyond", "bytes"] as const
const cell = (counts: Counts, column: (typeof columns)[number]): string => {
  if (column === "bytes") return counts.bytes === 0 ? "-" : Sizes.format(counts.bytes)
  const count = column === "urls" ? counts.targets : counts[column]
  return count === 0 ? "-" : number(count)
}

/** Columns that are empty everywhere are left out. */
const countsTable = (
  rows: ReadonlyArray<{ readonly name: string; readonly counts: Counts }>,
  title: string,
  paint: Paint
) => {
  const used = columns.filter((column) => column === "urls" || rows.some(({ counts }) => cell(counts, column) !== "-"))
  return table(
    [...used, title],
    rows.map(({ name, counts }) => [...used.map((column) => cell(counts, column)), printable(name)]),
    [used.length],
    paint
  )
}

const byHost = ({ hosts, otherHosts }: Report, paint: Paint) =>
  countsTable(
    [
      ...hosts.map(({ host, ...counts }) => ({ name: host === "" ? "(no host)" : host, counts })),
      ...(otherHosts.targets > 0 ? [{ name: "all other hosts", counts: otherHosts }] : [])
    ],
    "host",
    paint
  )

const byStatus = ({ statuses }: Report, paint: Paint) =>
  countsTable(
    statuses.map(({ status, ...counts }) => ({ name: status === undefined ? "no answer" : `HTTP ${status}`, counts })),
    "last answer",
    paint
  )

const totals = (report: Report, width: number, paint: Paint) => {
  const rows = (
    [
      ["saved", report.saved],
      ["unchanged", report.unchanged],
      ["failed", report.failed],
      ["refused", report.refused],
      ["not done yet", report.pending],
      [`beyond ${report.limit === undefined ? "a limit" : Summary.limitFlag(report.limit)}`, report.beyond]
    ] as const
  ).filter(([name, count]) => count > 0 || name === "saved")
  const digits = Math.max(...rows.map(([, count]) => number(count).length))
  return [
    `${Summary.plural(report.targets, "URL")}, ${Sizes.format(report.bytes)} in files`,
    "",
    ...rows.map(([name, count]) => `  ${number(count).padStart(digits)}  ${name}`),
    ...(report.reasons.length === 0 ? [] : ["", "why", "", ...Summary.reasons(report, width, paint, 20)])
  ]
}

/** The text of a report, without a line break at its end. */
export const render = (report: Report, by: By | undefined, width: number, paint: Paint): string => {
  switch (by) {
    case "host":
      return byHost(report, paint).join("\n")
    case "status":
      return byStatus(report, paint).join("\n")
    case "reason":
      return report.reasons.length === 0
        ? "nothing failed or was refused"
        : Summary.reasons(report, width, paint, 100).join("\n")
    case undefined:
      return totals(report, width, paint).join("\n")
  }
}

const failedLine = (entry: Entry, json: boolean): string => {
  if (!("outcome" in entry)) return ""
  const { outcome } = entry
  if (json) return `${JSON.stringify(toJson(outcome))}\n`
  // The URL first: `cut -f1` gives the list to fetch again.
  return `${printable(outcome.url)}\t${"error" in outcome ? printable(outcome.error.message) : ""}\n`
}

interface Asked {
  readonly directory: string
  readonly failed: boolean
  readonly by: Option.Option<By>
  readonly json: boolean
  readonly html: Option.Option<string>
}

/** Each shows something else of the runs: of two, one would be left out without a word. */
const checkAsked = ({ failed, by, json, html }: Omit<Asked, "directory">): Effect.Effect<void, UsageError> => {
  const one = failed ? "--failed" : Option.isSome(by) ? `--by ${by.value}` : undefined
  const other =
    failed && Option.isSome(by) ? "--by" : Option.isSome(html) ? "--html" : json && !failed ? "--json" : undefined
  return one === undefined || other === undefined
    ? Effect.void
    : Effect.fail(
        UsageError.of(
          `\`${one}\` and \`${other}\` cannot be combined`,
          other === "--by" ? "ask twice" : `ask twice: \`${other}\` has the table of every host, status and reason`
        )
      )
}

const report = Effect.fnUntraced(function* ({ directory, failed, by, json, html }: Asked, quiet: boolean) {
  const screen = yield* Screen
  yield* checkAsked({ failed, by, json, html })
  const { entries, lost, unfinished, isHeld } = yield* (yield* Records).read(directory)
  if (failed) {
    return yield* Stream.runForEachArray(lost, (chunk) =>
      screen.data(chunk.map((entry) => failedLine(entry, json)).join(""))
    )
  }
  const fold = Reports.make()
  let urls = 0
  const show = quiet ? Effect.void : working(() => `${Summary.plural(urls, "URL")} read`, screen)
  const reading = Stream.runForEachArray(entries, (chunk) =>
    Effect.sync(() => {
      chunk.forEach(fold.add)
      urls += chunk.length
    })
  )
  yield* Effect.scoped(Effect.andThen(show, reading))
  const result = fold.result(json || Option.isSome(html) ? 1000 : 30)
  if (Option.isSome(html)) {
    yield* OutputFile.write("--html", html.value, [ReportPage.render(result, directory, RunTimes.read(directory))])
    if (!json) return screen.note(`report: ${printable(html.value)}`)
  }
  if (json) return yield* screen.data(`${JSON.stringify(result)}\n`)
  yield* screen.data(`${render(result, Option.getOrUndefined(by), screen.columns(), screen.paintData)}\n`)
  const next = [
    ...(result.pending + unfinished.length > 0 ? [Summary.finish(isHeld)] : []),
    ...Summary.beyond(result.limit, result.beyond),
    ...(Option.isNone(by) && result.failed + result.refused > 0
      ? [`\`${commandFor("simul report", directory)} --failed\` lists every URL and why`]
      : [])
  ]
  if (next.length > 0) screen.note(`\n${next.map((text) => hint(screen.paint, text)).join("\n")}`)
}, Effect.scoped)

export const command = Command.make(
  "report",
  {
    directory: directoryArgument,
    failed: onOff("failed", "List each URL that failed or was refused, a tab, and why"),
    by: Flag.Literals("by", ["host", "status", "reason"]).pipe(
      Flag.withMetavar("WHAT"),
      Flag.withDescription("One row for each host, status or reason"),
      last
    ),
    json: onOff("json", "One JSON object; with --failed one JSON line for each URL"),
    html: file("html", "The whole report as one HTML page")
  },
  Effect.fnUntraced(function* (asked) {
    yield* report(asked, yield* GlobalFlags.quiet)
  })
).pipe(
  Command.withDescription("Say what the runs in a directory did, from what they recorded."),
  Command.withShortDescription("Say what a run did"),
  Command.withExamples([
    { command: "simul report pages --by host", description: "Who answered, and how" },
    { command: "simul report pages --failed | cut -f1 > again.txt", description: "A list of what is missing" }
  ])
)
