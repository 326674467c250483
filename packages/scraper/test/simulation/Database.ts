/**
 * The store's database over a crash: SQLite itself, in memory.
 *
 * Real: the schema, every statement, transactions. A model: what a crash leaves. A killed process leaves what was
 * committed; what was begun is rolled back. So does a loss of power where each commit is synced (`power`); where it is
 * not (`process`), the last commits may be missing, but none before one that is there (SQLite, WAL with
 * `synchronous=NORMAL`). The file of the database itself is not on the simulated disk.
 */
import type { Randomness } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlStore from "../../src/store/SqlStore.ts"

/** A database and its client. */
interface Connection {
  readonly sqlite: DatabaseSync
  client: SqlClient.SqlClient
  /** A run has the client, or had it when it was crashed: it may never be free again. */
  isTaken: boolean
}

const clientOf = (sqlite: DatabaseSync) => Effect.runSync(Effect.scoped(NodeSqlite.over(sqlite)))
const connected = (sqlite: DatabaseSync): Connection => ({ sqlite, client: clientOf(sqlite), isTaken: false })

/** For another run, whatever became of the one before. */
const release = (connection: Connection) => {
  const { sqlite } = connection
  if (sqlite.isTransaction) sqlite.exec("ROLLBACK")
  if (connection.isTaken) connection.client = clientOf(sqlite)
  connection.isTaken = false
}

/**
 * Begins a run, as `store/Directory.ts` does. The client was made before: so a run goes the same way whether it is new
 * or not.
 */
export const begin = (connection: Connection, options: SqlStore.SqlStoreOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      connection.isTaken = true
      return connection.client
    }),
    () =>
      Effect.sync(() => {
        connection.isTaken = false
      })
  ).pipe(Effect.flatMap((client) => Effect.provideService(SqlStore.make(options), SqlClient.SqlClient, client)))

/** Prepares each statement once: that takes longer than all else that a trial does. */
class Sqlite extends DatabaseSync {
  private readonly prepared = new Map<string, StatementSync>()
  override prepare(text: string): StatementSync {
    let statement = this.prepared.get(text)
    if (statement === undefined) {
      this.prepared.set(text, (statement = super.prepare(text)))
      const columns = statement.columns()
      statement.columns = () => columns
    }
    return statement
  }
}

const schema = { file: "store", boot: "none", durability: "process" } as const
const tables = ["target", "list", "host", "run", "archive", "robots", "crawl", "site", "pattern"]

/** With the schema and without a row, used for one trial after the other. */
let common: Connection | undefined
const emptied = (): Connection => {
  if (common === undefined) {
    common = connected(new Sqlite(":memory:"))
    Effect.runSync(Effect.scoped(begin(common, schema)))
  }
  release(common)
  for (const table of tables) common.sqlite.prepare(`DELETE FROM ${table}`).run()
  return common
}

/** A row, as far as the laws look at it. */
export interface Row {
  readonly url: string
  readonly list: number
  readonly state: number
  readonly bytes: number | null
  readonly sha256: string | null
  readonly depth: number | null
}

/** All rows there are, with the numbers by which SQLite orders those of one table. */
const contentsOf = (sqlite: DatabaseSync) =>
  tables.map((table) => {
    const statement = sqlite.prepare(`SELECT rowid AS rowid, * FROM ${table}`)
    statement.setReadBigInts(true)
    return statement.all()
  })

const restored = (contents: ReturnType<typeof contentsOf>): Connection => {
  const connection = emptied()
  for (const [index, rows] of contents.entries())
    for (const row of rows) {
      const names = Object.keys(row)
      connection.sqlite
        .prepare(`INSERT INTO ${tables[index]} (${names.join(",")}) VALUES (${names.map(() => "?").join(",")})`)
        .run(...Object.values(row))
    }
  return connection
}

export class Database {
  connection: Connection
  private readonly random: Randomness.Randomness
  /** How often it was remembered in this run, and how it was at one of these times, each as likely as the others. */
  private remembered = 0
  private earlier: ReturnType<typeof contentsOf> = []

  /** `fresh`: without the schema yet. One that is not fresh ends where the next one begins. */
  constructor(fresh: boolean, random: Randomness.Randomness) {
    this.connection = fresh ? connected(new Sqlite(":memory:")) : emptied()
    this.random = random
  }

  get sqlite(): DatabaseSync {
    return this.connection.sqlite
  }

  /** Remembers how it is now: a loss of power may bring it back to this. */
  remember(): void {
    if (this.random() * ++this.remembered < 1) this.earlier = contentsOf(this.sqlite)
  }

  /** The process is gone. `forgetful`: what was not synced may be, too. */
  crash(forgetful: boolean): void {
    release(this.connection)
    if (forgetful && this.random() * (this.remembered + 1) >= 1) this.connection = restored(this.earlier)
    this.remembered = 0
  }

  rows(): ReadonlyArray<Row> {
    const statement = this.sqlite.prepare("SELECT url, list, state, bytes, sha256, depth FROM target ORDER BY url")
    return statement.all() as unknown as ReadonlyArray<Row>
  }
}
