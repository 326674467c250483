import { assert, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Refusal from "../../src/store/Refusal.ts"
import * as Folders from "../Folders.ts"

const { folder } = Folders.make("refusal")

it("gives nothing where the system takes a file, and leaves none", () => {
  const made = folder()
  assert.strictEqual(Refusal.of(made), "ENOENT")
  mkdirSync(made)
  assert.strictEqual(Refusal.of(made), undefined)
  assert.deepStrictEqual(readdirSync(made), [])
  // by one of the same number that was killed as it asked
  writeFileSync(join(made, `asked-${process.pid}`), "")
  assert.strictEqual(Refusal.of(made), undefined)
})

it.skipIf(process.platform === "win32")("gives what the system says to what is written", () => {
  const made = folder()
  mkdirSync(made)
  const script = `
    import * as Refusal from "./src/store/Refusal.ts"
    process.stdout.write(Refusal.of(process.argv[1]) ?? "nothing")`
  const limited = `trap "" XFSZ; ulimit -f 1; exec "$@"`
  const cwd = join(import.meta.dirname, "..", "..")
  const args = ["-c", limited, "sh", process.execPath, "--input-type=module", "-e", script, made]
  assert.strictEqual(execFileSync("sh", args, { cwd, encoding: "utf8" }), "EFBIG")
  assert.deepStrictEqual(readdirSync(made), [])
})
