import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { initial, migrations } from "../../src/store/migrations.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"

const schemaOf = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  return {
    schema: yield* sql`SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid`,
    steps: yield* sql`SELECT migration_id, name FROM migration ORDER BY migration_id`
  }
})

describe("migrations", () => {
  it.effect("come to the same all at once as step by step", () =>
    Effect.gen(function* () {
      const atOnce = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL", initial })
      const stepwise = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
      const migrate = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: "migration" })
      yield* Effect.provideService(migrate, SqlClient.SqlClient, stepwise)
      assert.deepStrictEqual(yield* schemaOf(atOnce), yield* schemaOf(stepwise))
      assert.deepStrictEqual(yield* Effect.provideService(migrate, SqlClient.SqlClient, atOnce), [])
    })
  )

  it.effect("tell the host of each site that an earlier store has, and how many of its targets are saved", () =>
    Effect.gen(function* () {
      const sql = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
      const { "10_hosts": _, "11_priorities": __, ...earlier } = migrations
      const migrate = (steps: typeof earlier) =>
        Effect.provideService(
          Migrator.make({})({ loader: Migrator.fromRecord(steps), table: "migration" }),
          SqlClient.SqlClient,
          sql
        )
      yield* migrate(earlier)
      yield* sql`INSERT INTO site (id, origin) VALUES (1, 'https://www.a.example'), (2, 'http://b.example:8080')`
      yield* sql`INSERT INTO target (url, list, run, state, attempts, site)
        VALUES ('1', 1, 1, 1, 1, 1), ('2', 1, 1, 2, 1, 1), ('3', 1, 1, 4, 1, 1), ('4', 1, 1, 0, 0, 2)`
      yield* sql`UPDATE target SET depth = 3, priority = 2, due = 3 - 200000 WHERE url = '4'`
      yield* migrate(migrations)
      assert.deepStrictEqual(yield* sql`SELECT host, saved FROM site ORDER BY id`, [
        { host: "a.example", saved: 2 },
        { host: "b.example:8080", saved: 0 }
      ])
      assert.deepStrictEqual(yield* sql`SELECT priority, due FROM target WHERE site = 2`, [
        { priority: 32, due: 3 - 3_200_000 }
      ])
    })
  )
})
