/**
 * A run as lanes on a time axis.
 *
 * 1. Pictures of one run share one axis: what is twice as long takes twice as long.
 * 2. Work is thick, waiting is a line: what a lane does is seen without its colour, too.
 * 3. The playhead only moves a clip, so a frame costs the same for ten spans and for ten thousand.
 */
import type { Lane, Span, Timeline } from "@simul/core/Timeline"
import { duration, firstAfter, ticks } from "@simul/core/TimelineLayout"
import { barsOf } from "./Bars.ts"
import { charWidth } from "./LaneScale.ts"
import { Lines, type Said } from "./Lines.tsx"
import { marksOf } from "./Marks.ts"
import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"

export interface Props {
  readonly timeline: Timeline
  readonly said: ReadonlyArray<Said>
  /** Where the axis ends. */
  readonly endMs: number
  /** Up to where it is drawn. */
  readonly playheadMs: number
  readonly gutter: number
  readonly width: number
  /** The highest of each counter in all pictures of the run. */
  readonly highest: ReadonlyMap<string, number>
}

const axisHeight = 22
/** Alone it has more room. */
const counterHeightOf = (lanes: number) => (lanes === 0 ? 118 : 74)
/** Room for what stands at the end of a lane, and for half of the last tick's name. */
const right = 34

const rowHeightOf = (lanes: number) => (lanes <= 6 ? 30 : lanes <= 12 ? 24 : lanes <= 26 ? 17 : 12)

/** A mark at the end of a lane, around 0. */
export const endMarks = {
  ok: "M-3.5 .5l2.5 2.5 5-6",
  failed: "M-3-3l6 6m0-6l-6 6",
  interrupted: "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0M-2.4 2.4L2.4-2.4"
}

/** The mark where a lane said something, around 0. */
export const saidMark = "M0-5l4 5l-4 5l-4-5z"

