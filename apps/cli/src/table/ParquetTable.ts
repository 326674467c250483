/** Apache Parquet, through hyparquet-writer. Rows are held until they make a row group. */
import {
  type ColumnSource,
  fileWriter,
  ParquetWriter,
  type SchemaElement,
  schemaFromColumnData
} from "hyparquet-writer"
import type { Column, Row, Table } from "./Column.ts"
import { cell } from "./Column.ts"

const types = { text: "STRING", number: "DOUBLE", boolean: "BOOLEAN", json: "JSON" } as const

/** Whichever is reached first ends a row group; characters of text and JSON. */
const groupRows = 10_000
const groupCharacters = 8 * 1024 * 1024

export const open = (file: string, columns: ReadonlyArray<Column>): Table => {
  const sources = (rows: ReadonlyArray<Row>): Array<ColumnSource> =>
    columns.map(({ name, kind }) => ({
      name,
      type: types[kind],
      // its smallest and largest value would stand in the file once more, whole
      statistics: kind !== "json",
      data: rows.map((row) => (kind === "json" ? (row[name] ?? null) : cell(row[name], kind)))
    }))
  const schema: Array<SchemaElement> = schemaFromColumnData({ columnData: sources([]) })
  const parquet = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: "simul" })
  let held: Array<Row> = []
  let characters = 0
  const flush = async () => {
    if (held.length > 0) await parquet.write({ columnData: sources(held), rowGroupSize: held.length })
    held = []
    characters = 0
  }
  return {
    write: async (rows) => {
      for (const row of rows) {
        held.push(row)
        characters += JSON.stringify(row).length
        if (held.length >= groupRows || characters >= groupCharacters) await flush()
      }
    },
    end: async () => {
      await flush()
      await parquet.finish()
    },
    close: () => Promise.resolve()
  }
}
