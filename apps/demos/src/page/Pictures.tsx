/** All pictures of a run, one below the other on one axis, what was said in them, and what their colours mean. */
import type { StageEvent } from "@simul/core/scenario/Stage"
import * as Stage from "@simul/core/scenario/Stage"
import { duration } from "@simul/core/TimelineLayout"
import { useMemo } from "preact/hooks"
import { endMarks, Lanes, saidMark, useWidth } from "./Lanes.tsx"
import { Lines } from "./Lines.tsx"
import { Prose } from "./Prose.tsx"

const isSaid = (event: StageEvent) => event._tag === "Said"

/** How long the axis of a run is. */
export const endOf = (events: ReadonlyArray<StageEvent>) => events.reduce((most, { atMs }) => Math.max(most, atMs), 0)

export interface Props {
  readonly events: ReadonlyArray<StageEvent>
  readonly endMs: number
  readonly playheadMs: number
}

export const Pictures = ({ events, endMs, playheadMs }: Props) => {
  const { element, width } = useWidth()
  const timelines = useMemo(() => Stage.timelines(events), [events])
  const variants = useMemo(() => [...new Set(events.map(({ variant }) => variant))], [events])
  const said = useMemo(() => Map.groupBy(events.filter(isSaid), ({ variant }) => variant), [events])
  const used = useMemo(
    () =>
      timelines[0]?.categories.filter(({ name }) =>
        timelines.some(({ spans }) => spans.some((one) => one.category === name))
      ) ?? [],
    [timelines]
  )
  const ends = useMemo(() => new Set(timelines.flatMap(({ lanes }) => lanes.map(({ end }) => end))), [timelines])
  const isAnySaid = timelines.some(
    ({ durationMs, lanes }, index) =>
      durationMs > 0 && said.get(variants[index]!)?.some(({ lane }) => lanes.some(({ name }) => name === lane))
  )
  const highest = new Map<string, number>()
  for (const { counters = [] } of timelines)
    for (const { name, values } of counters)
      highest.set(
        name,
        values.reduce((most, value) => Math.max(most, value), highest.get(name) ?? 1)
      )
  const longest = Math.max(2, ...timelines.flatMap(({ lanes }) => lanes.map(({ name }) => name.length)))
  const gutter = Math.min(width < 560 ? 92 : 190, longest * 6.6 + 18)
  return (
    <div class="pictures" ref={element}>
      {timelines.map((timeline, index) => {
        const own = said.get(variants[index]!) ?? []
        const isTimeless = timeline.durationMs === 0
        return (
          <figure key={variants[index]}>
            <figcaption>
              <span class="variant">
                <Prose text={timeline.title} />
              </span>
              {!isTimeless && <span class="took">{duration(Math.min(playheadMs, timeline.durationMs))}</span>}
            </figcaption>
            {isTimeless ? (
              <Lines said={own} isTimeless />
            ) : (
              <Lanes {...{ timeline, endMs, playheadMs, gutter, width, highest }} said={own} />
            )}
          </figure>
        )
      })}
      {used.length > 0 && (
        <ul class="legend">
          {used.map(({ name, description }) => (
            <li key={name}>
              <svg width="22" height="12" aria-hidden="true">
                {name === "running" || name === "worker" || name === "ready" ? (
                  <rect
                    class={`span ${name}`}
                    y={name === "ready" ? 3.5 : 1}
                    width="22"
                    height={name === "ready" ? 5 : 10}
                    rx="2"
                  />
                ) : (
                  <path class={`span ${name}`} d="M0 6H22" />
                )}
              </svg>
              <b>{name}</b> {description}
            </li>
          ))}
          {Object.entries(endMarks).map(
            ([end, mark]) =>
              ends.has(end as keyof typeof endMarks) && (
                <li key={end}>
                  <svg class="lanes" width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">
                    <path class={`end ${end}`} d={mark} />
                  </svg>
                  {end}
                </li>
              )
          )}
          {isAnySaid && (
            <li>
              <svg class="said" width="10" height="12" viewBox="-5 -6 10 12" aria-hidden="true">
                <path d={saidMark} />
              </svg>
              says something
            </li>
          )}
        </ul>
      )}
    </div>
  )
}
