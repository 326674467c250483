/**
 * The way to a run that works in a directory: a Unix domain socket there, one
 * command a connection, a JSON line each way and more lines back.
 *
 * 1. Only the same user can connect: the socket lies in a folder of mode 0700.
 * 2. Nothing is stale: whoever holds the directory's lock replaces what an
 *    earlier run left, and a socket that nobody listens on refuses.
 * 3. A run that cannot listen works all the same.
 *
 * The address of a socket has 108 bytes at most, 104 on some systems. For a
 * directory with a longer name it lies in the folder for temporary files.
 */
import { privateFolder } from "@simul/core/node/PrivateFolder"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { Command, Reply } from "../Control.ts"
import { NotRunning, RunGone } from "../RunError.ts"
import * as DirectoryLock from "./DirectoryLock.ts"

const longestAddress = 100
const longestLine = 65_536

/** Where the socket of a directory is; `undefined` where there is no safe place. Throws where its state is not found. */
export const addressOf = (directory: string): string | undefined => {
  const near = join(fs.realpathSync(DirectoryLock.stateOf(directory)), "control")
  if (Buffer.byteLength(near) <= longestAddress) return near
  const folder = privateFolder()
  return folder && join(folder, createHash("sha256").update(near).digest("hex").slice(0, 16))
}

const decodeCommand = Schema.decodeUnknownSync(Command)
const encodeCommand = Schema.encodeSync(Command)
const decodeReply = Schema.decodeUnknownSync(Reply)
const encodeReply = Schema.encodeSync(Reply)

const isSame = "is it the same simul on both sides?"

/** Calls `line` with each whole line. */
const onLines = (socket: net.Socket, line: (text: string) => void) => {
  let rest = ""
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop()!
    for (const one of lines) line(one)
    if (rest.length > longestLine) socket.destroy()
  })
}

/** An answer of another version may be none that is known. */
const replyOf = (text: string): Reply => {
  try {
    return decodeReply(JSON.parse(text))
  } catch {
    return { _tag: "Impossible", message: `its answer is none that is known here: ${isSame}` }
  }
}

/** Listens for commands until the scope closes; `obey` says the answers and is done when there are no more. */
export const listen = Effect.fnUntraced(function* (
  directory: string,
  obey: (command: Command, say: (reply: Reply) => void) => Effect.Effect<void, { readonly message: string }>
) {
  const scope = yield* Effect.scope
  const run = Effect.runForkWith(yield* Effect.context())
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy())
    const say = (reply: Reply) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(encodeReply(reply))}\n`)
    }
    let isTold = false
    onLines(socket, (text) => {
      if (isTold) return
      isTold = true
      const command = Effect.try({
        try: () => decodeCommand(JSON.parse(text)),
        catch: () => ({ message: `this is no command that it knows: ${isSame}` })
      })
      run(
        command.pipe(
          Effect.flatMap((command) => obey(command, say)),
          Effect.catch(({ message }) => Effect.sync(() => say({ _tag: "Impossible", message }))),
          Effect.catchDefect((bug) => Effect.sync(() => say({ _tag: "Impossible", message: String(bug) }))),
          Effect.ensuring(Effect.sync(() => socket.end())),
          Effect.forkIn(scope)
        )
      )
    })
  })
  // of a connection that cannot be accepted
  server.on("error", () => {})
  yield* Effect.acquireRelease(
    Effect.promise(async () => {
      try {
        const address = addressOf(directory)
        if (address === undefined) return
        fs.rmSync(address, { force: true })
        await once(server.listen(address).unref(), "listening")
        fs.chmodSync(address, 0o600)
      } catch {
        // for a reason that the run has nothing to do with: a file system without sockets
        server.close()
      }
    }),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
})

const open = (address: string) =>
  Effect.callback<net.Socket, NodeJS.ErrnoException>((resume) => {
    const socket = net.connect(address)
    socket.once("connect", () => resume(Effect.succeed(socket)))
    socket.once("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => socket.destroy())
  })

/** A run that has just begun listens soon: looked for so often, so far apart. */
const tries = 50
const tryMs = 100

const connect = (directory: string, left = tries): Effect.Effect<net.Socket, NotRunning> =>
  Effect.suspend(() => {
    const address = fs.existsSync(DirectoryLock.stateOf(directory)) ? addressOf(directory) : undefined
    if (address === undefined) return Effect.fail(new NotRunning({ directory, isLocked: false }))
    return Effect.catch(open(address), () => {
      const isLocked = DirectoryLock.isHeld(directory)
      if (!isLocked || left <= 1) return Effect.fail(new NotRunning({ directory, isLocked }))
      return Effect.delay(connect(directory, left - 1), tryMs)
    })
  })

/** Gives a command to the run in a directory; its answers, as they come. Fails where none works there, or it ends meanwhile. */
export const send = (directory: string, command: Command): Stream.Stream<Reply, NotRunning | RunGone> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const socket = yield* Effect.acquireRelease(connect(directory), (socket) => Effect.sync(() => socket.destroy()))
      const replies = yield* Queue.unbounded<Reply, RunGone | Cause.Done>()
      let isAnswered = false
      onLines(socket, (text) => {
        const reply = replyOf(text)
        isAnswered = reply._tag !== "Waiting"
        Queue.offerUnsafe(replies, reply)
      })
      socket.on("error", () => socket.destroy())
      socket.on("close", () => {
        if (isAnswered) Queue.endUnsafe(replies)
        else Queue.failCauseUnsafe(replies, Cause.fail(new RunGone({ directory })))
      })
      socket.write(`${JSON.stringify(encodeCommand(command))}\n`)
      return Stream.fromQueue(replies)
    })
  )
