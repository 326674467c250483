import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Simulation } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"

const opened = NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })

describe("NodeSqlite", () => {
  it.effect("goes on after a COMMIT that failed, without what it was to commit", () =>
    Effect.gen(function* () {
      const sql = yield* opened
      yield* sql`CREATE TABLE parent (id INTEGER PRIMARY KEY)`
      yield* sql`CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`
      const error = yield* Effect.flip(sql.withTransaction(sql`INSERT INTO child VALUES (1)`))
      assert.match(error.reason.message, /Failed to execute statement/)
      yield* sql.withTransaction(sql`INSERT INTO parent VALUES (2)`)
      assert.deepStrictEqual(yield* sql`SELECT id, (SELECT COUNT(*) FROM child) AS children FROM parent`, [
        { id: 2, children: 0 }
      ])
    })
  )

  it.effect("dies of a transaction in a transaction, and of what is to follow its commit, instead of waiting", () =>
    Effect.gen(function* () {
      const sql = yield* opened
      yield* sql`CREATE TABLE one (id INTEGER PRIMARY KEY)`
      for (const inner of [sql.withTransaction(sql`INSERT INTO one VALUES (2)`), sql.afterCommit(Effect.void)]) {
        const within = Effect.andThen(sql`INSERT INTO one VALUES (1)`, inner)
        const exit = yield* Effect.exit(sql.withTransaction(within))
        assert.match(String(exit), /of NodeSqlite within a transaction: call it outside/)
      }
      let isRun = false
      yield* sql.afterCommit(Effect.sync(() => void (isRun = true)))
      assert.isTrue(isRun)
      assert.deepStrictEqual(yield* sql`SELECT id FROM one`, [])
    })
  )

  it.effect("runs what a new database begins with once, all of it or nothing", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "simul-sqlite-"))),
        (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
      )
      const open = (initial: string) =>
        Effect.flatMap(
          NodeSqlite.make({ file: join(directory, "store"), synchronous: "NORMAL", initial }),
          (sql) => sql`SELECT name FROM sqlite_schema`
        ).pipe(Effect.scoped)
      yield* Effect.flip(open("CREATE TABLE half (id INTEGER); CREATE TABEL"))
      assert.deepStrictEqual(yield* open("CREATE TABLE one (id INTEGER)"), [{ name: "one" }])
      assert.deepStrictEqual(yield* open("CREATE TABLE two (id INTEGER)"), [{ name: "one" }])
    })
  )

  it.effect("reads a database without a trace beside it, whether another one has it open or none has", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "simul-sqlite-"))),
        (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
      )
      const file = join(directory, "store")
      const read = Effect.scoped(
        Effect.flatMap(
          NodeSqlite.make({ file, synchronous: "NORMAL", readOnly: true }),
          (sql) => sql<{ id: number }>`SELECT id FROM one`
        )
      )
      const write = Effect.gen(function* () {
        const sql = yield* NodeSqlite.make({ file, synchronous: "NORMAL", initial: "CREATE TABLE one (id INTEGER)" })
        yield* sql`INSERT INTO one VALUES (7)`
        assert.deepStrictEqual(yield* read, [{ id: 7 }])
        assert.deepStrictEqual(readdirSync(directory), ["store", "store-shm", "store-wal"])
      })
      yield* Effect.scoped(write)
      const before = statSync(directory, { bigint: true }).mtimeNs
      assert.deepStrictEqual(yield* read, [{ id: 7 }])
      assert.strictEqual(statSync(directory, { bigint: true }).mtimeNs, before, "nothing was made there")
    })
  )

  it.effect("gives the same for a statement however many others came in between", () =>
    Effect.gen(function* () {
      const sql = yield* opened
      for (let round = 0; round < 2; round++)
        for (let value = 0; value < 150; value++)
          assert.deepStrictEqual(yield* sql.unsafe(`SELECT ${value} AS value`), [{ value }])
    })
  )

  it.effect("gives the rows of one statement by name or as values, whichever is asked for", () =>
    Effect.gen(function* () {
      const sql = yield* opened
      const rows = sql`SELECT 2 AS first, NULL AS second, 'a' AS third, ${2 ** 53} AS fourth`
      for (let round = 0; round < 2; round++) {
        assert.deepStrictEqual(yield* rows, [{ first: 2, second: null, third: "a", fourth: 2 ** 53 }])
        assert.deepStrictEqual(yield* rows.values, [[2, null, "a", 2 ** 53]])
      }
      assert.deepStrictEqual(yield* Stream.runCollect(sql`SELECT 'a' AS one`.stream), [{ one: "a" }])
    })
  )

  it.effect("tells a statement that cannot be prepared from one that cannot be executed", () =>
    Effect.gen(function* () {
      const sql = yield* opened
      yield* sql`CREATE TABLE one (id INTEGER PRIMARY KEY)`
      yield* sql`INSERT INTO one VALUES (1)`
      const told = (statement: Effect.Effect<unknown, { readonly reason: { readonly message: string } }>) =>
        Effect.map(Effect.flip(statement), ({ reason }) => reason.message)
      assert.strictEqual(yield* told(sql`SELECT`), "Failed to prepare statement")
      assert.strictEqual(yield* told(sql`INSERT INTO one VALUES (1)`), "Failed to execute statement")
    })
  )

  it.effect("takes a step or two of its fiber for a statement", () =>
    Effect.gen(function* () {
      const sql = yield* opened
      yield* sql`CREATE TABLE one (id INTEGER PRIMARY KEY)`
      const stepsOf = (statement: Effect.Effect<unknown, unknown>) =>
        Effect.map(
          Simulation.run(Effect.replicateEffect(statement, 100, { discard: true })),
          ({ steps }) => steps / 100
        )
      for (const statement of [
        sql`SELECT ${sql.literal("id")} FROM one WHERE id IN ${sql.in([1, 2])}`,
        sql.unsafe("SELECT id FROM one WHERE id = ?", [1]),
        sql`INSERT INTO one VALUES (1) ON CONFLICT DO NOTHING`.raw
      ])
        assert.isAtMost(yield* stepsOf(statement), 4)
    })
  )

  /**
   * Writes in a transaction that is rolled back, one that is committed, and in none; gives what is there in the end,
   * and what was seen meanwhile.
   */
  const together = Effect.gen(function* () {
    const sql = yield* opened
    yield* sql`CREATE TABLE one (id INTEGER PRIMARY KEY)`
    const twice = (id: number) =>
      Effect.andThen(sql`INSERT INTO one VALUES (${id})`, sql`INSERT INTO one VALUES (${id + 1})`)
    const seen = sql<{ count: number }>`SELECT COUNT(*) AS count FROM one WHERE id < 50`
    const [, , , before, after] = yield* Effect.all(
      [
        Effect.ignore(sql.withTransaction(Effect.andThen(twice(10), Effect.fail("no")))),
        sql.withTransaction(twice(20)),
        twice(50),
        seen,
        seen
      ],
      { concurrency: "unbounded" }
    )
    const there = yield* sql<{ id: number }>`SELECT id FROM one ORDER BY id`
    return { there: there.map(({ id }) => id), seen: [before[0]!.count, after[0]!.count] }
  }).pipe(Effect.scoped, Effect.withTracerEnabled(false))

  it(
    "keeps what has no transaction out of those of others, in whatever order they come",
    Simulation.property(together, {
      invariants: {
        "all is there that was not rolled back": ({ there }) => assert.deepStrictEqual(there, [20, 21, 50, 51]),
        "a transaction is seen whole or not at all": ({ seen }) => seen.every((count) => count === 0 || count === 2)
      }
    })
  )
})
