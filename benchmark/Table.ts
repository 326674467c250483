/** Figures as Markdown. */

type Cell = string | number

/**
 * A table. `head` has the names of the columns between bars; numbers stand on the right, as all columns but the first
 * and those in `texts`.
 */
export const table = (
  head: string,
  rows: ReadonlyArray<ReadonlyArray<Cell>>,
  texts: ReadonlyArray<string> = []
): ReadonlyArray<string> => {
  const line = (cells: ReadonlyArray<Cell>) => `| ${cells.join(" | ")} |`
  const names = head.split("|").map((name) => name.trim())
  const rule = names.map((name, index) => (index === 0 || texts.includes(name) ? "---" : "---:"))
  return [line(names), line(rule), ...rows.map(line)]
}

/** A number with so many decimals; a dash where there is none. */
export const fixed = (value: number, decimals: number): string =>
  Number.isFinite(value) ? value.toFixed(decimals) : "–"

/** Bytes as whole MiB; a dash for none. */
export const mebibytes = (bytes: number): string => (bytes > 0 ? fixed(bytes / 2 ** 20, 0) : "–")

/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
}

/** `10,000 x 10 KiB`. */
export const amount = (count: number, bytes: number): string => {
  const units = ["bytes", "KiB", "MiB", "GiB"]
  let unit = 0
  for (let left = bytes; left >= 1024 && unit < units.length - 1; left /= 1024) unit++
  return `${count.toLocaleString("en")} x ${bytes / 1024 ** unit} ${units[unit]}`
}
