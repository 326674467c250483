/**
 * `SqlClient` over Node's embedded SQLite: one connection, a write-ahead log,
 * prepared statements kept.
 *
 * Integers are always read as BigInt and converted: node:sqlite throws on
 * integers above 2^53 after the statement has run.
 *
 * Statements do not number their parameters: Node 22 takes `?1` for a name, and binds no value to it by its place.
 *
 * Statements say `LIMIT ? + 0`: where `LIMIT ?` stands alone, SQLite looks at
 * its value when it plans, and so plans anew whenever one is bound.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { statSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import * as SpanlessStatements from "./SpanlessStatements.ts"

export interface NodeSqliteOptions {
  readonly file: string
  /**
   * `FULL` syncs the log at each commit; `NORMAL` at checkpoints: after a power loss the last commits may be missing,
   * never torn.
   */
  readonly synchronous: "NORMAL" | "FULL"
  /** Statements for a database that is new: all of them, or it stays as it was [none]. */
  readonly initial?: string
  /** Asked first: where it gives a row the database is not opened, nor changed [none]. */
  readonly foreign?: string
  /** Nothing is written, to it or beside it; there must be nobody who writes to it unless its log and index are there [false]. */
  readonly readOnly?: boolean
}

/** The database is another program's. */
export class Foreign extends Data.TaggedError("Foreign") {}

const fail = (message: string, operation: string) => (cause: unknown) => {
  const known =
    typeof cause === "object" && cause !== null && "errcode" in cause
      ? Object.assign(cause, { errno: cause.errcode }) // classifySqliteError reads errno
      : cause
  return new SqlError.SqlError({ reason: SqlError.classifySqliteError(known, { message, operation }) })
}

const openFailed = fail("Failed to open", "open")
const prepareFailed = fail("Failed to prepare statement", "prepare")
const executeFailed = fail("Failed to execute statement", "execute")

const toNumber = (value: unknown) => (typeof value === "bigint" ? Number(value) : value)
/**
 * From an array: an object as node:sqlite makes one has no hidden class of V8, and takes twice the time to make and read.
 * Nor has one beyond 16 keys that is filled key by key; a copy of an empty row has that of the row.
 */
const toRow = (columns: ReadonlyArray<string>, empty: Prepared["empty"], values: ReadonlyArray<unknown>) => {
  const row: Record<string, unknown> = { ...empty }
  for (let i = 0; i < columns.length; i++) row[columns[i]!] = values[i]
  return row
}

/** Each change of its schema counts one up (https://sqlite.org/pragma.html#pragma_schema_version). */
const isNew = (database: DatabaseSync) => database.prepare("PRAGMA schema_version").get()!["schema_version"] === 0

/** A statement, and the columns of its rows: none where it gives no rows. */
interface Prepared {
  readonly statement: StatementSync
  readonly columns: ReadonlyArray<string>
  /** A row without values. */
  readonly empty: Readonly<Record<string, null>>
}

type Mode = "rows" | "raw" | "values"

/** What the log has that is not in the database yet: bytes. */
export const logBytes = (file: string): number => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0

const opened = ({ file, readOnly = false }: NodeSqliteOptions): DatabaseSync => {
  if (!readOnly) return new DatabaseSync(file, { timeout: 5000 })
  const url = pathToFileURL(file)
  // else SQLite would make an index for a log that there is none of (https://sqlite.org/wal.html#read_only_databases)
  if (logBytes(file) === 0) url.search = "immutable=1"
  return new DatabaseSync(url, { readOnly, timeout: 5000 })
}

/**
 * Opens the file, making it if need be; closes it with the scope. Fails where SQLite cannot open or read it, and with
 * `Foreign`.
 */
