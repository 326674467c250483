import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ListIntake from "../../src/frontier/ListIntake.ts"
import { DirectoryUnusable } from "../../src/RunError.ts"
import type { Known } from "../../src/Store.ts"

const options: ListIntake.ListIntakeOptions = {
  list: 1,
  run: 2,
  freshSince: 0,
  path: undefined,
  claim: (urls) => Effect.succeed(urls.map((url) => `path of ${url}`)),
  isNamedByUrl: false,
  holds: () => true,
  archives: false
}
const saved = { bytes: 5, etag: '"1"' }
const row = (url: string, state: Known["state"], of: { readonly list: number; readonly run: number }): Known => ({
  target: { url, host: "http://h", path: "its path", attempts: 3, ...(state === "done" ? { saved } : {}) },
  state,
  ...of
})
const mine = { list: 1, run: 1 }
const others = { list: 7, run: 1 }

const taken = (
  known: ReadonlyArray<Known>,
  lines: ReadonlyArray<string>,
  changed = {},
  active: ReadonlyArray<string> = []
) =>
  ListIntake.make(
    { lookup: () => Effect.succeed(new Map(known.map((row) => [row.target.url, row]))) },
    { ...options, ...changed },
    (url) => active.includes(url)
  )(lines.map((text, index) => ({ text, number: index + 1 })))

describe("ListIntake", () => {
  it.effect("takes each URL once, and none that is under way", () =>
    Effect.gen(function* () {
      const { targets, added } = yield* taken([], ["http://h/a", "http://H/a", "http://h/b"], {}, ["http://h/b"])
      assert.deepStrictEqual(
        targets.map(({ url, path, host }) => ({ url, path, host })),
        [{ url: "http://h/a", path: "path of http://h/a", host: "http://h" }]
      )
      assert.strictEqual(added, 1)
    })
  )

  it.effect("tells a line that is no URL once, in whatever run", () =>
    Effect.gen(function* () {
      const first = yield* taken([], ["ftp//x", "ftp//x"])
      assert.deepStrictEqual(
        [...first.invalid].map(([line]) => line.number),
        [1]
      )
      assert.deepStrictEqual([first.added, first.targets.length, first.open.get("ftp//x")], [1, 0, true])
      const again = yield* taken([row("ftp//x", "failed", mine)], ["ftp//x"])
      assert.deepStrictEqual([[...again.invalid], again.added, again.open.size], [[], 0, 0])
    })
  )

  it.effect("passes over what is done, and counts it where it is new to the list", () =>
    Effect.gen(function* () {
      const known = [row("http://h/mine", "done", mine), row("http://h/other", "done", others)]
      const { targets, added, skipped, inOtherForm } = yield* taken(known, ["http://h/mine", "http://h/other"])
      assert.deepStrictEqual([targets.length, added, skipped, inOtherForm], [0, 1, 1, false])
      const archiving = yield* taken(known, ["http://h/other"], { archives: true })
      assert.isTrue(archiving.inOtherForm)
    })
  )

  it.effect("takes again what was saved and is gone, what is to be refreshed, and what has one path by now", () =>
    Effect.gen(function* () {
      const known = [row("http://h/a", "done", mine)]
      const gone = yield* taken(known, ["http://h/a"], { holds: () => false })
      assert.deepStrictEqual([gone.targets.length, gone.added, gone.skipped], [1, 0, -1])
      assert.isUndefined(gone.targets[0]!.saved)
      assert.deepStrictEqual((yield* taken(known, ["http://h/a"], { freshSince: 1 })).targets, [])
      const refreshed = yield* taken(known, ["http://h/a"], { freshSince: 2 })
      assert.deepStrictEqual(refreshed.targets[0]!.saved, saved)
      assert.strictEqual(refreshed.targets[0]!.path, "its path")
      const renamed = yield* taken(known, ["http://h/a"], { path: "out" })
      assert.strictEqual(renamed.targets[0]!.path, "out")
    })
  )

  it.effect("takes nothing again of which nobody can tell whether it is there", () =>
    Effect.gen(function* () {
      const error = new DirectoryUnusable({ directory: "d", code: "EIO" })
      const holds = () => {
        throw error
      }
      const known = [row("http://h/a", "done", mine)]
      for (const freshSince of [0, 2])
        assert.strictEqual(yield* Effect.flip(taken(known, ["http://h/a"], { holds, freshSince })), error)
    })
  )

  it.effect("leaves what is pending of its list to be leased, and takes over that of another", () =>
    Effect.gen(function* () {
      const known = [row("http://h/a", "pending", mine), row("http://h/b", "pending", others)]
      const { targets, open, skipped } = yield* taken(known, ["http://h/a", "http://h/b"])
      assert.strictEqual(skipped, 0)
      assert.deepStrictEqual(
        targets.map(({ url, attempts }) => ({ url, attempts })),
        [{ url: "http://h/b", attempts: 0 }]
      )
      assert.deepStrictEqual([...open], [["http://h/b", true]])
    })
  )

  it.effect("passes over what this run has saved, though it refreshes: the line came twice", () =>
    Effect.gen(function* () {
      const known = [row("http://h/a", "done", { list: 1, run: 2 })]
      assert.deepStrictEqual((yield* taken(known, ["http://h/a"], { freshSince: 2 })).targets, [])
    })
  )
})