const shortened = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`)

/** What a lane did, in words. */
const told = ({ name, times, end }: Lane) =>
  `${name}: ${Object.entries(times)
    .map(([what, ms]) => `${what} ${duration(ms)}`)
    .join(", ")}${end === undefined ? "" : `, ${end}`}`

export const Lanes = ({ timeline, said, endMs, playheadMs, gutter, width, highest }: Props) => {
  const clip = useId()
  const { lanes, spans, durationMs, counters = [] } = timeline
  const rowHeight = rowHeightOf(lanes.length)
  const counterHeight = counterHeightOf(lanes.length)
  const body = Math.max(10, width - gutter - right)
  const x = (ms: number) => gutter + (endMs > 0 ? (ms / endMs) * body : 0)
  const lanesTop = axisHeight + 4
  const countersTop = lanesTop + lanes.length * rowHeight + (lanes.length > 0 && counters.length > 0 ? 10 : 0)
  const height = countersTop + counters.length * counterHeight + 4

  const y = (lane: number) => lanesTop + (lane + 0.5) * rowHeight
  const scale = { x, y, rowHeight, left: gutter, edge: gutter + body + right }
  const byLane = useMemo(() => Map.groupBy(spans, ({ lane }) => lane), [spans])
  const [drawn, marks] = useMemo(() => {
    const speaking = new Set(said.map(({ lane }) => lane))
    return [barsOf(lanes, byLane, speaking, scale), marksOf(said, lanes, byLane, scale)]
  }, [timeline, said, endMs, width, gutter])

  const axis = ticks(0, endMs, Math.max(2, body / 90)).at
  const visible = Math.min(playheadMs, durationMs)
  const [hover, setHover] = useState<{ readonly lane: number; readonly span?: Span; readonly x: number }>()
  const seek = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }) => {
    const frame = event.currentTarget.getBoundingClientRect()
    const lane = Math.floor((event.clientY - frame.top - lanesTop) / rowHeight)
    const ms = ((event.clientX - frame.left - gutter) / body) * endMs
    if (lanes[lane] === undefined) return setHover(undefined)
    const own = byLane.get(lane) ?? []
    const span =
      own[
        firstAfter(
          own.map(({ endMs }) => endMs),
          ms
        )
      ]
    const isIn = span !== undefined && span.startMs <= ms && ms >= 0 && ms <= visible
    setHover({ lane, x: event.clientX - frame.left, ...(isIn ? { span } : {}) })
  }
  const label = `${timeline.title}, ${duration(durationMs)}. ${shortened(lanes.map(told).join("; "), 600)}`

  return (
    <div class="lanes">
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={label}
        onPointerMove={seek}
        onPointerLeave={() => setHover(undefined)}
      >
        <clipPath id={clip}>
          <rect
            x={gutter - 4}
            y={0}
            width={Math.max(0, x(visible) - gutter + (visible >= durationMs ? 400 : 4))}
            height={height}
          />
        </clipPath>
        {axis.map((ms) => (
          <g key={ms} class="tick">
            <line x1={x(ms)} x2={x(ms)} y1={axisHeight - 4} y2={height} />
            <text x={x(ms)} y={axisHeight - 9} text-anchor="middle">
              {duration(ms)}
            </text>
          </g>
        ))}
        {durationMs < endMs * 0.999 && playheadMs >= durationMs && (
          <rect class="over" x={x(durationMs)} y={axisHeight - 4} width={x(endMs) - x(durationMs)} height={height} />
        )}
        {lanes.map(({ name }, lane) => (
          <text
            key={name}
            class={`name${hover?.lane === lane ? " near" : ""}`}
            x={gutter - 10}
            y={y(lane)}
            text-anchor="end"
          >
            {rowHeight < 13 && lane % 2 === 1 ? "" : shortened(name, Math.floor((gutter - 12) / charWidth))}
          </text>
        ))}
        <g clip-path={`url(#${clip})`}>
          {drawn.paths.map(({ key, category, path }) => (
            <path key={key} class={`span ${category}`} d={path} />
          ))}
          {drawn.names.map(({ x, y, text }, index) => (
            <text key={index} class="within" x={x} y={y} text-anchor="middle">
              {text}
            </text>
          ))}
          {marks.map(
            ({ text, row, isPlaced, isAfter, x, y, textX, rise, isWithin }, index) =>
              row >= 0 && (
                <g key={index} class="said">
                  <path transform={`translate(${x} ${y})`} d={saidMark} />
                  {isPlaced && (
                    <text
                      class={isWithin ? "within" : ""}
                      x={textX}
                      y={y - rise}
                      text-anchor={isAfter ? "start" : "end"}
                    >
                      {text}
                    </text>
                  )}
                </g>
              )
          )}
          {lanes.map(
            ({ name, end, endMs }, lane) =>
              end !== undefined && (
                <path
                  key={name}
                  class={`end ${end}`}
                  transform={`translate(${Math.min(x(endMs) + 10, width - 6)} ${y(lane)})`}
                  d={endMarks[end]}
                />
              )
          )}
          {counters.map(({ name, atMs, values }, index) => {
            const bottom = countersTop + (index + 1) * counterHeight - 8
            const most = highest.get(name) ?? 1
            const y = (value: number) => bottom - (value / most) * (counterHeight - 30)
            let line = `M${x(atMs[0] ?? 0).toFixed(1)} ${y(0).toFixed(1)}`
            let last = -1
            for (const [at, ms] of atMs.entries()) {
              if (x(ms) - last < 0.5 && at < atMs.length - 1) continue
              last = x(ms)
              line += `H${x(ms).toFixed(1)}V${y(values[at]!).toFixed(1)}`
            }
            return <path key={name} class="counter" d={`${line}H${x(durationMs).toFixed(1)}V${y(0)}z`} />
          })}
        </g>
        {counters.map(({ name, values }, index) => (
          <text key={name} class="counted" x={gutter} y={countersTop + index * counterHeight + 10}>
            {name}, at most {Number(values.reduce((most, value) => Math.max(most, value), 0).toPrecision(4))}
          </text>
        ))}
        {playheadMs < endMs && <line class="playhead" x1={x(playheadMs)} x2={x(playheadMs)} y1={2} y2={height} />}
      </svg>
      <Lines
        said={marks
          .filter(({ isPlaced, said }) => !isPlaced && said.atMs <= playheadMs)
          .map(({ said }) => said)
          .toSorted((one, other) => one.atMs - other.atMs)}
        isTimeless={said.every(({ atMs }) => atMs === 0)}
      />
      {hover !== undefined && (
        <div
          class="tip"
          style={{
            left: `${Math.min(Math.max(0, hover.x + 12), Math.max(0, width - 230))}px`,
            top: `${lanesTop + (hover.lane + 1) * rowHeight + 4}px`
          }}
        >
          <b>{lanes[hover.lane]!.name}</b>
          {hover.span !== undefined && (
            <>
              <br />
              {hover.span.name === hover.span.category ? "" : `${hover.span.name}, `}
              {hover.span.category} {duration(hover.span.endMs - hover.span.startMs)}
              <br />
              from {duration(hover.span.startMs)} to {duration(hover.span.endMs)}
            </>
          )}
        </div>
      )}
    </div>
  )
}

/** The width of an element, as it changes. */
export const useWidth = () => {
  const element = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(640)
  useLayoutEffect(() => {
    const measure = () => setWidth(element.current!.clientWidth)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element.current!)
    return () => observer.disconnect()
  }, [])
  return { element, width }
}
