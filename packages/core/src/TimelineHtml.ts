/**
 * A timeline as one HTML file that needs nothing else: no network, no server.
 *
 * 1. The tables are plain HTML, so the file says where the time went even where
 *    scripts are off; the chart above them is drawn by its script.
 * 2. Every text from outside (a URL may hold `</script>`) is escaped: as markup
 *    in the tables, as JSON without `<` in the data. A Content-Security-Policy
 *    lets only this file's own script run, and nothing be loaded.
 */
import type { Flow, Lane, Times, Timeline, Total } from "./Timeline.ts"
import { duration, firstAfter, pack, pieces, ticks } from "./TimelineLayout.ts"
import { colours } from "./TimelineColours.ts"
import { script, style } from "./TimelinePage.ts"

/** Text as HTML, in content and in quoted attributes. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** What is not for the inside of a script element: with `<` it could end or open something (HTML 13.1.3.1). */
const unsafe = /[<\u2028\u2029]/g
const embedded = (value: unknown): string =>
  JSON.stringify(value).replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

const microseconds = (ms: number) => Math.round(ms * 1000)
const rounded = (ms: number) => microseconds(ms) / 1000
const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ",")
const counted = (count: number, word: string) => `${grouped(count)} ${word}${count === 1 ? "" : "s"}`

const ends: ReadonlyArray<Lane["end"]> = ["ok", "failed", "interrupted"]
const flowKinds: ReadonlyArray<Flow["kind"]> = ["fork", "wake", "submit", "result"]

/** Entries of a list that are written at once: what is made for them is garbage again before there is much of it. */
const mostAtOnce = 1000

/** A list in JSON, in pieces. `put` adds the entries that stand for an item. */
function* listed<A>(
  name: string,
  items: ReadonlyArray<A>,
  put: (entries: Array<unknown>, item: A, index: number) => void
) {
  let before = `,"${name}":[`
  let entries: Array<unknown> = []
  for (let index = 0; index < items.length; index++) {
    put(entries, items[index]!, index)
    if (entries.length < mostAtOnce) continue
    yield before + embedded(entries).slice(1, -1)
    before = ","
    entries = []
  }
  if (entries.length > 0 || before !== ",") yield before + embedded(entries).slice(1, -1)
  yield "]"
}

/**
 * What the script reads, in the compact form it expects: names by index, numbers in a row.
 *
 * A span is four numbers: lane, category, microseconds since the end of the one before on its lane, and its length;
 * small whole numbers are written several times as fast as times with a fraction. What else is known of a span is its
 * index, its name and its arguments, 0 for none.
 */
function* dataOf(timeline: Timeline): Generator<string> {
  const { lanes, spans, overview } = timeline
  const indexOf = new Map(timeline.categories.map(({ name }, index) => [name, index]))
  const groups = new Map<string, number>()
  const groupOf = (name: string) => {
    let index = groups.get(name)
    if (index === undefined) groups.set(name, (index = groups.size))
    return index
  }
  const timesOf = (times: Times) => {
    const numbers: Array<number> = []
    for (const name in times) numbers.push(indexOf.get(name)!, rounded(times[name]!))
    return numbers
  }
  const about = {
    durationMs: rounded(timeline.durationMs),
    words: timeline.words,
    categories: timeline.categories.map(({ name, waiting }) => ({ name, waiting })),
    colours: colours(timeline.categories),
    runs: timeline.runs ?? [{ title: timeline.title, firstLane: 0, durationMs: rounded(timeline.durationMs) }],
    flowKinds,
    counters: (timeline.counters ?? []).map(({ name, atMs, values }) => ({
      name,
      at: atMs.map(rounded),
      values: values.map(rounded)
    })),
    overview: { binMs: overview.binMs, counts: overview.counts.map((values) => values.map(rounded)) }
  }
  yield embedded(about).slice(0, -1)
  yield* listed("lanes", lanes, (entries, { name, group, startMs, endMs, times, arguments: known, parent, end }) =>
    entries.push([
      name,
      groupOf(group),
      rounded(startMs),
      rounded(endMs),
      timesOf(times),
      known ?? {},
      parent ?? -1,
      ends.indexOf(end ?? "ok")
    ])
  )
  let before = -1
  let at = 0
  yield* listed("spans", spans, (entries, { lane, category, startMs, endMs }) => {
    if (lane !== before) at = 0
    before = lane
    const start = microseconds(startMs)
    const end = microseconds(endMs)
    entries.push(lane, indexOf.get(category)!, start - at, end - start)
    at = end
  })
  yield* listed("about", spans, (entries, { name, category, arguments: known }, index) => {
    if (name !== category || known !== undefined) entries.push(index, name === category ? 0 : name, known ?? 0)
  })
  yield* listed("flows", timeline.flows ?? [], (entries, { kind, from, to, fromMs, toMs }) =>
    entries.push(flowKinds.indexOf(kind), from, to, rounded(fromMs), rounded(toMs))
  )
  yield `,"groups":${embedded([...groups.keys()])}}`
}

