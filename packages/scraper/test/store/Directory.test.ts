import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { crawled, type Store, unnamed } from "../../src/Store.ts"
import * as Directory from "../../src/store/Directory.ts"
import { replaced } from "../Replaced.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "simul-directory-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const storeOf = (directory: string) => new DatabaseSync(join(directory, ".simul", "store.sqlite"))

/**
 * What reading a directory comes to, in a process that may write nothing there: root may anywhere, so it becomes
 * somebody else.
 */
const readBySomebody = (directory: string): string => {
  const script = `
    import * as Effect from "effect/Effect"
    import * as Stream from "effect/Stream"
    import * as Directory from "./src/store/Directory.ts"
    const [directory] = process.argv.slice(1)
    if (process.getuid() === 0) process.setuid(65534)
    const entries = Effect.flatMap(Directory.read(directory), ({ entries }) => Stream.runCollect(entries))
    const told = Effect.match(Effect.scoped(entries), {
      onFailure: (error) => error.message,
      onSuccess: ({ length }) => length + " entries"
    })
    process.stdout.write(await Effect.runPromise(told))`
  const cwd = join(import.meta.dirname, "..", "..")
  return execFileSync(process.execPath, ["--input-type=module", "-e", script, directory], { cwd, encoding: "utf8" })
}

describe("the lists of a directory", () => {
  const unfinished = (directory: string) =>
    Effect.scoped(Effect.map(Directory.read(directory), ({ unfinished }) => unfinished))
  const run = (
    directory: string,
    work: (store: Store["Service"]) => Effect.Effect<void, unknown> = () => Effect.void
  ) => Effect.scoped(Effect.flatMap(Directory.open(directory, "process"), ({ store }) => work(store)))

  it.effect("are unfinished from when they are begun until a run comes to their end, whatever runs between", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const [one, other] = ["/one.txt", "/other.txt"]
      yield* run(directory)
      assert.deepStrictEqual(yield* unfinished(directory), [], "a run that was refused began none")
      for (const name of [one, other, crawled, unnamed, one]) yield* run(directory, (store) => store.begun(name))
      assert.deepStrictEqual(yield* unfinished(directory), [unnamed, one, other, crawled])
      yield* run(directory)
      yield* run(directory, (store) => Effect.andThen(store.begun(one), store.finished(2, one)))
      assert.deepStrictEqual(yield* unfinished(directory), [unnamed, other, crawled])
      for (const name of [unnamed, other, crawled]) yield* run(directory, (store) => store.finished(1, name))
      assert.deepStrictEqual(yield* unfinished(directory), [])
    })
  )

  it.effect("are told of an earlier version where its last run was killed", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      yield* run(directory)
      const database = storeOf(directory)
      database.exec("DROP TABLE begun; DELETE FROM migration WHERE migration_id >= 19")
      assert.deepStrictEqual(yield* unfinished(directory), [])
      database.exec("UPDATE run SET ended = NULL")
      assert.deepStrictEqual(yield* unfinished(directory), [unnamed])
      database.exec("ALTER TABLE run DROP COLUMN ended; DELETE FROM migration WHERE migration_id > 3")
      assert.deepStrictEqual(yield* unfinished(directory), [], "that one did not write down its end")
      database.close()
    })
  )
})

it.effect("a directory tells since when a run works there, while one does", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    const asked = { pending: { url: "http://a.example/", attempts: 0 } }
    const now = Effect.scoped(Effect.flatMap(Directory.read(directory), ({ now }) => now(asked)))
    const beforeMs = Date.now()
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* Directory.open(directory, "process")
        const { sinceMs } = yield* now
        assert.isTrue(sinceMs !== undefined && sinceMs >= beforeMs && sinceMs <= Date.now())
      })
    )
    assert.deepStrictEqual(yield* now, { entry: undefined, sinceMs: undefined })
  })
)

it.effect("an entry is found again as it is now, though it is told without its credentials", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    yield* Effect.scoped(Directory.open(directory, "process"))
    const database = storeOf(directory)
    const add = database.prepare(
      "INSERT INTO target (url, list, run, state, attempts, bytes) VALUES (?, 1, 1, 1, 1, ?)"
    )
    for (const url of ["http://a:b@h/", "http://c:d@h/"]) add.run(url, url.length)
    const { entries, now } = yield* Directory.read(directory)
    const before = yield* Stream.runCollect(entries)
    database.exec("UPDATE target SET bytes = 7 WHERE url = 'http://c:d@h/'")
    database.close()
    const after = yield* Effect.forEach(before, now)
    assert.deepStrictEqual(after[0]!.entry, before[0])
    assert.deepNestedInclude(after[1]!.entry, { "outcome.url": "http://***@h/", "outcome.bytes": 7 })
  }).pipe(Effect.scoped)
)

