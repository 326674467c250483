import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import * as RealMachine from "../../src/node/RealMachine.ts"

describe("a real machine", () => {
  it.live.each(["threads", "processes"] as const)(
    "has loaded the tasks on its %s before they are used, so that loading is not measured as work",
    (kind) =>
      Effect.gen(function* () {
        // tasks that cannot be loaded: only one who loads them first knows before any is submitted
        const machine = RealMachine.make(new URL("./NoSuchTasks.ts", import.meta.url))
        let isUsed = false
        const exit = yield* Effect.exit(
          machine.withWorkers(kind, { workers: 2, cores: 2 }, () => Effect.sync(() => (isUsed = true)))
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.isFalse(isUsed)
      })
  )

  it.skipIf(process.platform === "win32")("is ended by Ctrl-C in a call that holds the loop", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "RealMachine.program.ts")])
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
    await once(child.stdout, "data")
    // what comes before the call is the program's own to hear
    const again = setInterval(() => child.kill("SIGINT"), 50)
    await once(child, "close")
    clearInterval(again)
    assert.deepStrictEqual([output, child.signalCode], ["up\n", "SIGINT"])
  })
})
