import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { compileCache } from "../../src/node/CompileCache.ts"
import { privateFolder } from "../../src/node/PrivateFolder.ts"
import { Pool, Task } from "../../src/node/Pool.ts"
import type * as Work from "../tasks/work.task.ts"
import { until } from "./Submitted.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))

describe("the folder of compiled modules", () => {
  let temporary: string
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), "simul-cache-"))
    vi.stubEnv("TMPDIR", temporary)
    vi.stubEnv("NODE_V8_COVERAGE", undefined)
    vi.stubEnv("NODE_DISABLE_COMPILE_CACHE", undefined)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(temporary, { recursive: true })
  })

  it("is open to this user alone", () => {
    const folder = privateFolder()!
    assert.strictEqual(lstatSync(folder).mode & 0o777, 0o700)
    assert.strictEqual(privateFolder(), folder)
  })

  it("is not used where others can write to it, or where it is somewhere else", () => {
    const folder = privateFolder()!
    chmodSync(folder, 0o770)
    assert.isUndefined(privateFolder())
    rmSync(folder, { recursive: true })
    mkdirSync(join(temporary, "elsewhere"), { mode: 0o700 })
    symlinkSync(join(temporary, "elsewhere"), folder)
    assert.isUndefined(privateFolder())
  })

  it("is none where Node is told to do without, or coverage is taken", () => {
    for (const [variable, value] of [
      ["NODE_DISABLE_COMPILE_CACHE", "1"],
      ["NODE_V8_COVERAGE", temporary]
    ] as const) {
      vi.stubEnv(variable, value)
      assert.isUndefined(compileCache())
      vi.stubEnv(variable, undefined)
    }
  })

  for (const kind of ["threads", "processes"] as const)
    it(`has the modules of tasks while the ${kind} that loaded them live`, async () => {
      // one that the program has of its own may have them already
      vi.stubEnv("NODE_COMPILE_CACHE", temporary)
      await using pool = await Pool[kind]({ maximum: 1 })
      assert.strictEqual(await pool.run(work.increment, [1]), 2)
      await until(() => readdirSync(temporary, { recursive: true, withFileTypes: true }).some((it) => it.isFile()))
    })
})
