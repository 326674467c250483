import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as Rows from "../../src/store/Rows.ts"

describe("Rows", () => {
  it.effect(
    "gives each row that is there once and as it came, however many there are and whatever is written meanwhile",
    () =>
      Effect.gen(function* () {
        const sql = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
        yield* sql`CREATE TABLE target (url TEXT PRIMARY KEY, list)`
        const add = (url: string) => sql`INSERT INTO target VALUES (${url}, 1)`
        yield* add("http://h/other")
        yield* sql`UPDATE target SET list = 2`
        const urls: Array<string> = []
        for (const count of [0, 999, 1000, 2001]) {
          // not in their own order
          while (urls.length < count) {
            urls.push(`http://h/${String(urls.length).padStart(4, "0").split("").toReversed().join("")}`)
            yield* add(urls.at(-1)!)
          }
          const stream = Rows.stream<{ readonly url: string }>(sql, "url", "list = ?", 1)
          const rows = yield* Stream.runCollect(Stream.tap(stream, () => Effect.ignore(add("http://h/"))))
          assert.deepStrictEqual(
            rows.map(({ url }) => url),
            urls
          )
          yield* sql`DELETE FROM target WHERE url = 'http://h/'`
        }
      })
  )

  it.effect("lets others have a turn before each thousand", () =>
    Effect.gen(function* () {
      const sql = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
      yield* sql`CREATE TABLE target (url TEXT PRIMARY KEY)`
      yield* sql`INSERT INTO target WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 10000)
        SELECT n FROM n`
      let turns = 0
      const others = () => {
        turns++
        turn = setImmediate(others)
      }
      let turn = setImmediate(others)
      assert.strictEqual(yield* Stream.runCount(Rows.stream(sql, "url", "true")), 10_000)
      clearImmediate(turn)
      assert.isAtLeast(turns, 10)
    })
  )
})
