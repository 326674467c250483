import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import * as BlockedDetector from "../../src/node/BlockedDetector.ts"

/** Runs the program beside this file to its end. */
const run = async (way: string, ...flags: ReadonlyArray<string>) => {
  const began = performance.now()
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, "BlockedDetector.program.ts"), way], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  const output = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text))
  const [status] = (await once(child, "close")) as [number | null]
  const reports = output.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as BlockedDetector.Blocked & { readonly text: string })
  return { status, reports, stderr: output.stderr, ranMs: performance.now() - began }
}

// each program blocks for two seconds: a busy machine may report a stall before that one, or miss the stack of it
describe("BlockedDetector", () => {
  it("names the function that blocks, with its line and for how long, and holds nothing up", async () => {
    const { status, reports, stderr } = await run("hot")
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
    const report = reports.findLast(({ durationMs }) => durationMs > 1500)!
    assert.strictEqual(report.reason, undefined)
    assert.deepStrictEqual(
      report.stack.slice(0, 2).map(({ function: name }) => name),
      ["hotFunction", "hot"]
    )
    for (const { file, line, column } of report.stack.slice(0, 2)) {
      assert.match(file, /[/\\]BlockedDetector\.program\.ts$/)
      assert.isAbove(line, 8)
      assert.isAbove(column, 0)
    }
    assert.isAtMost(report.takenMs!, report.durationMs)
    assert.match(report.text, /^event loop blocked for \d+ ms \(CPU \d+ ms\) by hotFunction \(.*program\.ts:\d+:\d+\)$/)
  })

  it("says that native code was not interrupted", async () => {
    const { status, reports } = await run("native")
    assert.strictEqual(status, 0)
    const report = reports.findLast(({ durationMs }) => durationMs > 1500)!
    assert.isTrue(report.isNative)
    assert.include(report.text, "native code before ")
    // it waited for its child
    assert.isBelow(report.cpuMs, report.durationMs / 2)
  })

  it("sees what blocks as soon as it watches", async () => {
    const { status, reports } = await run("at once")
    assert.strictEqual(status, 0)
    assert.isTrue(reports.some(({ durationMs }) => durationMs > 1500))
  })

  it.each(["exit", "native exit"])("lets the process end in the middle of a stall: %s", async (way) => {
    const { status, stderr } = await run(way)
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 7)
  })

  it("lets an error end the process", async () => {
    const { status, stderr } = await run("throw")
    assert.strictEqual(status, 1)
    assert.include(stderr, "Error: thrown while it was blocked")
    assert.notInclude(stderr, "Waiting for the debugger")
  })

  it("leaves the stack to a debugger that is attached", async () => {
    const { status, reports } = await run("hot", "--inspect=127.0.0.1:0")
    assert.strictEqual(status, 0)
    const report = reports.findLast(({ durationMs }) => durationMs > 1500)!
    assert.deepStrictEqual([report.stack, report.reason], [[], "a debugger is attached"])
    assert.include(report.text, "by an unknown function (a debugger is attached)")
  })

  it("ends with its scope, having nothing to report", async () => {
    const { status, stderr, reports, ranMs } = await run("idle")
    assert.deepStrictEqual([status, stderr], [0, ""])
    // whatever a busy machine makes of it, no stall is longer than the program
    for (const { durationMs } of reports) assert.isBelow(durationMs, ranMs)
  })

  it("describes code outside any function", () => {
    const text = BlockedDetector.describe({
      durationMs: 410.4,
      cpuMs: 31.5,
      stack: [{ function: "", file: "a.ts", line: 3, column: 1 }],
      takenMs: 105,
      isNative: false,
      reason: undefined
    })
    assert.strictEqual(text, "event loop blocked for 410 ms (CPU 32 ms) by (module) (a.ts:3:1)")
  })
})
