/** Where lanes said something: a mark each, with the words beside it if there is room for those of all. */
import type { Lane, Span } from "@simul/core/Timeline"
import { isBar } from "./Bars.ts"
import { charWidth, type LaneScale } from "./LaneScale.ts"
import { type Said, withoutLane } from "./Lines.tsx"

export const marksOf = (
  said: ReadonlyArray<Said>,
  lanes: ReadonlyArray<Lane>,
  byLane: ReadonlyMap<number, ReadonlyArray<Span>>,
  { x, y, rowHeight, left, edge }: LaneScale
) => {
  const all = [...Map.groupBy(said, ({ lane }) => lane).values()].flatMap((own) => {
    const row = lanes.findIndex(({ name }) => name === own[0]!.lane)
    const bars = (byLane.get(row) ?? []).filter(isBar)
    return own.map((one, index) => {
      const isLast = index + 1 === own.length
      const at = x(one.atMs)
      const text = withoutLane(one)
      const long = text.length * charWidth + 12
      const before = index === 0 ? left : x(own[index - 1]!.atMs)
      // beside the mark where there is room, before it at the edge
      const isAfter = (isLast ? edge : x(own[index + 1]!.atMs)) - at > long
      const hasEnd = isLast && lanes[row]?.end !== undefined
      const textX = isAfter ? at + (hasEnd ? 20 : bars.length > 0 ? 8 : 5) : at - 8
      const [from, to] = isAfter ? [textX, textX + long - 12] : [at - long, at]
      const isWithin = bars.some(({ startMs, endMs }) => x(startMs) <= from && x(endMs) >= to - 0.5)
      // half on a bar it could not be read
      const isClear = isWithin || !bars.some(({ startMs, endMs }) => x(startMs) < to && x(endMs) > from)
      const isPlaced = row >= 0 && rowHeight > 20 && isClear && (isAfter || (isLast && at - before > 2 * long))
      // above a line, but in the middle of a bar
      const rise = bars.length > 0 ? 0 : 8
      return { said: one, text, row, isPlaced, isAfter, x: at, y: y(row), textX, rise, isWithin }
    })
  })
  // some in the picture and some below it could not be read in their order
  const isRoom = all.every(({ isPlaced }) => isPlaced)
  return all.map((one) => ({ ...one, isPlaced: isRoom }))
}
