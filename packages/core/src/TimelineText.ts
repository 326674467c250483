/**
 * A timeline as text for a terminal: one line a lane, time from left to right.
 *
 * 1. A cell is one character of `durationMs / cells`. Work is drawn as tall as
 *    the share of the cell that it takes (`▁` to `█`), however short it is; a
 *    cell without work shows what took most of it. A counter that is asked for
 *    is a line as well, as tall as its highest value in the cell.
 * 2. No line is wider than `width`, and there are at most `lanes` lines of lanes;
 *    what is not drawn is counted below.
 * 3. The same timeline and options give the same text.
 */
import type { Category, Lane, Timeline } from "./Timeline.ts"
import { duration, ticks } from "./TimelineLayout.ts"

/** How wide and how long the picture is, and what it is drawn with. */
export interface Options {
  /** Columns, 36 at least [100]. */
  readonly width?: number
  /** Lanes drawn: the first of the tree in the order of their start [60]. */
  readonly lanes?: number
  /** The counters that are drawn, and the value that fills the line of each: one scale for several timelines [none]. */
  readonly highest?: ReadonlyMap<string, number>
  /** ANSI colours [false]. */
  readonly colour?: boolean
  /** Characters beyond ASCII [true]. */
  readonly unicode?: boolean
}

/**
 * The options that suit a terminal. Colour only on a terminal, without `NO_COLOR` (https://no-color.org: any value
 * but the empty one) and with a `TERM` that is not `dumb`; ASCII where the locale names an encoding other than UTF-8.
 */
export const optionsFor = (
  env: Readonly<Record<string, string | undefined>>,
  stream: { readonly isTTY?: boolean; readonly columns?: number }
): Options => {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || ""
  return {
    ...(stream.columns === undefined ? {} : { width: stream.columns }),
    colour: stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    unicode: env["TERM"] !== "dumb" && !/^(?:C|POSIX)$|\.(?!utf-?8)/i.test(locale)
  }
}

interface Glyphs {
  /** Work by the share of the cell that it takes. */
  readonly work: string
  readonly worker: string
  readonly ready: string
  readonly waiting: string
  readonly ends: { readonly ok: string; readonly failed: string; readonly interrupted: string }
  readonly branch: string
  readonly axis: readonly [line: string, mark: string]
}
const blocks: Glyphs = {
  work: "▁▂▃▄▅▆▇█",
  worker: "▒",
  ready: "▓",
  waiting: "░",
  ends: { ok: "✔", failed: "✖", interrupted: "⊘" },
  branch: "└ ",
  axis: ["─", "┴"]
}
const ascii: Glyphs = {
  work: "-=##",
  worker: "%",
  ready: "+",
  waiting: ".",
  ends: { ok: "v", failed: "x", interrupted: "!" },
  branch: "` ",
  axis: ["-", "+"]
}

/** SGR codes by what is coloured. */
const codes = { work: 32, worker: 36, ready: 33, waiting: 90, ok: 32, failed: 31, interrupted: 35, axis: 90 }
type Colour = keyof typeof codes

