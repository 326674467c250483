/** What lanes did, as one path for each thing that a lane does, with names where they fit. What shares a pixel is drawn once. */
import type { Lane, Span } from "@simul/core/Timeline"
import { charWidth, type LaneScale } from "./LaneScale.ts"

/** How thick a lane is at what it does, as a share of its row; all else is a line. */
const thickness: Readonly<Record<string, number>> = { running: 0.72, worker: 0.72, ready: 0.36 }

export const isBar = ({ category }: Span): boolean => category in thickness

const box = (x: number, y: number, width: number, height: number) => {
  const r = Math.min(3, width / 2.5, height / 2)
  const f = (value: number) => Number(value.toFixed(1))
  return r < 0.8
    ? `M${f(x)} ${f(y)}h${f(width)}v${f(height)}h${f(-width)}z`
    : `M${f(x + r)} ${f(y)}h${f(width - 2 * r)}a${f(r)} ${f(r)} 0 0 1 ${f(r)} ${f(r)}v${f(height - 2 * r)}a${f(r)} ${f(r)} 0 0 1 ${f(-r)} ${f(r)}h${f(2 * r - width)}a${f(r)} ${f(r)} 0 0 1 ${f(-r)} ${f(-r)}v${f(2 * r - height)}a${f(r)} ${f(r)} 0 0 1 ${f(r)} ${f(-r)}z`
}

/** `speaking`: the names of lanes that say something, which takes the place of what they did. */
export const barsOf = (
  lanes: ReadonlyArray<Lane>,
  byLane: ReadonlyMap<number, ReadonlyArray<Span>>,
  speaking: ReadonlySet<string>,
  { x, y, rowHeight }: LaneScale
) => {
  const names: Array<{ readonly x: number; readonly y: number; readonly text: string }> = []
  const paths = lanes.flatMap((_, lane) => {
    const middle = y(lane)
    const found = new Map<string, { path: string; until: number }>()
    const spans = byLane.get(lane) ?? []
    const isWorking = spans.some(isBar)
    for (const { category, startMs, endMs, name } of spans) {
      const path = found.get(category) ?? { path: "", until: -1 }
      found.set(category, path)
      const from = Math.max(x(startMs), path.until)
      const to = Math.max(x(endMs), x(startMs) + 0.8)
      if (to - from < 0.3) continue
      path.until = to
      const share = thickness[category]
      if (share === undefined) {
        // between bars that are hairlines, a line would hide them
        if (to - from < 3 && isWorking) continue
        path.path += `M${from.toFixed(2)} ${middle}H${to.toFixed(2)}`
        continue
      }
      const thick = rowHeight * share
      // neighbours are told from each other by a gap
      const wide = to - from > 3 ? to - from - 1 : to - from
      path.path += box(from, middle - thick / 2, wide, thick)
      if (!speaking.has(lanes[lane]!.name) && name !== category && thick > 11 && wide > name.length * charWidth + 8)
        names.push({ x: from + wide / 2, y: middle, text: name })
    }
    return Array.from(found, ([category, { path }]) => ({ category, path, key: `${lane} ${category}` }))
  })
  return { paths, names }
}
