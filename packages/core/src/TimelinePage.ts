/**
 * The style and the script that `TimelineHtml` puts into its file.
 *
 * The script finds `timeline` (the data), the functions of `TimelineLayout` and
 * the elements of the page. Whatever came from a network is drawn on the canvas
 * or set as text, never as markup.
 *
 * A frame costs what is in view: rows are found by division, spans by binary
 * search; spans that share their last pixel with a neighbour are not drawn, and
 * those of a pixel or two are one box with a neighbour that looks the same.
 * Of the flows those of one lane are drawn, and of them a bounded number.
 */

export const style = String.raw`
:root { color-scheme: light dark; --back: #fff; --panel: #f6f7f9; --text: #1d2430; --dim: #667085; --line: #e1e5eb;
  --accent: #2f6fe4; --fail: #c8203c; --ink: #111722; --row: #f6f7f9; --veil: rgb(255 255 255 / .78) }
@media (prefers-color-scheme: dark) { :root { --back: #12161d; --panel: #1a2029; --text: #e6eaf0; --dim: #94a0b3;
  --line: #2b3442; --accent: #7fabff; --fail: #ff5a6e; --row: #171c25; --veil: rgb(18 22 29 / .8) } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1600px; padding: 20px 28px 48px; background: var(--back); color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums }
h1 { margin: 0; font-size: 22px; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere }
h2 { margin: 32px 0 8px; font-size: 16px; font-weight: 650 }
p { margin: 2px 0 0; color: var(--dim) }
button, input { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line);
  border-radius: 6px; padding: 3px 10px; min-height: 30px }
button { cursor: pointer }
button:hover { border-color: var(--dim) }
button[aria-pressed=true] { background: var(--text); color: var(--back); border-color: var(--text) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.bar { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin: 16px 0 10px }
.bar > span { display: inline-flex; gap: 4px; align-items: center }
.bar input { width: 240px }
#found { color: var(--dim); min-width: 4em; padding-left: 6px }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 0; padding: 0; list-style: none; color: var(--dim);
  font-size: 13px }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px }
.failed { height: 2px; border-radius: 0; background: var(--fail); vertical-align: middle }
#overview { display: block; width: 100%; height: 96px; cursor: ew-resize; touch-action: none }
#counters { display: block; width: 100%; margin-top: 4px }
#runs { margin: 2px 0; padding-left: 18px; color: var(--dim) }
#chart { position: relative; max-height: min(62vh, 720px); overflow: hidden auto;
  border: 1px solid var(--line); border-radius: 8px; margin-top: 10px }
#chart canvas { position: sticky; top: 0; display: block; width: 100%; cursor: grab; touch-action: none }
#chart.dragging canvas { cursor: grabbing }
#card { position: fixed; z-index: 1; max-width: 460px; padding: 10px 12px; border: 1px solid var(--line);
  border-radius: 8px; background: var(--panel); box-shadow: 0 6px 24px rgb(0 0 0 / .18); font-size: 13px;
  pointer-events: none; overflow-wrap: anywhere }
#card[hidden] { display: none }
#card b { display: block; margin-bottom: 4px; font-weight: 600 }
#card dl { display: grid; grid-template-columns: auto 1fr; gap: 0 12px; margin: 4px 0 0 }
#card dt { color: var(--dim) }
#card dd { margin: 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; min-width: 50% }
th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line) }
th { font-weight: 500; color: var(--dim); white-space: nowrap }
tbody th { color: inherit }
.number { text-align: right; white-space: nowrap }
td.about { color: var(--dim) }
td button { border: 0; padding: 0; min-height: 0; background: none; color: var(--accent); text-align: left;
  overflow-wrap: anywhere }
td button:hover { text-decoration: underline }
td svg { display: block; border-radius: 3px; background: var(--row) }
kbd { font: inherit; font-size: 12px; padding: 0 5px; border: 1px solid var(--line); border-radius: 4px }
.keys { font-size: 12px }
@media print { .bar, .keys { display: none } }
`

