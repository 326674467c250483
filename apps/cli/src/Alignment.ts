/** Rows of text in columns of equal width. */
import type { Paint } from "./Screen.ts"

type Rows = ReadonlyArray<ReadonlyArray<string>>

/** A line for each row. Columns whose numbers are in `left` stand at their left, the others at their right. */
export const aligned = (rows: Rows, left: ReadonlyArray<number>): ReadonlyArray<string> => {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  const placed = (text: string, at: number) =>
    left.includes(at) ? text.padEnd(widths[at]!) : text.padStart(widths[at]!)
  return rows.map((row) => row.map(placed).join("  ").trimEnd())
}

/** The same under a head, set in. */
export const table = (head: ReadonlyArray<string>, rows: Rows, left: ReadonlyArray<number>, paint: Paint) =>
  aligned([head, ...rows], left).map((line, at) => (at === 0 ? paint.dim(`  ${line}`) : `  ${line}`))
