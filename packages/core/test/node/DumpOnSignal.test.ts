import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import * as DumpOnSignal from "../../src/node/DumpOnSignal.ts"
import * as Recorder from "../../src/Recorder.ts"
import { sweep } from "../InterruptSweep.ts"

/** Starts the program beside this file and waits until it says that it is up. */
const start = async (mode: string) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "DumpOnSignal.program.ts"), mode], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  const output = { stderr: "", stdout: "" }
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text))
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text))
  await until(child, () => output.stdout.includes("up\n"))
  return { child, output }
}

/** Waits for output. */
const until = async (child: ChildProcess, isDone: () => boolean) => {
  while (!isDone() && child.exitCode === null && child.signalCode === null)
    await Promise.race([once(child.stdout!, "data"), once(child.stderr!, "data"), once(child, "exit")])
}

const ended = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close")
  return child.exitCode ?? child.signalCode
}

describe.skipIf(process.platform === "win32")("DumpOnSignal", () => {
  it("prints the live fibers on SIGUSR2, and the program goes on", async () => {
    const { child, output } = await start("handled")
    child.kill("SIGUSR2")
    await until(child, () => output.stderr.includes("3 × worker"))
    child.kill("SIGUSR2")
    await until(child, () => output.stderr.split("3 × worker").length === 3)
    assert.match(output.stderr, /^4 fibers: 0 running, 0 ready, 4 waiting\n\nmain #\d+ {2}waiting for callback /)
    assert.match(output.stderr, /at worker \(.*DumpOnSignal\.program\.ts:\d+:\d+\)/)
    child.kill("SIGTERM")
    assert.strictEqual(await ended(child), "SIGTERM")
  })

  it("leaves the first Ctrl-C to the program; the second one prints what holds it up and ends it", async () => {
    const { child, output } = await start("handled")
    child.kill("SIGINT")
    await until(child, () => output.stdout.includes("interrupted\n"))
    assert.strictEqual(output.stderr, "")
    child.kill("SIGINT")
    assert.strictEqual(await ended(child), 130)
    assert.include(output.stderr, "3 × worker")
  })

  it("ends the program on the first Ctrl-C where nobody else would", async () => {
    const { child, output } = await start("alone")
    child.kill("SIGINT")
    assert.strictEqual(await ended(child), 130)
    assert.include(output.stderr, "4 fibers: ")
  })

  it("says so where fibers are not recorded", async () => {
    const { child, output } = await start("census")
    child.kill("SIGUSR2")
    await until(child, () => output.stderr !== "")
    assert.strictEqual(output.stderr, "fibers are not recorded one by one at level census; 4 are live\n")
    child.kill("SIGTERM")
    await ended(child)
  })

  it("listens no longer when it was interrupted at any operation", () => {
    const listeners = () => (["SIGUSR2", "SIGINT"] as const).map((signal) => process.listenerCount(signal))
    const before = listeners()
    let most = before
    const points = sweep(
      (victim) =>
        Effect.gen(function* () {
          const recorder = yield* Recorder.make({ level: "census" })
          const listening = Effect.andThen(
            DumpOnSignal.onUserSignal(recorder),
            DumpOnSignal.onSecondInterrupt(recorder)
          )
          const use = Effect.andThen(
            listening,
            Effect.sync(() => (most = listeners()))
          )
          yield* Fiber.await(yield* Effect.forkChild(victim(Effect.scoped(use))))
        }),
      () => assert.deepStrictEqual(listeners(), before)
    )
    assert.isAbove(points, 10)
    assert.deepStrictEqual(
      most,
      before.map((count) => count + 1)
    )
  })
})
