import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { acquire, partsOf, stateOf } from "../../src/store/DirectoryLock.ts"
import * as Refusal from "../../src/store/Refusal.ts"

const code = (directory: string) =>
  Effect.runPromise(
    Effect.scoped(acquire(directory)).pipe(
      Effect.as("held"),
      Effect.catch((error) => Effect.succeed("code" in error ? error.code : error._tag))
    )
  )

describe("DirectoryLock", () => {
  const folders = () => {
    const root = mkdtempSync(join(tmpdir(), "simul-lock-"))
    const directory = join(root, "directory")
    const victim = join(root, "victim")
    mkdirSync(directory)
    mkdirSync(victim)
    return { directory, victim, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
  }

  it("keeps its state in no folder that a link leads to", async () => {
    using all = folders()
    symlinkSync(all.victim, stateOf(all.directory))
    assert.strictEqual(await code(all.directory), "EUNSAFE")
    assert.deepStrictEqual(readdirSync(all.victim), [])
  })

  it("lets no part grow, nor be swept, where a link leads to", async () => {
    using all = folders()
    mkdirSync(stateOf(all.directory))
    symlinkSync(all.victim, partsOf(all.directory))
    assert.strictEqual(await code(all.directory), "EUNSAFE")
  })

  it("writes who holds it over no file that a link leads to", async () => {
    using all = folders()
    const file = join(all.victim, "file")
    writeFileSync(file, "precious")
    mkdirSync(stateOf(all.directory))
    symlinkSync(file, join(stateOf(all.directory), "pid"))
    assert.strictEqual(await code(all.directory), "ELOOP")
    assert.strictEqual(readFileSync(file, "utf8"), "precious")
  })

  it("says who holds it: this program, by whatever name of the folder, or another one", async () => {
    using all = folders()
    const link = join(all.victim, "link")
    symlinkSync(all.directory, link)
    const refused = () => Effect.runPromise(Effect.flip(Effect.scoped(acquire(link))))
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* acquire(all.directory)
          const { message } = yield* Effect.promise(refused)
          assert.strictEqual(message, `${link} is in use by another run of this program`)
        })
      )
    )
    const held = `const database = new (require("node:sqlite").DatabaseSync)(process.argv[1])
      database.exec("BEGIN EXCLUSIVE")
      process.stdout.write("held")
      process.stdin.resume().on("end", () => process.exit())`
    const other = spawn(process.execPath, ["-e", held, join(stateOf(all.directory), "lock")])
    await once(other.stdout, "data")
    // as one in another container would: the number says nothing
    writeFileSync(join(stateOf(all.directory), "pid"), `${process.pid}\n`)
    const { message } = await refused()
    other.stdin.end()
    await once(other, "exit")
    assert.strictEqual(message, `${link} is in use by another simul (process ${process.pid})`)
  })

  it("says what the system has against it, for SQLite does not", async () => {
    using all = folders()
    mkdirSync(join(stateOf(all.directory), "lock"), { recursive: true })
    const refusal = vi.spyOn(Refusal, "of").mockReturnValue("EDQUOT")
    assert.strictEqual(await code(all.directory), "EDQUOT")
    refusal.mockRestore()
  })

  it("says in SQLite's words what the system does not tell", async () => {
    using all = folders()
    mkdirSync(join(stateOf(all.directory), "lock"), { recursive: true })
    assert.strictEqual(await code(all.directory), "unable to open database file")
  })

  it.effect("is not kept from it by whoever looks at that moment whether it is held", () =>
    Effect.gen(function* () {
      using all = folders()
      yield* Effect.scoped(acquire(all.directory))
      using looking = new DatabaseSync(join(stateOf(all.directory), "lock"), { readOnly: true })
      looking.exec("BEGIN")
      looking.exec("SELECT COUNT(*) FROM sqlite_schema")
      const begun = yield* Effect.forkChild(Effect.scoped(acquire(all.directory)))
      yield* TestClock.adjust("50 millis")
      looking.exec("ROLLBACK")
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(begun)
    })
  )

  // only root can give a folder away
  it.skipIf(process.getuid?.() !== 0)("takes no state that somebody else has put there", async () => {
    using all = folders()
    mkdirSync(stateOf(all.directory))
    chownSync(stateOf(all.directory), 12_345, 12_345)
    assert.strictEqual(await code(all.directory), "EUNSAFE")
  })
})
