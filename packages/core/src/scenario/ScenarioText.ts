/**
 * A played scenario as text for a terminal: question, pictures, theory beside what was measured, what it teaches.
 *
 * 1. Pictures of one run have one scale: an hour is as wide in each, down to a width of 40.
 * 2. No line of the table is wider than the terminal, where that can be: what theory says goes below what is measured.
 *    No line of the pictures is, from a width of 40.
 * 3. Pictures stand beside each other as far as there is room, each at least 36 wide; then comes the next row of them.
 * 4. The same run and options give the same text; it says nothing of the machine that wrote it.
 */
import type { Timeline } from "../Timeline.ts"
import { duration } from "../TimelineLayout.ts"
import * as TimelineText from "../TimelineText.ts"
import { type Check, measuredOf, type Played, type Scenario } from "./Scenario.ts"
import * as Stage from "./Stage.ts"
import type { StageEvent } from "./Stage.ts"

export interface Options extends TimelineText.Options {
  /** Pictures beside each other instead of below, as many as fit [false]. */
  readonly compare?: boolean
}

/** Everything, with a newline at its end. */
export const render = (scenario: Scenario, played: Played, options: Options = {}): string =>
  [
    opening(scenario, played.parameters, options),
    pictures(Stage.timelines(played.events), played.events, options),
    reveal(scenario, played, options)
  ].join("\n")

/** What stands before the run. */
export const opening = (
  { name, title, question }: Scenario,
  parameters: Played["parameters"],
  options: Options = {}
): string =>
  [
    `${bold(title, options)} (${name})`,
    "",
    ...wrap(`Predict: ${question.text(parameters)}`, widthOf(options)),
    ""
  ].join("\n")

/** What stands after the pictures. */
export const reveal = (scenario: Scenario, played: Played, options: Options = {}): string => {
  const width = widthOf(options)
  const { prose, corrections = [], model } = scenario
  return [
    ...table(played, options),
    "",
    ...prose(played.parameters, measuredOf(played)).flatMap((paragraph) => [...wrap(paragraph, width), ""]),
    ...corrections.flatMap((correction) => [
      ...wrap(
        "says" in correction ? `The tutorial says: ${correction.says}.` : `In the tutorial ${correction.does}.`,
        width
      ),
      ...wrap(`It is so: ${correction.is}.`, width - 2).map((line) => `  ${line}`),
      ""
    ]),
    ...(model === undefined || played.mode === "real" ? [] : [...wrap(`Modelled: ${model}`, width), ""]),
    ...remarks(played).flatMap((remark) => [...wrap(remark, width), ""]),
    verdict(played),
    ""
  ].join("\n")
}

/** How many of the predictions that can be judged hold. */
export const verdict = ({ checks, mode }: Pick<Played, "checks" | "mode">): string => {
  const judged = checks.filter(({ holds }) => holds !== undefined)
  const busy = checks.filter(({ isBusy }) => isBusy).length
  return `${judged.filter(({ holds }) => holds).length} of ${judged.length} predictions hold, ${
    busy === 0 ? "" : `${busy} not judged: the machine was busy, `
  }${mode === "virtual" ? "in virtual time" : "measured on this machine"}`
}

/** What a real run must say of its machine. */
export const remarks = ({
  mode,
  checks,
  inLine,
  loopInLineMs
}: Pick<Played, "mode" | "checks" | "inLine" | "loopInLineMs">): ReadonlyArray<string> =>
  mode === "virtual"
    ? []
    : [
        ...(inLine < 0.05
          ? []
          : [
              `The cores were busy: work stood in line for one for ${(100 * inLine).toFixed(0)} % of its time. How many times as fast something is leaves that out; the pictures show it.`
            ]),
        ...(checks.some(({ isBusy }) => isBusy)
          ? [
              `What is marked with ? is not judged. It is off by no more than that explains: the event loop stood in line for ${duration(loopInLineMs)} of this run. On an idle machine it would be judged; in virtual time (\`--virtual\`) nothing stands in line.`
            ]
          : []),
        ...(checks.some(({ holds }) => holds === false)
          ? [
              `A real machine has more to do than theory knows${loopInLineMs < 1 ? "" : `: in this run the event loop stood in line for ${loopInLineMs.toFixed(0)} ms, and so late its timers may have been`}. In virtual time (\`--virtual\`) it has nothing else to do.`
            ]
          : [])
      ]

