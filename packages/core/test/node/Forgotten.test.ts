/** What a pool leaves behind when its program ends without closing it. Where it leaves anything, the test times out. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it, onTestFinished } from "@effect/vitest"

const program = fileURLToPath(new URL("./forgetful.ts", import.meta.url))

/** Runs the program until it and all that it started have ended; gives what was written, and its exit code or signal. */
const run = async (...parameters: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program, ...parameters], { stdio: ["ignore", "pipe", "inherit"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (output += text))
  const [exitCode, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null]
  return { output, end: exitCode ?? signal }
}

for (const kind of ["threads", "processes", "inline"])
  describe(`a forgotten pool of ${kind}`, () => {
    it("does not keep its program alive", async () => {
      const { output, end } = await run(kind)
      assert.match(output, /^\d+ \d+\n$/)
      assert.strictEqual(end, 0)
    })

    it("that is collected with tasks running and waiting runs them all, and then ends its workers", async () => {
      const { output, end } = await run(kind, "collected")
      assert.strictEqual(output, "0 1 2\n1 started, 1 ended\n")
      assert.strictEqual(end, 0)
    })
  })

describe("a process in a hot loop", () => {
  it("ends when its parent was killed", async () => {
    assert.strictEqual((await run("processes", "killed")).end, "SIGKILL")
  })
})