const sumOf = (totals: ReadonlyArray<Total>, of: (total: Total) => number) =>
  totals.reduce((sum, total) => sum + of(total), 0)

const sum = (times: Times) => Object.values(times).reduce((total, ms) => total + ms, 0)

/** The categories that took any time, with their index. */
const usedOf = ({ categories, totals }: Timeline) =>
  categories
    .map((category, index) => ({
      ...category,
      index,
      ms: totals.reduce((total, { times }) => total + (times[category.name] ?? 0), 0)
    }))
    .filter(({ ms }) => ms > 0)

type Used = ReturnType<typeof usedOf>

const swatch = (index: number) => `<span class="swatch c${index}"></span>`

const share = (part: number) => (part < 0.0005 ? "&lt; 0.1 %" : `${(100 * part).toFixed(1)} %`)

const causes = (used: Used): string => {
  const total = used.reduce((total, { ms }) => total + ms, 0)
  const rows = used
    .toSorted((a, b) => b.ms - a.ms)
    .map(
      ({ name, description, index, ms }) =>
        `<tr><th scope="row">${swatch(index)}${escaped(name)}</th><td class="number">${duration(ms)}</td>` +
        `<td class="number">${share(ms / total)}</td>` +
        `<td><svg width="140" height="10" aria-hidden="true"><rect class="f${index}" height="10" ` +
        `width="${((140 * ms) / total).toFixed(2)}"/></svg></td>` +
        `<td class="about">${escaped(description)}</td></tr>`
    )
  return (
    `<table id="causes"><thead><tr><th scope="col">Cause</th><th scope="col" class="number">Time</th>` +
    `<th scope="col" class="number">Share</th><th></th><th scope="col">What it is</th></tr></thead>` +
    `<tbody>${rows.join("")}</tbody></table>`
  )
}

const groupTable = (totals: ReadonlyArray<Total>, used: Used, words: Timeline["words"]): string => {
  const hasFailed = totals.some(({ failed = 0 }) => failed > 0)
  const head = used.map(({ name, index }) => `<th scope="col" class="number">${swatch(index)}${escaped(name)}</th>`)
  const rows = totals.map(
    ({ group, lanes, failed = 0, times }) =>
      `<tr><th scope="row">${escaped(group)}</th><td class="number">${grouped(lanes)}</td>` +
      (hasFailed ? `<td class="number">${failed === 0 ? "" : grouped(failed)}</td>` : "") +
      `<td class="number">${duration(sum(times))}</td>` +
      used
        .map(({ name }) => `<td class="number">${times[name] === undefined ? "" : duration(times[name])}</td>`)
        .join("") +
      "</tr>"
  )
  return (
    `<table id="groups"><thead><tr><th scope="col">${capital(words.group)}</th>` +
    `<th scope="col" class="number">${capital(words.lane)}s</th>` +
    (hasFailed ? `<th scope="col" class="number"><span class="swatch failed"></span>Failed</th>` : "") +
    `<th scope="col" class="number">Together</th>` +
    `${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`
  )
}

const capital = (word: string) => escaped(word.slice(0, 1).toUpperCase() + word.slice(1))

const slowestShown = 10

