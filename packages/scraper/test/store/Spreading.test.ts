import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import { spread } from "../../src/store/Spreading.ts"
import * as Folders from "../Folders.ts"

const { root } = Folders.make("spreading")

describe("Spreading", () => {
  it.effect("keeps the log as long as one commit needs, however many follow each other", () =>
    Effect.gen(function* () {
      const file = join(root, "store.sqlite")
      const sql = yield* NodeSqlite.make({ file, synchronous: "NORMAL" })
      yield* sql`CREATE TABLE large (body BLOB)`
      const insert = sql`INSERT INTO large VALUES (zeroblob(3000000))`
      const lengths: Array<number> = []
      for (let i = 0; i < 5; i++) {
        yield* spread(sql, sql.withTransaction(insert))
        lengths.push(fs.statSync(`${file}-wal`).size)
      }
      assert.isAbove(lengths[0]!, 3_000_000)
      for (const length of lengths) assert.isBelow(length, 1.1 * lengths[0]!)
      assert.deepStrictEqual(yield* sql`SELECT COUNT(*) AS count FROM large`, [{ count: 5 }])
      assert.deepStrictEqual(yield* sql`PRAGMA wal_autocheckpoint`, [{ wal_autocheckpoint: 4000 }])
    })
  )
})
