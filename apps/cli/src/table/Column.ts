/** What a table is made of: columns, rows, and what stands where they cross. */
import type { Kind } from "@simul/scraper/extract/Extraction"

/** `kind`: what stands in it, besides `null`; lists and objects are `json`. */
export interface Column {
  readonly name: string
  readonly kind: Kind
}

/** By name of its column; what is not there is `null`. */
export type Row = Readonly<Record<string, unknown>>

/** A table in the making. Both throw as the file system does. */
export interface Table {
  readonly write: (rows: ReadonlyArray<Row>) => Promise<void>
  /** Everything is written out. */
  readonly end: () => Promise<void>
  /** Lets go of the file, whole or not. */
  readonly close: () => Promise<void>
}

/** A value as it stands in a cell: text, number, truth, `null`, or JSON as text. */
export const cell = (value: unknown, kind: Kind): string | number | boolean | null => {
  if (value === undefined || value === null) return null
  if (kind === "json") return JSON.stringify(value) ?? null
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value
  return typeof value === "bigint" ? String(value) : JSON.stringify(value)
}