/** The whole text, with a newline at its end. */
export const render = (timeline: Timeline, options: Options = {}): string => {
  const { unicode = true, colour = false, lanes: most = 60 } = options
  const width = Math.max(36, Math.floor(options.width ?? 100))
  const glyphs = unicode ? blocks : ascii
  const paint = (text: string, as: Colour) => (colour && text !== "" ? `\x1b[${codes[as]}m${text}\x1b[0m` : text)

  const rows = treeOf(timeline.lanes).slice(0, most)
  const label = ({ lane, depth }: Row) =>
    `${"  ".repeat(Math.max(0, depth - 1))}${depth > 0 ? glyphs.branch : ""}${printable(timeline.lanes[lane]!.name, unicode)}`
  const labels = rows.map(label)
  const counters = (timeline.counters ?? []).filter(({ name }) => options.highest?.has(name))
  const names = counters.map(({ name }) => printable(name, unicode))
  const gutter = Math.min(Math.max(4, ...[...labels, ...names].map(widthOf)), Math.floor(width / 3))
  // a blank on each side of the bar, and its end
  const cells = width - gutter - 3
  const cellMs = Math.max(timeline.durationMs, Number.MIN_VALUE) / cells
  const spans = spansOf(timeline)

  const lines = rows.map((row, index) => {
    const lane = timeline.lanes[row.lane]!
    const bar = drawn(timeline, lane, spans[row.lane]!, cells, cellMs, glyphs)
    const end = lane.end === undefined ? "" : paint(glyphs.ends[lane.end], lane.end)
    const text = runsOf(bar).map(({ text, as }) => (as === undefined ? text : paint(text, as)))
    // the mark of the end stands right behind the last cell
    return `${fitted(labels[index]!, gutter, unicode)} ${text.join("").trimEnd()}${end}`
  })
  return [
    ...axisOf(timeline.durationMs, gutter, cells, cellMs, glyphs).map((line) => paint(line, "axis")),
    ...lines,
    ...(rows.length < timeline.lanes.length
      ? [`${" ".repeat(gutter)} and ${timeline.lanes.length - rows.length} more ${timeline.words.lane}s`]
      : []),
    ...counters.map((counter, index) => {
      const bar = counted(counter, timeline.durationMs, options.highest!.get(counter.name)!, cells, cellMs, glyphs)
      return `${fitted(names[index]!, gutter, unicode)} ${paint(bar.trimEnd(), "worker")}`
    }),
    "",
    summary(timeline, counters, unicode),
    ...notes(timeline),
    ...legend(timeline, glyphs, paint),
    ""
  ].join("\n")
}

interface Row {
  readonly lane: number
  readonly depth: number
}

/** Lanes below the one that started them, each in the order of their start. */
const treeOf = (lanes: ReadonlyArray<Lane>): ReadonlyArray<Row> => {
  const children = new Map<number, Array<number>>()
  for (const [index, { parent = -1 }] of lanes.entries()) {
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [index])
    else siblings.push(index)
  }
  const rows: Array<Row> = []
  const pending = (children.get(-1) ?? []).map((lane) => ({ lane, depth: 0 })).toReversed()
  for (let row = pending.pop(); row !== undefined; row = pending.pop()) {
    rows.push(row)
    const { lane, depth } = row
    pending.push(...(children.get(lane) ?? []).map((child) => ({ lane: child, depth: depth + 1 })).toReversed())
  }
  return rows
}

type Spans = ReadonlyArray<Timeline["spans"][number]>

const spansOf = ({ lanes, spans }: Timeline): ReadonlyArray<Spans> => {
  const found: Array<Array<Timeline["spans"][number]>> = lanes.map(() => [])
  for (const span of spans) found[span.lane]!.push(span)
  return found
}

interface Cell {
  readonly text: string
  readonly as: Colour | undefined
}

const blank: Cell = { text: " ", as: undefined }

/** What a category is drawn as. */
const styleOf = ({ name, waiting }: Category): "work" | "worker" | "ready" | "waiting" =>
  name === "worker" ? "worker" : !waiting ? "work" : name === "ready" ? "ready" : "waiting"

/** The cells of a lane up to its end. */
const drawn = (
  { categories }: Timeline,
  lane: Lane,
  spans: Spans,
  cells: number,
  cellMs: number,
  glyphs: Glyphs
): ReadonlyArray<Cell> => {
  const styles = new Map(categories.map((category) => [category.name, styleOf(category)]))
  const cellOf = (ms: number) => Math.min(cells - 1, Math.floor(ms / cellMs + 1e-9))
  const last = Math.max(cellOf(lane.startMs), Math.min(cells - 1, Math.ceil(lane.endMs / cellMs - 1e-9) - 1))
  const shares = Array.from({ length: last + 1 }, () => ({ work: 0, worker: 0, ready: 0, waiting: 0 }))
  const instants = new Set<number>()
  for (const { category, startMs, endMs } of spans) {
    const style = styles.get(category) ?? "waiting"
    const from = Math.min(cellOf(startMs), last)
    if (style === "work") instants.add(from)
    for (let cell = from; cell <= last && cell * cellMs < endMs; cell++)
      shares[cell]![style] += Math.min(endMs, (cell + 1) * cellMs) - Math.max(startMs, cell * cellMs)
  }
  return shares.map((share, cell): Cell => {
    if (share.work > cellMs * 1e-9 || instants.has(cell)) {
      const level = Math.ceil((share.work / cellMs) * glyphs.work.length - 1e-6) - 1
      return { text: glyphs.work[Math.min(Math.max(level, 0), glyphs.work.length - 1)]!, as: "work" }
    }
    const { worker, ready, waiting } = share
    const most = Math.max(worker, ready, waiting)
    if (most <= 0) return blank
    const as = most === worker ? "worker" : most === ready ? "ready" : "waiting"
    return { text: glyphs[as], as }
  })
}

