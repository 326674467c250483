/** One table `record` in an SQLite file. Truths are 0 and 1, what is JSON is text for SQLite's own functions (`->>`). */
import { DatabaseSync } from "node:sqlite"
import type { Column, Table } from "./Column.ts"
import { cell } from "./Column.ts"

const types = { text: "TEXT", number: "REAL", boolean: "INTEGER", json: "TEXT" } as const

const name = (text: string): string => `"${text.replaceAll('"', '""')}"`

export const open = (file: string, columns: ReadonlyArray<Column>): Table => {
  const database = new DatabaseSync(file)
  try {
    return tableIn(database, columns)
  } catch (error) {
    // what is open cannot be removed on Windows
    database.close()
    throw error
  }
}

const tableIn = (database: DatabaseSync, columns: ReadonlyArray<Column>): Table => {
  // the file counts only when it is whole: nothing is gained by syncing on the way
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
  database.exec(
    `CREATE TABLE record (${columns.map((column) => `${name(column.name)} ${types[column.kind]}`).join(", ")})`
  )
  const insert = database.prepare(`INSERT INTO record VALUES (${columns.map(() => "?").join(", ")})`)
  return {
    // in a promise, so that what is thrown is a rejection
    write: async (rows) => {
      database.exec("BEGIN")
      for (const row of rows)
        insert.run(
          ...columns.map(({ name, kind }) => {
            const value = cell(row[name], kind)
            return typeof value === "boolean" ? Number(value) : value
          })
        )
      database.exec("COMMIT")
    },
    end: () => Promise.resolve(),
    close: async () => {
      if (database.isOpen) database.close()
    }
  }
}