it.effect("a file is found by any name that a file system which folds case takes for its own", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    const path = "Straße.html"
    const target = { url: "http://h/a", host: "http://h", path, attempts: 0 }
    const saved = { attempts: 1, durationMs: 5, status: 200, path, bytes: 3, sha256: "ab" }
    const outcome = { _tag: "Saved", url: target.url, ...saved } as const
    yield* Effect.gen(function* () {
      const { store } = yield* Directory.open(directory, "process")
      yield* store.commit({ list: 1, settled: [{ target, outcome }], waiting: [], hosts: [] })
      assert.deepStrictEqual([...(yield* store.owners(["strasse.html"]))], [["strasse.html", target.url]])
    }).pipe(Effect.scoped)
    const { named } = yield* Directory.read(directory)
    assert.deepStrictEqual(yield* named("STRASSE.html"), [{ outcome }])
  }).pipe(Effect.scoped)
)

it.effect("a run says why it cannot look for its store any more", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    const { store, gone } = yield* Directory.open(directory, "process")
    const state = join(directory, ".simul")
    renameSync(state, join(directory, "moved"))
    symlinkSync(".simul", state)
    const error = yield* Effect.flip(store.commit({ settled: [], waiting: [], hosts: [], list: 1 }))
    assert.deepInclude(error, { _tag: "StoreUnusable", detail: "ELOOP" })
    assert.deepStrictEqual(gone(), error)
  }).pipe(Effect.scoped)
)

it.effect("a run says why it cannot look at the store that it has opened", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    const builtin = process.getBuiltinModule("node:fs")
    const { statSync } = builtin
    const failing = (path: string) => {
      if (path.endsWith("store.sqlite")) throw Object.assign(new Error("EIO"), { code: "EIO" })
      return statSync(path)
    }
    yield* replaced(builtin, { statSync: failing as typeof statSync })
    const error = yield* Effect.flip(Directory.open(directory, "process"))
    assert.strictEqual(error.message, `cannot read or write ${join(directory, ".simul", "store.sqlite")}: EIO`)
  })
)

it.effect("what was lost is told without the rows of all else", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    yield* Effect.scoped(Directory.open(directory, "process"))
    const database = storeOf(directory)
    const add = database.prepare(
      "INSERT INTO target (url, list, run, state, attempts, bytes, error) VALUES (?, 1, 1, ?, 1, 3, ?)"
    )
    const refused = '{"reason":"Scope","message":"beyond it"}'
    const errors = [null, null, null, refused, '{"_tag":"StatusError","status":404}', refused]
    for (const [state, error] of errors.entries()) add.run(`http://h/${state}`, state, error)
    database.close()
    const told = (of: "entries" | "lost") =>
      Effect.gen(function* () {
        const entries = yield* Stream.runCollect((yield* Directory.read(directory))[of])
        return entries.map((entry) => ("pending" in entry ? entry.pending.url : entry.outcome.url))
      }).pipe(Effect.scoped)
    const urls = [0, 1, 2, 3, 4, 5].map((state) => `http://h/${state}`)
    assert.deepStrictEqual(yield* told("entries"), urls)
    assert.deepStrictEqual(yield* told("lost"), urls.slice(3))
  })
)

it.effect("a store that a run is making is neither opened nor waited for", () =>
  Effect.gen(function* () {
    const directory = yield* folder
    mkdirSync(join(directory, ".simul"))
    const making = storeOf(directory)
    making.exec("BEGIN EXCLUSIVE")
    const error = yield* Effect.flip(Effect.scoped(Directory.read(directory)))
    assert.strictEqual(error._tag, "NoStore")
    making.close()
  })
)

describe.skipIf(process.platform === "win32")("a directory that nothing can be written to", () => {
  it.effect("is read as it is, and says what it lacks where a run was killed there", () =>
    Effect.gen(function* () {
      const root = yield* folder
      chmodSync(root, 0o755)
      const [whole, killed] = [join(root, "whole"), join(root, "killed")]
      const store = (directory: string, beside = "") => join(directory, ".simul", `store.sqlite${beside}`)
      const copy = Effect.sync(() => {
        mkdirSync(join(killed, ".simul"), { recursive: true })
        for (const beside of ["", "-wal"]) copyFileSync(store(whole, beside), store(killed, beside))
      })
      yield* Effect.scoped(Effect.andThen(Directory.open(whole, "process"), copy))
      for (const directory of [whole, killed]) chmodSync(join(directory, ".simul"), 0o555)
      assert.strictEqual(readBySomebody(whole), "0 entries")
      assert.strictEqual(
        readBySomebody(killed),
        `cannot read or write ${store(killed)}: its log (-wal) has to be taken into it first, and nothing can be written where it lies`
      )
      for (const directory of [whole, killed]) chmodSync(join(directory, ".simul"), 0o755)
    })
  )

  it.effect("is not said to have no run where it lets nobody look", () =>
    Effect.gen(function* () {
      const root = yield* folder
      chmodSync(root, 0o755)
      yield* Effect.scoped(Directory.open(root, "process"))
      const state = join(root, ".simul")
      chmodSync(state, 0)
      assert.strictEqual(
        readBySomebody(root),
        `cannot read or write ${join(state, "store.sqlite")}: its folder does not let this user in (EACCES)`
      )
      chmodSync(state, 0o755)
      assert.strictEqual(readBySomebody(join(root, "other")), `no run in ${join(root, "other")}`)
    })
  )
})
