/**
 * The store's database over a crash: SQLite itself, in memory.
 *
 * Real: the schema, every statement, transactions. A model: what a crash leaves. A killed process leaves what was
 * committed; what was begun is rolled back. So does a loss of power where each commit is synced (`power`); where it is
 * not (`process`), the last commits may be missing, but none before one that is there (SQLite, WAL with
 * `synchronous=NORMAL`). Any statement may fail before it does anything, and the next one work. The file of the database
 * itself is not on the simulated disk.
 */
import { Faults, type Randomness } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SqlClient from "effect/sql/SqlClient"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlStore from "../../src/store/SqlStore.ts"
import { type StoreFault, storeFaults } from "./Scenario.ts"

/** A database and its client. */
interface Connection {
  readonly sqlite: DatabaseSync
  client: SqlClient.SqlClient
  /** What goes wrong with the statements of the run that has it. */
  faults?: StatementFaults | undefined
  /** A run has the client, or had it when it was crashed: it may never be free again. */
  isTaken: boolean
}

/** As much of the database as a client uses. Whoever looks from outside sees the database itself. */
const clientOf = (sqlite: DatabaseSync, of: { readonly faults?: StatementFaults | undefined }) => {
  const prepare = (text: string) => {
    const statement = sqlite.prepare(text)
    const over = {
      columns: () => statement.columns(),
      setReadBigInts: (on: boolean) => statement.setReadBigInts(on),
      setReturnArrays: (on: boolean) => statement.setReturnArrays(on),
      run: (...values: Array<SQLInputValue>) => {
        of.faults?.strike(text, sqlite)
        return statement.run(...values)
      },
      all: (...values: Array<SQLInputValue>) => {
        of.faults?.strike(text, sqlite)
        return statement.all(...values)
      }
    }
    return over as unknown as StatementSync
  }
  const database = {
    prepare,
    get isTransaction() {
      return sqlite.isTransaction
    }
  }
  return Effect.runSync(Effect.scoped(NodeSqlite.over(database as DatabaseSync)))
}
const connected = (sqlite: DatabaseSync): Connection => {
  const faults: Pick<Connection, "faults"> = { faults: undefined }
  return Object.assign(faults, { sqlite, client: clientOf(sqlite, faults), isTaken: false })
}

const codes = { full: 13, ioerr: 10, busy: 5 }

/** What goes wrong with statements by chance, in one run. */
export class StatementFaults {
  private readonly faults: Faults.Faults<StoreFault>
  private readonly random: Randomness.Randomness
  /** Nothing can be read nor written any more. */
  private isGone = false

  constructor(faults: Faults.Faults<StoreFault>, random: Randomness.Randomness) {
    this.faults = faults
    this.random = random
  }

  /** Throws as `node:sqlite` does, or not. */
  strike(text: string, sqlite: DatabaseSync): void {
    if (text.startsWith("ROLLBACK")) return
    const fault = this.isGone ? "ioerr" : storeFaults.find(this.faults.strikes)
    if (fault === undefined) return
    const isCommit = text === "COMMIT"
    if (isCommit && fault === "ioerr" && !this.isGone && this.random() < 0.5) {
      // in the log whole, but not known to be synced: who opens the database next finds it committed
      sqlite.exec(text)
      this.isGone = true
    }
    // SQLite itself may roll back (https://sqlite.org/lang_transaction.html), and does so where COMMIT fails like this
    if (fault !== "busy" && sqlite.isTransaction && (isCommit || this.random() < 0.5)) sqlite.exec("ROLLBACK")
    throw Object.assign(new Error(`${fault}: ${text}`), { code: "ERR_SQLITE_ERROR", errcode: codes[fault] })
  }
}

/** Nobody has it who is no more: to make another takes a fiftieth of the time of a trial. */
const isFree = ({ reserve }: SqlClient.SqlClient): boolean => Exit.isSuccess(Effect.runSyncExit(Effect.scoped(reserve)))

