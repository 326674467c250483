import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { once } from "node:events"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import type { Command, Reply } from "../../src/Control.ts"
import * as ControlSocket from "../../src/store/ControlSocket.ts"
import * as DirectoryLock from "../../src/store/DirectoryLock.ts"
import * as Folders from "../Folders.ts"

const { root, folder: unmade } = Folders.make("socket")
const folder = (name = "") => {
  const directory = join(unmade(), name)
  fs.mkdirSync(DirectoryLock.stateOf(directory), { recursive: true })
  return directory
}
const echo = (command: Command, say: (reply: Reply) => void) =>
  Effect.sync(() => {
    say({ _tag: "Waiting", inFlight: 2 })
    say(command._tag === "Pause" ? { _tag: "Paused" } : { _tag: "Impossible", message: "no" })
  })
const answers = (directory: string, command: Command) => Stream.runCollect(ControlSocket.send(directory, command))

describe("ControlSocket", () => {
  for (const name of ["", "long".repeat(40)])
    it.live(`carries commands and their answers${name === "" ? "" : ", for a directory of any length"}`, () =>
      Effect.gen(function* () {
        const directory = folder(name)
        yield* ControlSocket.listen(directory, echo)
        assert.deepStrictEqual(yield* answers(directory, { _tag: "Pause" }), [
          { _tag: "Waiting", inFlight: 2 },
          { _tag: "Paused" }
        ])
        const address = ControlSocket.addressOf(directory)!
        assert.strictEqual(fs.statSync(address).mode & 0o777, 0o600)
        assert.isAtMost(Buffer.byteLength(address), 103)
      })
    )

  it.live("replaces what a run that was killed left, and leaves nothing", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.writeFileSync(ControlSocket.addressOf(directory)!, "")
      yield* Effect.scoped(Effect.andThen(ControlSocket.listen(directory, echo), answers(directory, { _tag: "Pause" })))
      assert.isFalse(fs.existsSync(ControlSocket.addressOf(directory)!))
      const error = yield* Effect.flip(answers(directory, { _tag: "Pause" }))
      assert.strictEqual(error.message, `no run works in ${directory}`)
      assert.strictEqual(
        (yield* Effect.flip(answers(join(root, "none"), { _tag: "Pause" }))).message,
        `no run works in ${join(root, "none")}`
      )
    })
  )

  it.live("lets a run work that cannot listen", () =>
    Effect.gen(function* () {
      const isTaken = folder()
      fs.mkdirSync(ControlSocket.addressOf(isTaken)!)
      for (const directory of [isTaken, join(root, "none")]) yield* ControlSocket.listen(directory, echo)
    })
  )

  it.live("says that the run is gone when it ends before it has answered", () =>
    Effect.gen(function* () {
      const directory = folder()
      const isAsked = yield* Deferred.make<void>()
      const run = yield* Scope.make()
      const obey = () => Effect.andThen(Deferred.succeed(isAsked, undefined), Effect.never)
      yield* Scope.provide(ControlSocket.listen(directory, obey), run)
      const asking = yield* Effect.forkChild(Effect.flip(answers(directory, { _tag: "Resume" })))
      yield* Deferred.await(isAsked)
      yield* Scope.close(run, Exit.void)
      assert.strictEqual((yield* Fiber.join(asking))._tag, "RunGone")
    })
  )

  it.live("refuses what is no command, and hangs up on a line without end", () =>
    Effect.gen(function* () {
      const directory = folder()
      yield* ControlSocket.listen(directory, echo)
      const ask = (text: string) =>
        Effect.promise(async () => {
          const socket = net.connect(ControlSocket.addressOf(directory)!)
          let answer = ""
          socket.setEncoding("utf8").on("data", (text: string) => (answer += text))
          socket.on("error", () => {})
          socket.write(text)
          await once(socket, "close")
          return answer
        })
      assert.match(yield* ask("{}\n"), /^\{"_tag":"Impossible","message":"this is no command/)
      assert.match(yield* ask("no JSON\n"), /Impossible/)
      assert.strictEqual(yield* ask("x".repeat(100_000)), "")
    })
  )

  it.live("takes an answer that it does not know for another version's", () =>
    Effect.gen(function* () {
      const directory = folder()
      const other = net.createServer((socket) => socket.end('{"_tag":"Later"}\n'))
      yield* Effect.promise(() => once(other.listen(ControlSocket.addressOf(directory)!), "listening"))
      const message = "its answer is none that is known here: is it the same simul on both sides?"
      assert.deepStrictEqual(yield* answers(directory, { _tag: "Pause" }), [{ _tag: "Impossible", message }])
      other.close()
    })
  )

  it.live("knows whether somebody holds the directory", () =>
    Effect.gen(function* () {
      const directory = folder()
      assert.isFalse(DirectoryLock.isHeld(directory))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* DirectoryLock.acquire(directory)
          assert.isTrue(DirectoryLock.isHeld(directory))
        })
      )
      assert.isFalse(DirectoryLock.isHeld(directory))
    })
  )
})