export const script = String.raw`
// ---- spans, from their numbers: whole microseconds, counted from the end of the one before on a lane
const spans = []
for (let at = 0, end = 0; at < timeline.spans.length; at += 4) {
  const lane = timeline.spans[at]
  if (lane !== spans.at(-1)?.lane) end = 0
  const start = end + timeline.spans[at + 2]
  end = start + timeline.spans[at + 3]
  spans.push({ lane, category: timeline.spans[at + 1], startMs: start / 1000, endMs: end / 1000, name: undefined, arguments: undefined })
}
for (let at = 0; at < timeline.about.length; at += 3) {
  const [index, name, known] = timeline.about.slice(at, at + 3)
  if (name !== 0) spans[index].name = name
  if (known !== 0) spans[index].arguments = known
}

const element = (id) => document.getElementById(id)
const chart = element("chart"), canvas = element("canvas"), spacer = element("spacer"), overview = element("overview")
const card = element("card"), search = element("search"), found = element("found")
const context = canvas.getContext("2d"), sketch = overview.getContext("2d")
const counters = element("counters")
const { lanes, categories, groups, colours, runs, flows, flowKinds } = timeline
const isWaiting = (index) => categories[spans[index].category].waiting
const failed = 1, endNames = ["", "failed", "interrupted"], endOf = (lane) => lanes[lane][7]

// ---- rows: the same spans in two arrangements

const dimmed = 0.14, rowHeight = 20, axisHeight = 26, gutter = { work: 34, lanes: 240 }
const lastLane = (run) => runs[run + 1]?.firstLane ?? lanes.length
const titleOf = ({ title, durationMs }) => ({ title: title + ", " + duration(durationMs), lane: -1, depth: 0, spans: [], ends: [] })
const workRows = () => {
  const rows = []
  runs.forEach((run, index) => {
    if (runs.length > 1) rows.push(titleOf(run))
    const from = rows.length
    const own = works.filter(({ lane }) => lane >= run.firstLane && lane < lastLane(index))
    const rowOf = pack(own)
    own.forEach((piece, at) => {
      const row = rows[from + rowOf[at]] ??= { lane: piece.lane, depth: 0, spans: [], ends: [] }
      for (let span = piece.first; span <= piece.last; span++) {
        row.spans.push(span)
        row.ends.push(spans[span].endMs)
      }
    })
  })
  return rows
}
// lanes below the one that started them
const laneRows = () => {
  const rows = []
  runs.forEach((run, index) => {
    if (runs.length > 1) rows.push(titleOf(run))
    const pending = []
    const push = (lane, depth) => pending.push({ lane, depth })
    for (let lane = lastLane(index) - 1; lane >= run.firstLane; lane--) if (lanes[lane][6] < 0) push(lane, 0)
    for (let row = pending.pop(); row !== undefined; row = pending.pop()) {
      const [first, last] = spansOf[row.lane]
      row.spans = []
      for (let span = first; span < last; span++) row.spans.push(span)
      row.ends = row.spans.map((span) => spans[span].endMs)
      rows.push(row)
      if (!folded.has(row.lane)) for (const child of children[row.lane]?.toReversed() ?? []) push(child, row.depth + 1)
    }
  })
  return rows
}
const spansOf = lanes.map(() => [0, 0]), children = [], folded = new Set()
for (let first = 0; first < spans.length;) {
  let last = first
  while (last < spans.length && spans[last].lane === spans[first].lane) last++
  spansOf[spans[first].lane] = [first, last]
  first = last
}
lanes.forEach((lane, index) => lane[6] >= 0 && (children[lane[6]] ??= []).push(index))
const works = pieces(spans, isWaiting).filter(({ first }) => !isWaiting(first))
const views = {}, rowOfSpan = {}
const arrange = (name) => {
  const rows = views[name] = name === "work" ? workRows() : laneRows()
  const rowOf = rowOfSpan[name] = new Int32Array(spans.length).fill(-1)
  rows.forEach((row, index) => row.spans.forEach((span) => rowOf[span] = index))
}
arrange("work")
arrange("lanes")

// flows by lane, as places in their list
const flowsOf = lanes.map(() => undefined), mostFlows = 300
for (let at = 0; at < flows.length; at += 5)
  for (const lane of new Set([flows[at + 1], flows[at + 2]])) (flowsOf[lane] ??= []).push(at)

// ---- state

const whole = Math.max(timeline.durationMs, 0.001) * 1.01
let view = works.length > 0 ? "work" : "lanes"
let fromMs = 0, toMs = whole, hovered, selected, matches, colour = {}, asked = false, counted

const clampView = (from, to) => {
  const length = Math.min(Math.max(to - from, Math.min(whole, 0.005)), whole)
  fromMs = Math.min(Math.max(from, 0), whole - length)
  toMs = fromMs + length
  draw()
}
const left = () => gutter[view]
const width = () => canvas.clientWidth - left() - 8
const xOf = (ms) => left() + ((ms - fromMs) / (toMs - fromMs)) * width()
// what is drawn above the chart: the whole run, beneath one another with the chart's (and the border of that)
const above = () => ({ from: left() + 1, full: Math.max(1, width()) })
const msOf = (x) => fromMs + ((x - left()) / width()) * (toMs - fromMs)
const zoom = (factor, x = left() + width() / 2) => {
  const ms = msOf(x)
  clampView(ms - (ms - fromMs) * factor, ms + (toMs - ms) * factor)
}
const pan = (part) => clampView(fromMs + part * (toMs - fromMs), toMs + part * (toMs - fromMs))
const fold = (lane) => {
  if (children[lane] === undefined) return
  if (!folded.delete(lane)) folded.add(lane)
  arrange("lanes")
  setView(view)
}
const setView = (name) => {
  view = name
  for (const button of document.querySelectorAll("[data-view]"))
    button.setAttribute("aria-pressed", String(button.dataset.view === name))
  const height = axisHeight + Math.max(views[view].length, 3) * rowHeight + 6
  spacer.style.height = height + "px"
  chart.style.height = height + 2 + "px"
  hovered = undefined
  hide()
  draw()
}

// ---- drawing

const fit = (target, pen) => {
  const ratio = devicePixelRatio || 1
  const { clientWidth, clientHeight } = target
  if (target.width !== Math.round(clientWidth * ratio) || target.height !== Math.round(clientHeight * ratio)) {
    target.width = Math.round(clientWidth * ratio)
    target.height = Math.round(clientHeight * ratio)
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, clientWidth, clientHeight)
  pen.font = "12px system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
  pen.textBaseline = "middle"
}
const draw = () => {
  if (asked) return
  asked = true
  requestAnimationFrame(() => {
    asked = false
    paint()
    paintOverview()
    if (counters !== null) paintCounters()
  })
}
const short = (text, pixels, pen) => {
  if (pen.measureText(text).width <= pixels) return text
  let low = 0, high = text.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (pen.measureText(text.slice(0, middle) + "…").width <= pixels) low = middle
    else high = middle - 1
  }
  return low > 2 ? text.slice(0, low) + "…" : ""
}
const pathOf = (lane) => {
  const [name, group] = lanes[lane]
  return name.startsWith(groups[group]) ? name.slice(groups[group].length) || name : name
}
const paint = () => {
  canvas.style.height = chart.clientHeight + "px"
  fit(canvas, context)
  const rows = views[view], height = chart.clientHeight, top = chart.scrollTop
  const first = Math.floor(top / rowHeight), last = Math.min(rows.length, Math.ceil((top + height) / rowHeight))
  const axis = ticks(fromMs, toMs, Math.max(2, width() / 110))
  context.fillStyle = colour.row
  for (let row = first; row < last; row++)
    if (row % 2 === 1) context.fillRect(0, axisHeight + row * rowHeight - top, canvas.clientWidth, rowHeight)
  context.fillStyle = colour.line
  for (const ms of axis.at) context.fillRect(Math.round(xOf(ms)), axisHeight, 1, height)
  context.save()
  context.beginPath()
  context.rect(left(), axisHeight, canvas.clientWidth, height)
  context.clip()
  for (let row = first; row < last; row++) paintRow(rows[row], axisHeight + row * rowHeight - top)
  paintFlows(selected ?? spans[hovered]?.lane, top)
  context.restore()
  context.fillStyle = colour.dim
  for (let row = first; row < last; row++) {
    const y = axisHeight + (row + 0.5) * rowHeight - top
    if (y < axisHeight) continue
    const { lane, title, depth } = rows[row]
    context.textAlign = view === "work" && title === undefined ? "right" : "left"
    if (title !== undefined) {
      context.fillStyle = colour.text
      context.fillText(short(title, canvas.clientWidth - 20, context), 10, y)
      context.fillStyle = colour.dim
    } else if (view === "work") context.fillText(String(row + 1), left() - 8, y)
    else {
      const indent = 10 + 12 * Math.min(depth, 8)
      const mark = (children[lane] === undefined ? "" : folded.has(lane) ? "▸ " : "▾ ") + ["", "✖ ", "⊘ "][endOf(lane)]
      context.fillStyle = endOf(lane) === failed ? colour.fail : colour.dim
      context.fillText(short(mark + pathOf(lane), left() - 10 - indent, context), indent, y)
    }
  }
  context.fillStyle = colour.back
  context.fillRect(0, 0, canvas.clientWidth, axisHeight)
  context.fillStyle = colour.line
  context.fillRect(0, axisHeight - 1, canvas.clientWidth, 1)
  context.fillStyle = colour.dim
  context.textAlign = "center"
  for (const ms of axis.at) context.fillText(duration(Number(ms.toPrecision(12))), Math.max(xOf(ms), left()), axisHeight / 2)
}
const paintRow = (row, y) => {
  const edge = left(), right = canvas.clientWidth, scale = width() / (toMs - fromMs)
  let drawn = edge - 3, label, fill, from = 0, to = 0
  const box = () => {
    if (to > from) context.fillRect(from, y + 2, to - from, rowHeight - 4)
    from = to = 0
  }
  const flush = () => {
    if (label !== undefined && label.to - label.from > 46) {
      box()
      const text = short(pathOf(label.lane), label.to - label.from - 10, context)
      context.globalAlpha = 1
      context.fillStyle = fill = colour.ink
      context.textAlign = "left"
      context.fillText(text, label.from + 5, y + rowHeight / 2)
    }
    label = undefined
  }
  for (let at = firstAfter(row.ends, fromMs); at < row.spans.length; at++) {
    const index = row.spans[at], span = spans[index]
    if (span.startMs > toMs) break
    const start = Math.max(edge + (span.startMs - fromMs) * scale, drawn)
    const end = Math.max(start + 1, Math.min(edge + (span.endMs - fromMs) * scale, right))
    const isDim = matches !== undefined && !matches[span.lane]
    const alpha = isDim ? dimmed : 1
    // neighbours of a pixel or two that look the same are one box
    if (end - start <= 2 && start <= to && fill === colours[span.category] && context.globalAlpha === alpha) to = end
    else {
      box()
      if (context.globalAlpha !== alpha) context.globalAlpha = alpha
      if (fill !== colours[span.category]) context.fillStyle = fill = colours[span.category]
      from = start
      to = end
    }
    if (selected === span.lane || hovered === index) {
      box()
      context.fillStyle = fill = selected === span.lane ? colour.accent : colour.text
      context.fillRect(start, y + rowHeight - 3, end - start, 2)
    }
    else if (endOf(span.lane) === failed) {
      box()
      context.fillStyle = fill = colour.fail
      context.fillRect(start, y + rowHeight - 3, end - start, 2)
    }
    drawn = end
    const isNext = view === "work" && at > 0 && span.startMs > spans[row.spans[at - 1]].endMs
    if (label?.lane !== span.lane || isNext) flush()
    if (view === "work" && !isDim) {
      label ??= { lane: span.lane, from: Math.max(start, edge), to: start }
      label.to = end
    }
    // what ends within the pixel that is drawn is not seen
    const next = spans[row.spans[at + 1]]
    if (next !== undefined && edge + (next.endMs - fromMs) * scale <= drawn)
      at = Math.max(at, firstAfter(row.ends, fromMs + (drawn - edge) / scale) - 1)
  }
  box()
  flush()
  context.globalAlpha = 1
}
// where a lane is at a time: the row of its span then, if that is drawn
const rowAt = (lane, ms) => {
  let [low, high] = spansOf[lane]
  const end = high - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (spans[middle].endMs >= ms) high = middle
    else low = middle + 1
  }
  return rowOfSpan[view][Math.min(low, end)] ?? -1
}
const paintFlows = (lane, top) => {
  if (lane === undefined || flowsOf[lane] === undefined) return
  const y = (row) => axisHeight + (row + 0.5) * rowHeight - top
  context.strokeStyle = context.fillStyle = colour.accent
  let drawn = 0
  for (const at of flowsOf[lane]) {
    const [, from, to, leaves, arrives] = flows.slice(at, at + 5)
    if (arrives < fromMs || leaves > toMs) continue
    const fromRow = rowAt(from, leaves), toRow = rowAt(to, arrives)
    if (fromRow < 0 || toRow < 0) continue
    if (++drawn > mostFlows) break
    const x = xOf(arrives), end = y(toRow)
    context.beginPath()
    context.moveTo(xOf(leaves), y(fromRow))
    context.lineTo(x, end)
    context.stroke()
    context.beginPath()
    context.arc(x, end, 3, 0, 7)
    context.fill()
  }
}
const paintCounters = () => {
  const pen = counters.getContext("2d"), { from: edge, full } = above(), band = 24
  counters.style.height = timeline.counters.length * band + "px"
  fit(counters, pen)
  // each pixel has the greatest of its samples, or the last one before
  if (counted?.full !== full) counted = { full, rows: timeline.counters.map(({ at, values }) => {
    const columns = new Float64Array(full).fill(-1)
    at.forEach((ms, index) => {
      const x = Math.min(full - 1, Math.floor((ms / whole) * full))
      columns[x] = Math.max(columns[x], values[index])
    })
    for (let x = 1; x < full; x++) if (columns[x] < 0) columns[x] = columns[x - 1]
    return { columns, most: values.reduce((most, value) => Math.max(most, value), 0) }
  }) }
  counted.rows.forEach(({ columns, most }, index) => {
    const bottom = (index + 1) * band - 2
    pen.fillStyle = colour.accent
    for (let x = 0, from = 0; x < full; x = from) {
      while (from < full && columns[from] === columns[x]) from++
      const height = most > 0 && columns[x] > 0 ? Math.max(1, (columns[x] / most) * (band - 6)) : 0
      if (height > 0) pen.fillRect(edge + x, bottom - height, from - x, height)
    }
    pen.fillStyle = colour.line
    pen.fillRect(edge, bottom, full, 1)
    const text = timeline.counters[index].name + ", up to " + Number(most.toPrecision(3))
    pen.fillStyle = colour.veil
    pen.fillRect(0, bottom - band + 4, pen.measureText(text).width + 8, 16)
    pen.fillStyle = colour.text
    pen.fillText(text, 4, bottom - band / 2 + 1)
  })
}
const paintOverview = () => {
  fit(overview, sketch)
  const { binMs, counts } = timeline.overview
  const { from: edge, full } = above(), half = overview.clientHeight / 2
  const x = (ms) => edge + (ms / whole) * full
  for (const [band, waiting] of [false, true].entries()) {
    const own = categories.flatMap((category, index) => (category.waiting === waiting ? [index] : []))
    let most = 0
    counts[0].forEach((_, bin) => {
      most = Math.max(most, own.reduce((sum, index) => sum + counts[index][bin], 0))
    })
    const bottom = (band + 1) * half - 1
    counts[0].forEach((_, bin) => {
      let y = bottom
      for (const index of own) {
        const height = most > 0 ? (counts[index][bin] / most) * (half - 8) : 0
        if (height === 0) continue
        sketch.fillStyle = colours[index]
        const from = Math.floor(x(bin * binMs)), to = Math.floor(x((bin + 1) * binMs))
        sketch.fillRect(from, y - height, Math.max(1, to - from), height)
        y -= height
      }
    })
    sketch.fillStyle = colour.line
    sketch.fillRect(edge, bottom, full, 1)
    const text = (waiting ? "waiting" : "at work") + ", up to " + Math.max(1, Math.round(most))
    const size = sketch.measureText(text).width
    sketch.fillStyle = colour.veil
    sketch.fillRect(0, band * half + 1, size + 8, 17)
    sketch.fillStyle = colour.text
    sketch.fillText(text, 4, band * half + 10)
  }
  sketch.fillStyle = colour.veil
  sketch.fillRect(edge, 0, x(fromMs) - edge, 2 * half)
  sketch.fillRect(x(toMs), 0, edge + full - x(toMs), 2 * half)
  if (toMs - fromMs < whole * 0.999) {
    sketch.strokeStyle = colour.accent
    sketch.strokeRect(x(fromMs) + 0.5, 0.5, Math.max(2, x(toMs) - x(fromMs)) - 1, 2 * half - 1)
  }
}

// ---- what is known of a span

const spanAt = (x, y) => {
  const row = views[view][Math.floor((y - axisHeight + chart.scrollTop) / rowHeight)]
  if (row === undefined || y < axisHeight || x < left()) return undefined
  const at = firstAfter(row.ends, msOf(x - 2))
  const index = row.spans[at]
  return index !== undefined && xOf(spans[index].startMs) <= x + 2 ? index : undefined
}
const line = (list, name, value, index) => {
  const term = document.createElement("dt"), text = document.createElement("dd")
  if (index !== undefined) {
    const swatch = document.createElement("span")
    swatch.className = "swatch"
    swatch.style.background = colours[index]
    term.append(swatch)
  }
  term.append(name)
  text.append(value)
  list.append(term, text)
}
const show = (lane, index, x, y) => {
  const [name, group, startMs, endMs, times, about, parent] = lanes[lane]
  const title = document.createElement("b"), list = document.createElement("dl"), known = document.createElement("dl")
  title.append(name)
  if (index !== undefined) {
    const span = spans[index]
    line(known, span.name ?? categories[span.category].name, duration(span.endMs - span.startMs), span.category)
    for (const [key, value] of Object.entries(span.arguments ?? {})) line(known, key, String(value))
  }
  line(list, "from start to end", duration(startMs) + " – " + duration(endMs) + " (" + duration(endMs - startMs) + ")")
  for (let at = 0; at < times.length; at += 2) line(list, categories[times[at]].name, duration(times[at + 1]), times[at])
  line(list, timeline.words.group, groups[group])
  if (endOf(lane) > 0 && about.outcome === undefined) line(list, "ended", endNames[endOf(lane)])
  if (parent >= 0) line(list, "started by", lanes[parent][0])
  if (children[lane] !== undefined) line(list, "started", String(children[lane].length))
  const came = flowKinds.map((kind, index) => [kind, (flowsOf[lane] ?? []).filter((at) => flows[at] === index && flows[at + 2] === lane).length])
  for (const [kind, count] of came) if (count > 0 && kind !== "fork") line(list, { wake: "woken by others", submit: "tasks taken", result: "results of workers" }[kind], String(count))
  for (const [key, value] of Object.entries(about ?? {})) line(list, key, String(value))
  card.replaceChildren(title, known, list)
  card.hidden = false
  const box = card.getBoundingClientRect()
  card.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 12)) + "px"
  card.style.top = Math.max(4, y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18) + "px"
}
const hide = () => {
  card.hidden = true
}
const reveal = (lane, close) => {
  selected = lane
  const [, , startMs, endMs] = lanes[lane]
  for (let up = lanes[lane][6]; view === "lanes" && up >= 0; up = lanes[up][6]) if (folded.has(up)) fold(up)
  let [index, last] = spansOf[lane]
  if (last === 0) index = -1
  while (view === "work" && index >= 0 && index + 1 < last && isWaiting(index)) index++
  const row = Math.max(0, view === "lanes" ? views.lanes.findIndex((one) => one.lane === lane) : (rowOfSpan.work[index] ?? 0))
  chart.scrollTop = Math.max(0, (row + 0.5) * rowHeight - chart.clientHeight / 2)
  const start = view === "work" && index >= 0 ? spans[index].startMs : startMs
  const margin = Math.max((endMs - start) * 0.6, 0.05)
  if (close) clampView(start - margin, endMs + margin)
  else if (start < fromMs || start > toMs) clampView(start - (toMs - fromMs) / 3, start + ((toMs - fromMs) * 2) / 3)
  draw()
  const box = canvas.getBoundingClientRect()
  show(lane, undefined, box.left + Math.max(xOf(start), left()), box.top + axisHeight + (row + 1) * rowHeight - chart.scrollTop)
}

// ---- hands on it

canvas.addEventListener("wheel", (event) => {
  event.preventDefault()
  const lines = event.deltaMode === 1 ? 16 : 1
  if (event.shiftKey) chart.scrollTop += (event.deltaY || event.deltaX) * lines
  else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX * lines) / width())
  else zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY * lines * 0.002))), event.offsetX)
}, { passive: false })
let grip
canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return
  grip = { x: event.clientX, y: event.clientY, fromMs, toMs, top: chart.scrollTop, moved: false }
  canvas.setPointerCapture(event.pointerId)
  chart.classList.add("dragging")
})
canvas.addEventListener("pointermove", (event) => {
  if (grip !== undefined) {
    const x = event.clientX - grip.x, y = event.clientY - grip.y
    grip.moved ||= Math.abs(x) + Math.abs(y) > 4
    if (!grip.moved) return
    hide()
    const ms = (x / width()) * (grip.toMs - grip.fromMs)
    chart.scrollTop = grip.top - y
    clampView(grip.fromMs - ms, grip.toMs - ms)
    return
  }
  const index = spanAt(event.offsetX, event.offsetY)
  if (index !== hovered) draw()
  hovered = index
  if (index === undefined) hide()
  else show(spans[index].lane, index, event.clientX, event.clientY)
})
canvas.addEventListener("pointerup", (event) => {
  const row = views[view][Math.floor((event.offsetY - axisHeight + chart.scrollTop) / rowHeight)]
  if (grip !== undefined && !grip.moved && view === "lanes" && event.offsetX < left() && event.offsetY > axisHeight && row?.lane >= 0) fold(row.lane)
  else if (grip !== undefined && !grip.moved) {
    const index = spanAt(event.offsetX, event.offsetY)
    selected = index === undefined ? undefined : spans[index].lane
    draw()
  }
  grip = undefined
  chart.classList.remove("dragging")
})
canvas.addEventListener("pointercancel", () => {
  grip = undefined
  chart.classList.remove("dragging")
})
canvas.addEventListener("pointerleave", () => {
  hovered = undefined
  hide()
  draw()
})
canvas.addEventListener("dblclick", (event) => {
  const index = spanAt(event.offsetX, event.offsetY)
  if (index !== undefined) reveal(spans[index].lane, true)
})
chart.addEventListener("scroll", draw)
const sweep = (event) => {
  if (event.buttons !== 1) return
  const { from, full } = above()
  const middle = ((event.offsetX - from) / full) * whole, half = (toMs - fromMs) / 2
  clampView(middle - half, middle + half)
}
overview.addEventListener("pointerdown", (event) => {
  overview.setPointerCapture(event.pointerId)
  if (toMs - fromMs > whole * 0.999) clampView(0, whole / 8)
  sweep(event)
})
overview.addEventListener("pointermove", sweep)

const step = (by) => {
  if (lanes.length === 0) return
  let lane = selected ?? (by > 0 ? -1 : lanes.length)
  for (let tries = 0; tries < lanes.length; tries++) {
    lane = (lane + by + lanes.length) % lanes.length
    if (matches === undefined || matches[lane]) return reveal(lane, false)
  }
}
const keys = {
  ArrowLeft: () => pan(-0.15),
  ArrowRight: () => pan(0.15),
  ArrowUp: () => chart.scrollBy(0, -rowHeight),
  ArrowDown: () => chart.scrollBy(0, rowHeight),
  PageUp: () => chart.scrollBy(0, -chart.clientHeight * 0.8),
  PageDown: () => chart.scrollBy(0, chart.clientHeight * 0.8),
  Home: () => clampView(0, toMs - fromMs),
  End: () => clampView(whole - (toMs - fromMs), whole),
  "+": () => zoom(0.6),
  "=": () => zoom(0.6),
  "-": () => zoom(1 / 0.6),
  "0": () => clampView(0, whole),
  n: () => step(1),
  p: () => step(-1),
  u: () => selected !== undefined && lanes[selected][6] >= 0 && reveal(lanes[selected][6], false),
  f: () => selected !== undefined && view === "lanes" && fold(selected),
  Enter: () => selected !== undefined && reveal(selected, true),
  Escape: () => {
    selected = undefined
    hide()
    draw()
  }
}
chart.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return
  event.preventDefault()
  keys[event.key]()
})
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === search) return
  event.preventDefault()
  search.focus()
})
const find = () => {
  const text = search.value.trim().toLowerCase()
  matches = text === "" ? undefined : Uint8Array.from(lanes, ([name, , , , , about, , end]) =>
    Number([name, ...Object.values(about ?? {}), endNames[end]].join(" ").toLowerCase().includes(text)))
  const count = matches?.reduce((sum, one) => sum + one, 0)
  found.textContent = count === undefined ? "" : count + " found"
  draw()
}
search.addEventListener("input", find)
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") step(event.shiftKey ? -1 : 1)
  if (event.key !== "Escape") return
  search.value = ""
  find()
  hide()
})
element("closer").addEventListener("click", () => zoom(0.6))
element("farther").addEventListener("click", () => zoom(1 / 0.6))
element("fit").addEventListener("click", () => clampView(0, whole))
for (const button of document.querySelectorAll("[data-view]"))
  button.addEventListener("click", () => setView(button.dataset.view))
for (const button of document.querySelectorAll("[data-lane]"))
  button.addEventListener("click", () => {
    chart.scrollIntoView({ block: "center" })
    chart.focus({ preventScroll: true })
    reveal(Number(button.dataset.lane), true)
  })

const readColours = () => {
  const style = getComputedStyle(document.documentElement)
  for (const name of ["back", "text", "dim", "line", "accent", "fail", "ink", "row", "veil"])
    colour[name] = style.getPropertyValue("--" + name).trim()
  draw()
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColours)
addEventListener("resize", draw)
document.fonts?.ready.then(draw)
readColours()
setView(view)
`
