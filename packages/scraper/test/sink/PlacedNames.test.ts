import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as Files from "../../src/sink/Files.ts"
import * as PlacedNames from "../../src/sink/PlacedNames.ts"
import * as Folders from "../Folders.ts"

const { folder } = Folders.make("placed")

const state = () => {
  const made = folder()
  fs.mkdirSync(made)
  return made
}
const most = 10
/** What the next run knows. */
const next = (state: string) =>
  Effect.gen(function* () {
    const names = PlacedNames.make(state, Files.node, most)
    yield* names.load
    return names
  })

describe("PlacedNames", () => {
  it.effect("forgets no name before another file of names is full", () =>
    Effect.gen(function* () {
      const made = state()
      const knows = (...names: ReadonlyArray<string>) =>
        Effect.map(next(made), ({ has }) => names.map((name) => has(name)))
      const fill = (prefix: string) =>
        Effect.map(next(made), ({ add, close }) => {
          for (let count = 0; count < most; count++) add(`${prefix}${count}`)
          close()
        })
      const first = PlacedNames.make(made, Files.node, most)
      first.add("first")
      assert.isFalse(first.has("first"))
      // commits
      for (let count = 0; count < 3; count++) first.close()
      assert.deepStrictEqual(yield* knows("first", "other"), [true, false])
      yield* fill("a")
      yield* fill("b")
      assert.deepStrictEqual(yield* knows("first", "a9", "b0"), [true, true, true])
      yield* fill("c")
      assert.deepStrictEqual(yield* knows("first", "a9", "b0", "c9"), [false, false, true, true])
      assert.deepStrictEqual(fs.readdirSync(made), ["placed", "placed.earlier"])
    })
  )

  it.effect("knows no name that was not written whole, and each that was written after it", () =>
    Effect.gen(function* () {
      const made = state()
      let room = Infinity
      const files: Files.Files = {
        ...Files.node,
        write: (descriptor, bytes, from) => {
          const some = bytes.subarray(from, from + room)
          if (some.length === 0) throw Object.assign(new Error("full"), { code: "ENOSPC" })
          room -= some.length
          return fs.writeSync(descriptor, some)
        }
      }
      const { add, close } = PlacedNames.make(made, files)
      add("before")
      room = 3
      assert.throws(() => add("torn.html"), "full")
      room = Infinity
      add("second.html")
      close()
      // a kill
      fs.appendFileSync(`${made}/placed`, "kil")
      const killed = yield* next(made)
      killed.add("third.html")
      const { has } = yield* next(made)
      assert.deepStrictEqual(
        ["before", "second.html", "third.html"].filter((name) => !has(name)),
        []
      )
      assert.deepStrictEqual(["tor", "torsecond.html", "kil", "kilthird.html", ""].filter(has), [])
      killed.close()
    })
  )

  it.effect("makes names outlive a loss of power, and the file in which they are", () =>
    Effect.gen(function* () {
      const made = state()
      const synced: Array<string> = []
      const sync = (path: string) => Effect.sync(() => void synced.push(path))
      const names = PlacedNames.make(made, { ...Files.node, sync, syncDirectory: sync })
      yield* names.sync
      assert.deepStrictEqual(synced, [])
      names.add("a")
      yield* names.sync
      names.add("b")
      yield* names.sync
      names.close()
      assert.deepStrictEqual(synced, [`${made}/placed`, made, `${made}/placed`])
    })
  )

  it("closes a file once, also where the disk fails then", () => {
    const made = state()
    const closed: Array<number> = []
    const close = (descriptor: number) => {
      closed.push(descriptor)
      Files.node.close(descriptor)
      throw Object.assign(new Error("EIO"), { code: "EIO" })
    }
    const names = PlacedNames.make(made, { ...Files.node, close })
    names.add("a")
    names.close()
    names.close()
    assert.strictEqual(closed.length, 1)
    names.add("b")
    names.close()
    assert.strictEqual(fs.readFileSync(`${made}/placed`, "utf8"), "/\na\n/\nb\n")
  })
})