export const make = Effect.fnUntraced(function* (options: NodeSqliteOptions) {
  const database = yield* Effect.try({
    try: () => {
      const database = opened(options)
      try {
        if (options.foreign !== undefined && database.prepare(options.foreign).get() !== undefined) throw new Foreign()
        if (options.readOnly !== true) database.exec("PRAGMA journal_mode=WAL")
        database.exec(`PRAGMA synchronous=${options.synchronous}; PRAGMA wal_autocheckpoint=4000;
          PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY`)
        if (options.initial !== undefined && isNew(database)) database.exec(`BEGIN; ${options.initial}; COMMIT`)
      } catch (error) {
        database.close()
        throw error
      }
      return database
    },
    catch: (cause) => (cause instanceof Foreign ? cause : openFailed(cause))
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
  return yield* over(database)
})

/** Prepared statements that are kept: lists of any length have a text each. */
const mostPrepared = 100

/** Over a database that is open; whoever opened it closes it, after the scope. */
export const over = Effect.fnUntraced(function* (database: DatabaseSync) {
  const prepare = (sql: string): Prepared => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    statement.setReturnArrays(true)
    const columns = statement.columns().map(({ name }) => name)
    return { statement, columns, empty: Object.fromEntries(columns.map((name) => [name, null])) }
  }
  const kept = new Map<string, Prepared>()
  const prepared = (sql: string): Prepared => {
    let found = kept.get(sql)
    if (found === undefined) {
      found = prepare(sql)
      if (kept.size >= mostPrepared) kept.delete(kept.keys().next().value!)
      kept.set(sql, found)
    }
    return found
  }

  // in one step: a statement is synchronous, and what leads to it should not be longer than it
  const execute = (
    isShared: boolean,
    from: (sql: string) => Prepared,
    sql: string,
    params: ReadonlyArray<unknown>,
    mode: Mode
  ): Effect.Effect<any, SqlError.SqlError> => {
    // in this very step, or another fiber might begin a transaction in between
    if (isShared && database.isTransaction) return acquirers.borrower(() => run(false, from, sql, params, mode))
    let step = prepareFailed
    try {
      const { statement, columns, empty } = from(sql)
      step = executeFailed
      const values = params as ReadonlyArray<SQLInputValue>
      if (columns.length === 0) {
        const { changes, lastInsertRowid } = statement.run(...values)
        return Effect.succeed(mode === "raw" ? { changes, lastInsertRowid } : [])
      }
      // the types of Node know rows as objects alone
      const rows = statement.all(...values) as unknown as Array<Array<unknown>>
      for (const row of rows) for (let i = 0; i < row.length; i++) row[i] = toNumber(row[i])
      return Effect.succeed(mode === "values" ? rows : rows.map((row) => toRow(columns, empty, row)))
    } catch (error) {
      return Effect.fail(step(error))
    }
  }
  const run = (...asked: Parameters<typeof execute>) => Effect.suspend(() => execute(...asked))
  const transformed = <A>(rows: Effect.Effect<any, SqlError.SqlError>, transform: ((rows: any) => A) | undefined) =>
    transform ? Effect.map(rows, transform) : rows

  /** Of a transaction; or `isShared`, by all that have none, of which each statement waits while one is open. */
  const connectionOf = (isShared: boolean): SqlConnection.Connection => ({
    execute: (sql, params, transform) => transformed(run(isShared, prepared, sql, params, "rows"), transform),
    executeRaw: (sql, params) => run(isShared, prepared, sql, params, "raw"),
    executeValues: (sql, params) => run(isShared, prepared, sql, params, "values"),
    executeValuesUnprepared: (sql, params) => run(isShared, prepare, sql, params, "values"),
    executeUnprepared: (sql, params, transform) =>
      transformed(run(isShared, prepare, sql, params ?? [], "rows"), transform),
    executeStream: (sql, params) =>
      Stream.unwrap(
        Effect.try({
          try: () => {
            const { statement } = prepare(sql)
            statement.setReturnArrays(false)
            return Stream.fromIterable({
              [Symbol.iterator]: () => statement.iterate(...(params as Array<SQLInputValue>)) as Iterator<any>
            })
          },
          catch: prepareFailed
        })
      )
  })

  // one connection: a transaction holds it for its whole scope
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connectionOf(false)),
    semaphore: yield* Semaphore.make(1),
    isTransaction: () => database.isTransaction
  })
  const shared = connectionOf(true)
  const client = yield* SqlClient.make({
    driver: "node-sqlite",
    ...acquirers,
    borrower: (use) => use(shared),
    compiler: Statement.makeCompilerSqlite(),
    prepareTransactionControls: true,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    spanAttributes: []
  })
  const { transactionService } = client
  const isWithin = (fiber: Fiber.Fiber<unknown, unknown>) =>
    Context.getOrUndefined(fiber.context, transactionService) !== undefined
  /** Within a transaction the one would wait for itself, and the other not for the commit. */
  const outside = <A, E, R>(
    name: "withTransaction" | "afterCommit",
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) =>
      isWithin(fiber) ? Effect.die(new Error(`no ${name} of NodeSqlite within a transaction: call it outside`)) : effect
    )
  const control = (text: string) => execute(false, prepared, text, [], "rows")
  const ended = (isGood: boolean, connection: SqlConnection.Connection): Effect.Effect<unknown, SqlError.SqlError> => {
    if (isGood)
      return Effect.catchCause(control("COMMIT"), (cause) =>
        Effect.andThen(Effect.ignore(acquirers.onCommitFailure(connection)), Effect.failCause(cause))
      )
    // SQLite may have done it by itself (https://sqlite.org/lang_transaction.html)
    return database.isTransaction ? Effect.orDie(control("ROLLBACK")) : Effect.void
  }
  /**
   * As Effect's own, which also has a span, a scope, and effects that follow the commit: nobody asks for them, and they take
   * four steps of five. One within another dies.
   */
  const withTransaction: SqlClient.SqlClient["withTransaction"] = (effect) =>
    outside(
      "withTransaction",
      acquirers.borrower((connection) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(control("BEGIN"), () =>
            Effect.onExit(Effect.provideService(restore(effect), transactionService, [connection, 0]), (exit) =>
              ended(Exit.isSuccess(exit), connection)
            )
          )
        )
      )
    )
  const { afterCommit } = client
  const own: Partial<SqlClient.SqlClient> = {
    withTransaction,
    afterCommit: (effect) => outside("afterCommit", afterCommit(effect))
  }
  return SpanlessStatements.of(Object.assign(client, own), (fiber, mode, sql, params) =>
    execute(!isWithin(fiber), prepared, sql, params, mode)
  )
}, Effect.provide(Reactivity.layer))