const widthOf = ({ width = 100 }: Options) => Math.max(40, width)

const bold = (text: string, { colour = false }: Options) => (colour ? `\x1b[1m${text}\x1b[22m` : text)
const painted = (text: string, code: number, { colour = false }: Options) =>
  colour ? `\x1b[${code}m${text}\x1b[39m` : text

/** Lines of at most `width` cells, broken at blanks or at another gap. */
const wrap = (text: string, width: number, gap = " "): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(gap)) {
    if (line !== "" && cellsOf(line) + gap.length + cellsOf(word) > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line}${gap}${word}`
  }
  return [...lines, line]
}

/** The pictures of all variants, with what was said in them. */
export const pictures = (
  timelines: ReadonlyArray<Timeline>,
  events: ReadonlyArray<StageEvent>,
  options: Options = {}
) => {
  const width = widthOf(options)
  const room = options.compare === true ? Math.floor((width + 3) / (36 + 3)) : 1
  const columns = Math.max(1, Math.min(room, timelines.length))
  const share = Math.floor((width - 3 * (columns - 1)) / columns)
  const longestMs = Math.max(...timelines.map(({ durationMs }) => durationMs))
  const highest = new Map<string, number>()
  for (const { name, values } of timelines.flatMap(({ counters = [] }) => counters))
    highest.set(
      name,
      values.reduce((most, value) => Math.max(most, value), highest.get(name) ?? 0)
    )
  const picture = (timeline: Timeline) => {
    if (timeline.lanes.length === 0 && timeline.counters?.length === 0) return []
    const gutter = gutterOf(timeline)
    const cells = Math.round((share - gutter) * (timeline.durationMs / longestMs))
    const narrowed = Math.min(share, Math.max(40, gutter + cells))
    const text = TimelineText.render(timeline, { lanes: 24, highest, ...options, width: narrowed })
    return text.trimEnd().split("\n")
  }
  const drawn = timelines.map((timeline, variant) => [
    ...wrap(timeline.title, share).map((line) => bold(line, options)),
    ...picture(timeline),
    ...transcript(events.filter((event) => event.variant === variant)),
    ""
  ])
  const rows = Array.from({ length: Math.ceil(drawn.length / columns) }, (_, row) =>
    drawn.slice(row * columns, (row + 1) * columns).map((lines) => lines.flatMap((line) => folded(line, share)))
  )
  return rows.flatMap((row) => beside(row, share)).join("\n")
}

/** A line in as many as it needs, its parts whole where they can be. Lines of pictures are never too wide. */
const folded = (line: string, share: number): ReadonlyArray<string> => {
  if (cellsOf(line) <= share) return [line]
  const text = line.trimStart()
  const indent = line.slice(0, line.length - text.length)
  const left = share - indent.length - 2
  const gap = [" · ", "  "].find((each) => text.includes(each)) ?? " "
  return wrap(text, left, gap)
    .flatMap((part) => wrap(part, left))
    .map((part, index) => (indent === "" || index === 0 ? indent : `${indent}  `) + part)
}

/** What `TimelineText` keeps for names, blanks and ends. */
const gutterOf = ({ lanes, counters = [] }: Timeline) =>
  3 + Math.max(4, ...[...lanes, ...counters].map(({ name }) => name.length))

const beside = (drawn: ReadonlyArray<ReadonlyArray<string>>, share: number): ReadonlyArray<string> =>
  Array.from({ length: Math.max(...drawn.map(({ length }) => length)) }, (_, row) =>
    drawn
      .map((lines) => (lines[row] ?? "") + " ".repeat(Math.max(0, share - cellsOf(lines[row] ?? ""))))
      .join(" │ ")
      .trimEnd()
  )

/** Cells that text takes, without its colours. */
// oxlint-disable-next-line no-control-regex
const cellsOf = (text: string) => text.replace(/\x1b\[\d+m/g, "").length

const mostLines = 24

/** What lanes said, a column a lane. */
const transcript = (events: ReadonlyArray<StageEvent>): ReadonlyArray<string> => {
  const said = events.filter((event) => event._tag === "Said")
  const lanes = [...new Set(said.map(({ lane }) => lane))].toSorted()
  const isTimeless = events.every(({ atMs }) => atMs === 0)
  const lines = said.map(({ atMs, lane, text }) =>
    isTimeless
      ? `  ${lane}: ${text}`
      : `${(atMs / 1000).toFixed(4).padStart(10)} s  ${" ".repeat(8 * lanes.indexOf(lane))}${text}`
  )
  if (lines.length === 0) return []
  const left = lines.length - mostLines
  return ["", ...lines.slice(0, mostLines), ...(left > 0 ? [`  and ${left} lines more`] : [])]
}

/** A number as one reads it, with its unit. */
export const shown = (value: number | string | undefined, unit = ""): string => {
  if (value === undefined) return "-"
  if (typeof value === "string") return value
  const digits = Number.isInteger(value)
    ? String(value)
    : Math.abs(value) >= 100
      ? value.toFixed(1)
      : String(Number(value.toPrecision(3)))
  return unit === "" ? digits : `${digits} ${unit}`
}

const relation = { equal: "", "at most": "≤ ", "at least": "≥ " } as const

const rowOf = ({ what, formula, value, unit, is = "equal", measured, holds, only, isBusy }: Check) =>
  [
    what,
    formula,
    relation[is] + shown(value, unit),
    holds === undefined && !isBusy ? `${only} runs only` : shown(measured, unit),
    isBusy ? "?" : holds === undefined ? " " : holds ? "✔" : "✖"
  ] as const

/** Longer texts have a line of their own. */
const longestCell = 26

const table = ({ checks }: Played, options: Options): ReadonlyArray<string> => {
  const rows = checks.map(rowOf)
  const isLong = ({ value, measured }: Check) =>
    typeof value === "string" && Math.max(value.length, String(measured).length) > longestCell
  const cells = [
    ["", "theory", "predicted", "measured", ""] as const,
    ...rows.map((row, index) =>
      isLong(checks[index]!) ? ([row[0], row[1], "below", row[4] === "✔" ? "the same" : "below", row[4]] as const) : row
    )
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]!.length)))
  const width = widthOf(options)
  const isWide = widths.reduce((sum, one) => sum + one + 2, 1) <= width
  const both = Math.max(widths[0]!, widths[1]! + 2)
  const firstWidth = isWide ? widths[0]! : Math.min(both, Math.max(16, width - widths[2]! - widths[3]! - 7))
  const lines = cells.flatMap(([what, formula, predicted, measured, mark], index) => {
    const [first = "", ...others] = isWide
      ? [what]
      : [...wrap(what, firstWidth), ...(index === 0 ? [] : wrap(formula, firstWidth - 2).map((line) => `  ${line}`))]
    const line = [
      first.padEnd(firstWidth),
      ...(isWide ? [formula.padEnd(widths[1]!)] : []),
      predicted.padStart(widths[2]!),
      measured.padStart(widths[3]!),
      mark === "✔" || mark === "✖" ? painted(mark, mark === "✔" ? 32 : 31, options) : mark
    ]
      .join("  ")
      .trimEnd()
    const check = checks[index - 1]
    if (check === undefined || !isLong(check)) return [line, ...others]
    const texts = [`predicted  ${check.value}`, ...(check.holds ? [] : [`measured   ${check.measured}`])]
    return [line, ...others, ...texts.flatMap((text) => wrap(text, width - 2).map((line) => `  ${line}`))]
  })
  return options.unicode === false ? lines.map(ascii) : lines
}

const ascii = (text: string) =>
  text.replaceAll("≤", "<=").replaceAll("≥", ">=").replaceAll("✔", "v").replaceAll("✖", "x")
