/** Lines of JSON, and CSV (RFC 4180), in UTF-8. */
import { appendFileSync, closeSync } from "node:fs"
import * as OutputFile from "../OutputFile.ts"
import type { Column, Row, Table } from "./Column.ts"
import { cell } from "./Column.ts"

type TextFormat = "jsonl" | "csv"

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const csvLine = (cells: ReadonlyArray<string>): string => `${cells.map(quoted).join(",")}\r\n`

/** What stands before the rows. */
export const head = (format: TextFormat, columns: ReadonlyArray<Column>): string =>
  format === "csv" ? csvLine(columns.map(({ name }) => name)) : ""

/** Rows as text, each with its line break. */
export const lines = (format: TextFormat, rows: ReadonlyArray<Row>, columns: ReadonlyArray<Column>): string =>
  rows
    .map((row) =>
      format === "jsonl"
        ? `${JSON.stringify(row)}\n`
        : csvLine(columns.map(({ name, kind }) => String(cell(row[name], kind) ?? "")))
    )
    .join("")

export const open = (place: OutputFile.Place, format: TextFormat, columns: ReadonlyArray<Column>): Table => {
  const descriptor = OutputFile.open(place)
  let isOpen = true
  // with what follows it: what fails here is open for nobody to close
  let first = head(format, columns)
  const append = (text: string) => {
    appendFileSync(descriptor, first + text)
    first = ""
  }
  return {
    // in promises, so that what is thrown is a rejection
    write: async (rows) => append(lines(format, rows, columns)),
    end: async () => append(""),
    close: async () => {
      if (!isOpen) return
      // whatever is told: the number is free
      isOpen = false
      closeSync(descriptor)
    }
  }
}