/** For another run, whatever became of the one before. */
const release = (connection: Connection) => {
  const { sqlite } = connection
  if (sqlite.isTransaction) sqlite.exec("ROLLBACK")
  if (connection.isTaken && !isFree(connection.client)) connection.client = clientOf(sqlite, connection)
  connection.faults = undefined
  connection.isTaken = false
}

/**
 * Begins a run, as `store/Directory.ts` does. The client was made before: so a run goes the same way whether it is new
 * or not.
 */
export const begin = (connection: Connection, options: SqlStore.SqlStoreOptions, faults?: StatementFaults) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      connection.isTaken = true
      connection.faults = faults
      return connection.client
    }),
    () =>
      Effect.sync(() => {
        connection.isTaken = false
        connection.faults = undefined
      })
  ).pipe(Effect.flatMap((client) => Effect.provideService(SqlStore.make(options), SqlClient.SqlClient, client)))

/** Prepares each statement once: that takes longer than all else that a trial does. */
class Sqlite extends DatabaseSync {
  private readonly prepared = new Map<string, StatementSync>()
  constructor() {
    super(":memory:")
    // each commit copies the pages that it changes: the smallest there are take a twentieth off a trial
    this.exec("PRAGMA page_size=512")
  }
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
const tables = ["target", "list", "host", "run", "archive", "robots", "crawl", "site", "pattern", "begun"]

const areFilled = `SELECT ${tables.map((table) => `EXISTS (SELECT 1 FROM ${table}) AS ${table}`).join(", ")}`

/** With the schema and without a row, used for one trial after the other. */
let common: Connection | undefined
const emptied = (): Connection => {
  if (common === undefined) {
    common = connected(new Sqlite())
    Effect.runSync(Effect.scoped(begin(common, schema)))
  }
  release(common)
  const { sqlite } = common
  for (const [table, isFilled] of Object.entries(sqlite.prepare(areFilled).get()!))
    if (isFilled === 1) sqlite.prepare(`DELETE FROM ${table}`).run()
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
  /** Where it is not the one of its URL. */
  readonly path: string | null
}

/** All rows there are, with the numbers by which SQLite orders those of one table. */
const contentsOf = (sqlite: DatabaseSync) =>
  tables.map((table) => {
    const statement = sqlite.prepare(`SELECT rowid AS rowid, * FROM ${table}`)
    statement.setReadBigInts(true)
    statement.setReturnArrays(true)
    // the types of Node know rows as objects alone
    const rows = statement.all() as unknown as ReadonlyArray<ReadonlyArray<SQLInputValue>>
    return { table, names: statement.columns().map(({ name }) => name), rows }
  })

const restored = (contents: ReturnType<typeof contentsOf>): Connection => {
  const connection = emptied()
  for (const { table, names, rows } of contents)
    for (const row of rows)
      connection.sqlite
        .prepare(`INSERT INTO ${table} (${names.join(",")}) VALUES (${names.map(() => "?").join(",")})`)
        .run(...row)
  return connection
}

export class Database {
  connection: Connection
  readonly faults: Faults.Faults<StoreFault>
  private readonly random: Randomness.Randomness
  /** How often it was remembered in this run, and how it was at one of these times, each as likely as the others. */
  private remembered = 0
  private earlier: ReturnType<typeof contentsOf> = []

  /** `fresh`: without the schema yet. One that is not fresh ends where the next one begins. */
  constructor(fresh: boolean, random: Randomness.Randomness, chances: Faults.Chances<StoreFault>) {
    this.faults = Faults.make(chances, random)
    this.connection = fresh ? connected(new Sqlite()) : emptied()
    this.random = random
  }

  get sqlite(): DatabaseSync {
    return this.connection.sqlite
  }

  /** What goes wrong in another run. */
  statementFaults(): StatementFaults {
    return new StatementFaults(this.faults, this.random)
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
    const statement = this.sqlite.prepare(
      "SELECT url, list, state, bytes, sha256, depth, path FROM target ORDER BY url"
    )
    return statement.all() as unknown as ReadonlyArray<Row>
  }

  /** A list was begun, and no run came to its end. */
  isUnfinished(): boolean {
    return this.sqlite.prepare("SELECT 1 FROM begun").get() !== undefined
  }
}