type Counter = NonNullable<Timeline["counters"]>[number]

const highestOf = ({ values }: Counter) => values.reduce((most, value) => Math.max(most, value), 0)

/** The cells of a counter: its highest value in each, of `most`. */
const counted = (
  { atMs, values }: Counter,
  durationMs: number,
  most: number,
  cells: number,
  cellMs: number,
  { work }: Glyphs
): string => {
  const tops = new Float64Array(cells)
  for (const [index, value] of values.entries()) {
    const untilMs = atMs[index + 1] ?? durationMs
    const from = Math.min(cells - 1, Math.floor(atMs[index]! / cellMs + 1e-9))
    for (let cell = from; cell < cells && (cell === from || cell * cellMs < untilMs - 1e-9 * cellMs); cell++)
      tops[cell] = Math.max(tops[cell]!, value)
  }
  return Array.from(tops, (top) =>
    top <= 0 ? " " : work[Math.min(work.length, Math.max(1, Math.ceil((top / most) * work.length - 1e-6))) - 1]!
  ).join("")
}

/** Neighbours of one colour together. */
const runsOf = (cells: ReadonlyArray<Cell>): ReadonlyArray<Cell> => {
  const runs: Array<{ text: string; readonly as: Colour | undefined }> = []
  for (const { text, as } of cells) {
    const last = runs.at(-1)
    if (last !== undefined && last.as === as) last.text += text
    else runs.push({ text, as })
  }
  return runs
}

/** Times over a line with a mark at each. */
const axisOf = (durationMs: number, gutter: number, cells: number, cellMs: number, glyphs: Glyphs) => {
  const line = Array.from({ length: cells }, () => glyphs.axis[0])
  const text = Array.from({ length: cells + 10 }, () => " ")
  let free = 0
  for (const ms of durationMs > 0 ? ticks(0, durationMs, Math.max(2, cells / 12)).at : [0]) {
    const cell = Math.min(cells - 1, Math.floor(ms / cellMs + 1e-9))
    const words = plain(duration(Number(ms.toPrecision(12))), glyphs !== ascii)
    line[cell] = glyphs.axis[1]
    if (cell < free || cell + words.length > cells + 2) continue
    for (const [index, character] of Array.from(words).entries()) text[cell + index] = character
    free = cell + words.length + 1
  }
  const margin = " ".repeat(gutter + 1)
  return [`${margin}${text.join("").trimEnd()}`, `${margin}${line.join("")}`]
}

/** Time covered by at least one of some stretches. */
const covered = (stretches: ReadonlyArray<{ readonly startMs: number; readonly endMs: number }>): number => {
  let sum = 0
  let untilMs = -Infinity
  for (const { startMs, endMs } of stretches.toSorted((a, b) => a.startMs - b.startMs)) {
    sum += Math.max(0, endMs - Math.max(startMs, untilMs))
    untilMs = Math.max(untilMs, endMs)
  }
  return sum
}

/** The most of some stretches at one time; one that ends when another starts is over. */
const mostAtOnce = (stretches: ReadonlyArray<{ readonly startMs: number; readonly endMs: number }>): number => {
  const ends = stretches.map(({ endMs }) => endMs).toSorted((a, b) => a - b)
  let over = 0
  let most = 0
  for (const [index, { startMs }] of stretches.toSorted((a, b) => a.startMs - b.startMs).entries()) {
    while (ends[over]! <= startMs && over < index) over++
    most = Math.max(most, index + 1 - over)
  }
  return most
}

const percent = (part: number) => `${(100 * part).toFixed(1)} %`

