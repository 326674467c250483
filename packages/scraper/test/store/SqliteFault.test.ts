import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as Refusal from "../../src/store/Refusal.ts"
import * as SqliteFault from "../../src/store/SqliteFault.ts"
import * as Folders from "../Folders.ts"

const { root } = Folders.make("fault")

describe("SqliteFault", () => {
  it.effect("takes a database without room for full, and not for damaged", () =>
    Effect.gen(function* () {
      const database = new DatabaseSync(":memory:")
      database.exec("CREATE TABLE a (b); PRAGMA max_page_count = 2")
      const sql = yield* NodeSqlite.over(database)
      const error = yield* Effect.flip(sql`INSERT INTO a VALUES (zeroblob(100000))`)
      assert.isTrue(SqliteFault.isFull("store")(error))
      assert.deepInclude(SqliteFault.of("store")(error), { _tag: "StoreUnusable", detail: "database or disk is full" })
      const other = yield* Effect.flip(sql`SELECT * FROM c`)
      assert.isFalse(SqliteFault.isFull("store")(other))
      assert.deepInclude(SqliteFault.of("store")(other), { _tag: "StoreDamaged", detail: "no such table: c" })
    })
  )

  it.effect("says of a lock whose it is, and sends nobody to look at the disk", () =>
    Effect.gen(function* () {
      const file = join(root, "store.sqlite")
      const other = new DatabaseSync(file)
      other.exec("BEGIN EXCLUSIVE")
      const database = new DatabaseSync(file, { timeout: 0 })
      const sql = yield* NodeSqlite.over(database)
      const error = SqliteFault.of(file)(yield* Effect.flip(sql`CREATE TABLE a (b)`))
      assert.strictEqual(error.message, `${file} is locked by another program`)
      assert.notInclude(error.hint, "disk")
      database.close()
      other.close()
    })
  )

  it("takes a quota that is used up for a full disk, though SQLite says that the disk fails", () => {
    const refusal = vi.spyOn(Refusal, "of").mockReturnValue("EDQUOT")
    const failedWrite = { message: "", reason: { cause: { errcode: 778, message: "disk I/O error" } } }
    assert.isTrue(SqliteFault.isFull("store")(failedWrite))
    refusal.mockReturnValue("EIO")
    assert.isFalse(SqliteFault.isFull("store")(failedWrite))
    assert.deepInclude(SqliteFault.of("store")(failedWrite), { detail: "disk I/O error (EIO)" })
    refusal.mockRestore()
    assert.isFalse(SqliteFault.isFull("store")(failedWrite))
  })

  // https://sqlite.org/rescode.html
  const codes = {
    StoreLocked: [5, 261, 517],
    StoreUnusable: [8, 10, 778, 1034, 4874, 14, 2570],
    StoreDamaged: [1, 11, 267, 779, 26]
  }
  for (const [tag, all] of Object.entries(codes))
    it(`says ${tag} of the codes ${all.join(", ")}`, () => {
      for (const errcode of all) {
        const { _tag } = SqliteFault.of("store")({ message: "", reason: { cause: { errcode } } })
        assert.strictEqual(_tag, tag, `${errcode}`)
      }
    })
})
