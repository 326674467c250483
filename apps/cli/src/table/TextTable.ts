/** Lines of JSON, and CSV (RFC 4180), in UTF-8. */
import { open as openFile } from "node:fs/promises"
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

export const open = async (file: string, format: TextFormat, columns: ReadonlyArray<Column>): Promise<Table> => {
  const handle = await openFile(file, "w")
  await handle.appendFile(head(format, columns))
  return {
    write: (rows) => handle.appendFile(lines(format, rows, columns)),
    end: () => Promise.resolve(),
    close: () => handle.close()
  }
}