/** The lanes with most time at work and between attempts: not what they waited before it began. */
const slowest = ({ lanes, categories, words }: Timeline): string => {
  const waits = categories.filter(({ waiting }) => waiting).map(({ name }) => name)
  const work = ({ times }: Lane) => sum(times) - waits.reduce((total, name) => total + (times[name] ?? 0), 0)
  const rows = lanes
    .map((lane, index) => ({ lane, index, ms: work(lane) }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, slowestShown)
    .map(
      ({ lane, index, ms }) =>
        `<tr><td class="number">${duration(ms)}</td><td class="number">${duration(lane.endMs - lane.startMs)}</td>` +
        `<td><button type="button" data-lane="${index}">${escaped(lane.name)}</button></td></tr>`
    )
  return (
    `<table id="slowest"><thead><tr><th scope="col" class="number">At work</th>` +
    `<th scope="col" class="number">In all</th><th scope="col">${capital(words.lane)}</th></tr></thead>` +
    `<tbody>${rows.join("")}</tbody></table>`
  )
}

const summary = ({ totals, words, durationMs, startedAtMs, leftOut, runs }: Timeline): string => {
  const lanes = totals.reduce((count, total) => count + total.lanes, 0)
  const groups = counted(totals.length, words.group)
  const about =
    `${counted(lanes, words.lane)} in ${duration(durationMs)}` +
    (lanes === 0 ? "" : `, ${leftOut.ungrouped === 0 ? groups : `more than ${groups}`}`) +
    `, begun ${new Date(startedAtMs).toISOString().slice(0, 19)}Z`
  const missing = [
    ...(leftOut.lanes === 0 ? [] : [counted(leftOut.lanes, words.lane)]),
    ...(leftOut.spans === 0 ? [] : [`${counted(leftOut.spans, "span")} of others`])
  ]
  const lost =
    leftOut.events === undefined
      ? ""
      : `<p id="overwritten">${counted(leftOut.events, "older event")} overwritten: what happened before is not known.</p>`
  const note =
    missing.length === 0
      ? ""
      : `<p id="left-out">Not drawn, but in the overview and the sums: ${missing.join(" and ")}. ` +
        `Drawn are the first, the last and the slowest ${escaped(words.lane)}s, and samples of those that failed and of all.</p>`
  const each = (runs ?? []).map(({ title, durationMs }) => `<li>${escaped(title)}: ${duration(durationMs)}</li>`)
  return `<p>${escaped(about)}</p>${each.length === 0 ? "" : `<ul id="runs">${each.join("")}</ul>`}${note}${lost}`
}

/**
 * The whole file. `nonce` names its script and style in the policy; it is to be
 * such that no text in the timeline can know it.
 */
export const render = (timeline: Timeline, nonce?: string): string => Array.from(chunks(timeline, nonce)).join("")

/** The same in pieces, made as they are taken: a long run is never in memory as one text. */
export function* chunks(timeline: Timeline, nonce: string = crypto.randomUUID()): Generator<string> {
  const { title, words, categories, totals } = timeline
  const used = usedOf(timeline)
  const isTree = timeline.lanes.some(({ parent }) => parent !== undefined)
  const fills = colours(categories).map(
    (colour, index) => `.c${index} { background: ${colour} } .f${index} { fill: ${colour} }`
  )
  const layout = Object.entries({ pieces, pack, firstAfter, ticks, duration }).map(
    ([name, code]) => `const ${name} = ${code.toString()}`
  )
  const { counters: counted } = timeline
  const counters =
    counted === undefined || counted.length === 0
      ? ""
      : `<canvas id="counters" role="img" aria-label="${escaped(counted.map(({ name }) => name).join(", "))} over time"></canvas>`
  const legend = used.map(
    ({ name, description, index }) => `<li title="${escaped(description)}">${swatch(index)}${escaped(name)}</li>`
  )
  const drawn = timeline.lanes.filter(({ end }) => end === "failed").length
  const failed = Math.max(
    drawn,
    sumOf(totals, ({ failed = 0 }) => failed)
  )
  if (failed > 0)
    legend.push(
      `<li title="search for &quot;failed&quot; to see them alone"><span class="swatch failed"></span>failed: ` +
        `${grouped(failed)}${drawn < failed ? `, ${grouped(drawn)} drawn` : ""}</li>`
    )
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style nonce="${nonce}">${style}${fills.join("\n")}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1>${summary(timeline)}</header>
<div class="bar">
<span role="group" aria-label="View"><button type="button" data-view="work" aria-pressed="true" title="One row for each that ran at the same time">At work</button><button type="button" data-view="lanes" aria-pressed="false" title="One row each, with its waiting">Every ${escaped(words.lane)}</button></span>
<span role="group" aria-label="Zoom"><button type="button" id="farther" aria-label="Zoom out">−</button><button type="button" id="closer" aria-label="Zoom in">+</button><button type="button" id="fit">Whole run</button></span>
<span><input id="search" type="search" placeholder="Search ${escaped(words.lane)}s" aria-label="Search ${escaped(words.lane)}s"><output id="found" for="search"></output></span>
</div>
<canvas id="overview" role="img" aria-label="How many ${escaped(words.lane)}s worked and waited over time; the table below has the sums"></canvas>
${counters}
<ul class="legend">${legend.join("")}</ul>
<div id="chart" tabindex="0" role="application" aria-label="Timeline: arrows pan, plus and minus zoom, n and p step through ${escaped(words.lane)}s"><div id="spacer"><canvas id="canvas"></canvas></div></div>
<p class="keys">Wheel zooms, drag pans, a double click fills the view. Keys: <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> pan, <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom, <kbd>n</kbd> <kbd>p</kbd> next and previous, <kbd>Enter</kbd> fill, <kbd>/</kbd> search.${isTree ? ` <kbd>u</kbd> who started it, <kbd>f</kbd> or a click on a name folds.` : ""}</p>
<div id="card" role="status" aria-live="polite" hidden></div>
<h2>Where the time went</h2>
<p>Summed over all ${escaped(words.lane)}s: many of them wait and work at the same time.</p>
<div class="scroll">${causes(used)}</div>
<h2>By ${escaped(words.group)}</h2>
<div class="scroll">${groupTable(totals, used, words)}</div>
<h2>Longest at work</h2>
<div class="scroll">${slowest(timeline)}</div>
<script type="application/json" id="timeline">`
  yield* dataOf(timeline)
  yield `</script>
<script nonce="${nonce}">"use strict"
const timeline = JSON.parse(document.getElementById("timeline").textContent)
${layout.join("\n")}
${script}</script>
</body>
</html>
`
}
