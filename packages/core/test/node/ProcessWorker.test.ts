import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { range } from "./Submitted.ts"

const program = fileURLToPath(new URL("ProcessWorker.program.ts", import.meta.url))

describe("a process", () => {
  it.skipIf(process.platform !== "linux")("that no descriptor is left for fails its task, and keeps none", async () => {
    const limited = ["-c", 'ulimit -n 120; exec "$0" "$1"', process.execPath, program]
    const { stdout } = await promisify(execFile)("sh", limited)
    const refused = range(6).flatMap(() => ["InitializationFailed", true])
    assert.deepStrictEqual(JSON.parse(stdout), [[...refused, 2], []])
  })
})
