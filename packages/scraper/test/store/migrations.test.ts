import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as RulesText from "../../src/crawl/RulesText.ts"
import { initial, migrations } from "../../src/store/migrations.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SchemaVersion from "../../src/store/SchemaVersion.ts"
import * as SqlCaptures from "../../src/store/SqlCaptures.ts"

const schemaOf = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  return {
    schema: yield* sql`SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid`,
    steps: yield* sql`SELECT migration_id, name FROM migration ORDER BY migration_id`
  }
})

/** A store as it was before `step`, and what brings it up to date. */
const before = Effect.fnUntraced(function* (step: keyof typeof migrations) {
  const sql = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
  const migrate = (steps: Partial<typeof migrations>) =>
    Effect.provideService(
      Migrator.make({})({ loader: Migrator.fromRecord(steps as typeof migrations), table: "migration" }),
      SqlClient.SqlClient,
      sql
    )
  const all = Object.entries(migrations)
  yield* migrate(Object.fromEntries(all.slice(0, Object.keys(migrations).indexOf(step))))
  return { sql, finish: migrate(migrations) }
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

  it.effect("that find no room do not call the store damaged", () =>
    Effect.gen(function* () {
      const { sql } = yield* before("3_crawls")
      const migrate = Effect.provideService(SchemaVersion.migrate(sql, "store"), SqlClient.SqlClient, sql)
      // of that many pages are its tables now
      yield* sql`PRAGMA max_page_count = 1`
      assert.deepInclude(yield* Effect.flip(migrate), { _tag: "StoreUnusable", detail: "database or disk is full" })
      yield* sql`PRAGMA max_page_count = 1000`
      yield* migrate
    })
  )

  it.effect("tell the host of each site that an earlier store has, and how many of its targets are saved", () =>
    Effect.gen(function* () {
      const { sql, finish } = yield* before("10_hosts")
      yield* sql`INSERT INTO site (id, origin) VALUES (1, 'https://www.a.example'), (2, 'http://b.example:8080')`
      yield* sql`INSERT INTO target (url, list, run, state, attempts, site)
        VALUES ('1', 1, 1, 1, 1, 1), ('2', 1, 1, 2, 1, 1), ('3', 1, 1, 4, 1, 1), ('4', 1, 1, 0, 0, 2)`
      yield* sql`UPDATE target SET depth = 3, priority = 2, due = 3 - 200000 WHERE url = '4'`
      yield* finish
      assert.deepStrictEqual(yield* sql`SELECT host, saved FROM site ORDER BY id`, [
        { host: "a.example", saved: 2 },
        { host: "b.example:8080", saved: 0 }
      ])
      assert.deepStrictEqual(yield* sql`SELECT priority, due FROM target WHERE site = 2`, [
        { priority: 32, due: 3 - 3_200_000 }
      ])
    })
  )

  it.effect("tell the lines of an earlier store that are no URL from what failed", () =>
    Effect.gen(function* () {
      const { sql, finish } = yield* before("20_invalid")
      yield* sql`INSERT INTO target (url, list, run, state, attempts, error) VALUES
        ('no URL', 1, 1, 4, 0, '{"_tag":"InvalidUrl","detail":""}'),
        ('http://h/', 1, 1, 4, 1, '{"_tag":"StatusError","status":404}')`
      yield* finish
      assert.deepStrictEqual(yield* sql`SELECT state FROM target ORDER BY rowid`, [{ state: 6 }, { state: 4 }])
    })
  )

  it.effect("leave the records of an earlier store to be found, before and after", () =>
    Effect.gen(function* () {
      const { sql, finish } = yield* before("13_cuts")
      yield* sql`INSERT INTO capture (archive, start, length, url, surt, date, status, type, digest, revisit)
        VALUES (0, 100, 10, 'http://h/', 'h)/', 0, 200, 'text/html', 'sha1:A', 0)`
      const captures = SqlCaptures.make(sql)
      const known = { archive: "simul-00000.warc.gz", offset: 100, length: 10 }
      const find = Effect.gen(function* () {
        const [only] = yield* Stream.runCollect(captures.all)
        assert.isFalse(only!.isCut)
        return yield* captures.originals(["sha1:A"])
      })
      assert.deepStrictEqual(yield* find, new Map([["sha1:A", known]]))
      yield* finish
      assert.deepStrictEqual(yield* find, new Map([["sha1:A", known]]))
    })
  )

  it.effect(
    "tell the sitemaps of an earlier store from the seeds, where they are open and their crawl reads them",
    () =>
      Effect.gen(function* () {
        const { sql, finish } = yield* before("12_sitemaps")
        const rules = (sitemaps: boolean) =>
          RulesText.encode(["http://h/"], { scope: "host", include: [], exclude: [], sitemaps, traps: true })
        yield* sql`INSERT INTO crawl (list, found, ended, saved, rules)
        VALUES (1, 5, 1, 1, ${rules(true)}), (2, 1, 0, 0, ${rules(false)}), (3, 1, 0, 0, NULL)`
        yield* sql`INSERT INTO target (url, list, run, state, attempts, depth, resource, due, priority) VALUES
        ('open', 1, 1, 0, 0, 0, 1, -700000, 7), ('waiting', 1, 1, 0, 1, 0, 1, 1700000000000, 7),
        ('failed', 1, 1, 4, 1, 0, 1, 0, 7), ('saved', 1, 1, 1, 1, 0, 1, 0, 7), ('seed', 1, 1, 0, 0, 0, 0, 0, 0),
        ('picture', 1, 1, 0, 0, 2, 1, 2, 0), ('none', 2, 1, 0, 0, 0, 1, 0, 0), ('unknown', 3, 1, 0, 0, 0, 1, 0, 0)`
        yield* finish
        const moved = yield* sql`SELECT url, due FROM target WHERE depth = -4 ORDER BY rowid`
        assert.deepStrictEqual(moved, [
          { url: "open", due: -700_004 },
          { url: "waiting", due: 1_700_000_000_000 },
          { url: "failed", due: 0 }
        ])
      })
  )
})
