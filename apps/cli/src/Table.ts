/**
 * Records in a form that other programs read: lines of JSON, CSV, SQLite,
 * Parquet.
 *
 * 1. Memory does not grow with the number of records.
 * 2. A file has its name only when it is whole; one that was there stays until
 *    then. An interrupted run leaves no half of one.
 * 3. Columns are known before the first record, so they never depend on the data.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { rename, rm } from "node:fs/promises"
import { type OutputUnwritable, type Place, placeFor, unwritable } from "./OutputFile.ts"
import type { Screen } from "./Screen.ts"
import type { Column, Row, Table } from "./table/Column.ts"

export const formats = ["jsonl", "csv", "sqlite", "parquet"] as const
export type Format = (typeof formats)[number]

/** The format that a file's name asks for. */
export const ofName = (file: string): Format | undefined => {
  const [, ending = ""] = /\.([a-z0-9]+)$/i.exec(file) ?? []
  const name = ending.toLowerCase()
  if (name === "json" || name === "ndjson") return "jsonl"
  return name === "db" || name === "sqlite3" ? "sqlite" : formats.find((format) => format === name)
}

/** Loaded when it is asked for: a run needs one of them. */
const openFile = async (format: Format, place: Place, columns: ReadonlyArray<Column>): Promise<Table> => {
  if (format === "jsonl" || format === "csv") {
    return (await import("./table/TextTable.ts")).open(place, format, columns)
  }
  // they open it more than once, or from its beginning
  if (place.part === undefined) throw new Error(`${format} takes a file of its own`)
  const { open } = await (format === "parquet" ? import("./table/ParquetTable.ts") : import("./table/SqliteTable.ts"))
  return open(place.part, columns)
}

interface Writer {
  readonly write: (rows: ReadonlyArray<Row>) => Effect.Effect<void, OutputUnwritable>
  /** Puts the file in its place. */
  readonly finish: Effect.Effect<void, OutputUnwritable>
}

/** Rows to standard output as they come. */
export const toScreen = (screen: Screen["Service"], format: "jsonl" | "csv", columns: ReadonlyArray<Column>) =>
  Effect.gen(function* () {
    const { head, lines } = yield* Effect.promise(() => import("./table/TextTable.ts"))
    const first = head(format, columns)
    if (first !== "") yield* screen.data(first)
    return {
      write: (rows) => (rows.length === 0 ? Effect.void : screen.data(lines(format, rows, columns))),
      finish: Effect.void
    } satisfies Writer
  })

/** Rows to a file, through another one beside it. */
export const toFile = Effect.fnUntraced(function* (
  file: string,
  format: Format,
  columns: ReadonlyArray<Column>
): Effect.fn.Return<Writer, OutputUnwritable, Scope.Scope> {
  const unusable = unwritable("-o", file)
  const place = yield* Effect.try({ try: () => placeFor(file), catch: unusable })
  const removed = async () => {
    if (place.part !== undefined) await rm(place.part, { force: true })
  }
  // also where it is made and cannot be opened; on a disk that failed it may stay
  yield* Effect.addFinalizer(() => Effect.promise(() => removed().catch(() => {})))
  const table = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => removed().then(() => openFile(format, place, columns)), catch: unusable }),
    (table) => Effect.promise(() => table.close().catch(() => {}))
  )
  return {
    write: (rows) => Effect.tryPromise({ try: () => table.write(rows), catch: unusable }),
    finish: Effect.tryPromise({
      try: async () => {
        await table.end()
        await table.close()
        if (place.part !== undefined) await rename(place.part, place.file)
      },
      catch: unusable
    })
  }
})
