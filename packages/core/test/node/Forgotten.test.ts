/** What a pool leaves behind when its program ends without closing it. Where it leaves anything, the test times out. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it, onTestFinished } from "@effect/vitest"

const program = fileURLToPath(new URL("./forgetful.ts", import.meta.url))

/** Runs the program to its end; gives what it wrote, and its exit code or signal. */
const run = async (...parameters: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program, ...parameters], { stdio: ["ignore", "pipe", "inherit"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (output += text))
  const [exitCode, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null]
  return { output, end: exitCode ?? signal }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

for (const kind of ["threads", "processes", "inline"])
  describe(`a forgotten pool of ${kind}`, () => {
    it("does not keep its program alive", async () => {
      const { output, end } = await run(kind)
      assert.match(output, /^\d+ \d+\n$/)
      assert.strictEqual(end, 0)
    })
  })

describe("a process in a hot loop", () => {
  it("ends when its parent was killed", async () => {
    const { output, end } = await run("processes", "killed")
    assert.strictEqual(end, "SIGKILL")
    const pid = Number(output.split(" ")[0])
    while (isAlive(pid)) await new Promise((wake) => setTimeout(wake, 5))
  })
})