const summary = (timeline: Timeline, counters: ReadonlyArray<Counter>, unicode: boolean): string => {
  const { lanes, spans, categories, durationMs, words, thread } = timeline
  // beside a thread that is told of, its workers are told of apart
  const isWork = ({ name, waiting }: Category) => !waiting && (thread === undefined || name !== "worker")
  const work = new Set(categories.filter(isWork).map(({ name }) => name))
  const share = (ms: number) => percent(durationMs > 0 ? ms / durationMs : 0)
  const workers = lanes.filter(({ group }) => group === "workers" && thread !== undefined)
  const others = workers.length === 0 ? lanes : lanes.filter((lane) => !workers.includes(lane))
  const parts = [
    `wall ${duration(durationMs)}`,
    ...(lanes.length === 0 && counters.length > 0
      ? []
      : [
          `${thread === undefined ? "at work" : `${thread.name} busy`} ${share(covered(spans.filter(({ category }) => work.has(category))))}`,
          `${others.length} ${words.lane}${others.length === 1 ? "" : "s"}, at most ${mostAtOnce(others)} at once`
        ]),
    ...counters.map((counter) => `${counter.name} at most ${Number(highestOf(counter).toPrecision(4))}`)
  ]
  if (workers.length > 0) {
    const busyMs = workers.reduce((sum, { times }) => sum + (times["worker"] ?? 0), 0)
    const aliveMs = workers.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)
    const tasks = spans.filter(({ category }) => category === "worker")
    parts.push(
      `${workers.length} worker${workers.length === 1 ? "" : "s"} busy ${percent(aliveMs > 0 ? busyMs / aliveMs : 0)}, ` +
        `at most ${mostAtOnce(tasks)} at once`
    )
  }
  return plain(parts.join(unicode ? " · " : "; "), unicode)
}

const notes = ({ leftOut, words }: Timeline): ReadonlyArray<string> => [
  ...(leftOut.events === undefined ? [] : [`${leftOut.events} older events were overwritten`]),
  ...(leftOut.lanes === 0 ? [] : [`${leftOut.lanes} ${words.lane}s are not kept`])
]

const legend = (
  { categories, lanes, spans }: Timeline,
  glyphs: Glyphs,
  paint: (text: string, as: Colour) => string
) => {
  const used = new Set([...lanes.flatMap(({ times }) => Object.keys(times)), ...spans.map(({ category }) => category)])
  const styles = new Set(categories.filter(({ name }) => used.has(name)).map(styleOf))
  const words = { work: "running", worker: "worker", ready: "ready", waiting: "waiting" } as const
  const ends = new Set(lanes.flatMap(({ end }) => (end === undefined ? [] : [end])))
  const entries = [
    ...(["work", "ready", "waiting", "worker"] as const).flatMap((style) =>
      styles.has(style)
        ? [`${paint(style === "work" ? glyphs.work.at(-1)! : glyphs[style], style)} ${words[style]}`]
        : []
    ),
    ...(["ok", "failed", "interrupted"] as const).flatMap((end) =>
      ends.has(end) ? [`${paint(glyphs.ends[end], end)} ${end}`] : []
    )
  ]
  return entries.length === 0 ? [] : [entries.join("  ")]
}

/** Text that cannot move the cursor: names may come from anywhere. */
const printable = (text: string, unicode: boolean) =>
  // oxlint-disable-next-line no-control-regex
  plain(text.replace(/[\p{C}\u2028\u2029]/gu, "?"), unicode)

const plain = (text: string, unicode: boolean) =>
  unicode ? text : text.replaceAll("µ", "u").replace(/[^\x20-\x7e]/g, "?")

/** Columns of a terminal that a character takes, nearly: East Asian ones and pictures take two, marks on others none. */
const columnsOf = (character: string) =>
  /^\p{M}$/u.test(character)
    ? 0
    : /^(?:[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})$/u.test(
          character
        )
      ? 2
      : 1

const widthOf = (text: string) => Array.from(text).reduce((sum, character) => sum + columnsOf(character), 0)

/** Exactly that wide: the middle is left out, since names differ at their ends. */
const fitted = (text: string, width: number, unicode: boolean): string => {
  const whole = widthOf(text)
  if (whole <= width) return text + " ".repeat(width - whole)
  const part = (characters: ReadonlyArray<string>, most: number) => {
    let columns = 0
    return characters.filter((character) => (columns += columnsOf(character)) <= most)
  }
  const characters = Array.from(text)
  const head = part(characters, Math.ceil((width - 1) / 2)).join("")
  const tail = part(characters.toReversed(), width - 1 - widthOf(head))
    .toReversed()
    .join("")
  const found = head + (unicode ? "…" : "~") + tail
  return found + " ".repeat(width - widthOf(found))
}
