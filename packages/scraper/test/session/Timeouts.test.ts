import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { StallClock } from "../../src/session/StallClock.ts"
import type { Transfer } from "../../src/Session.ts"
import { ask, listen, rawServer, session } from "./loopback.ts"
import { until } from "./until.ts"
import { createServer } from "node:net"

const ok = "HTTP/1.1 200 OK\r\n"

/** Real time: small bounds against servers that are silent for ever. */
describe("a silent server", () => {
  const cases: ReadonlyArray<readonly [phase: string, said: string]> = [
    ["headers", ""],
    ["headers", "HTTP/1.1 200 OK\r\nContent"],
    ["headers", "HTTP/1.1 103 Early Hints\r\n\r\n"],
    ["body", `${ok}Content-Length: 10\r\n\r\n`],
    ["body", `${ok}Content-Length: 10\r\n\r\nhello`],
    ["body", `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`]
  ]
  for (const [phase, said] of cases) {
    it.live(`that said ${JSON.stringify(said)} is a timeout of the ${phase}, and is left`, () =>
      Effect.gen(function* () {
        const { origin, sockets } = yield* rawServer((socket) => void (said === "" || socket.write(said)))
        const one = yield* session({ timeoutMs: 100 })
        const { error } = yield* ask(one, `${origin}/`)
        assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase, ms: 100 })
        yield* until(() => sockets.size === 0)
        assert.strictEqual(one.statistics().inFlight, 0)
      })
    )
  }

  it.live("that never greets in TLS is a timeout of the connection", () =>
    Effect.gen(function* () {
      const { port, sockets } = yield* listen(createServer((socket) => socket.resume()))
      const one = yield* session({ connectTimeoutMs: 100 })
      const { error } = yield* ask(one, `https://127.0.0.1:${port}/`)
      assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "connect", ms: 100 })
      yield* until(() => sockets.size === 0)
    })
  )

  it.live("that never greets in TLS makes requests wait side by side, not one after the other", () =>
    Effect.gen(function* () {
      let connections = 0
      const { port } = yield* listen(
        createServer((socket) => {
          connections++
          socket.resume()
        })
      )
      const clock = new StallClock(1_000_000_000)
      const one = yield* session({ perHost: 3 }, { clock })
      const asking = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3], (i) => ask(one, `https://127.0.0.1:${port}/${i}`), { concurrency: 3 })
      )
      yield* until(() => connections === 3)
      clock.sweep()
      clock.sweep()
      for (const { error } of yield* Fiber.join(asking)) {
        assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "connect" })
      }
    })
  )

  it.live("whose name is never resolved is a timeout of the connection", () =>
    Effect.gen(function* () {
      const one = yield* session({ connectTimeoutMs: 100 }, { resolve: () => {} })
      const { error } = yield* ask(one, "http://never.test/")
      assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "connect", ms: 100 })
    })
  )

  it.live("may not outlast the time for the whole exchange, in any phase", () =>
    Effect.gen(function* () {
      const { origin, sockets } = yield* rawServer((socket, head) => {
        if (head.includes("/body")) socket.write(`${ok}Content-Length: 10\r\n\r\nhello`)
      })
      const one = yield* session({ perHost: 2 })
      const all = yield* Effect.forEach(
        ["/head", "/body", "/queued"],
        (path) => ask(one, { url: origin + path, maxTimeMs: 50 }),
        { concurrency: 3 }
      )
      for (const { error } of all) assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "total", ms: 50 })
      const last = yield* ask(one, { url: `${origin}/body`, maxTimeMs: 3_600_000, spentMs: 3_599_950 })
      assert.deepInclude({ ...last.error }, { _tag: "TimeoutError", phase: "total", ms: 3_600_000 })
      yield* until(() => sockets.size === 0)
      assert.strictEqual(one.statistics().inFlight, 0)
    })
  )
})

/** Time by hand: the clock ticks when a test says so, and every bound is one tick. */
describe("the stall clock", () => {
  const byHand = () => new StallClock(1_000_000_000)

  it.live("does not count while a transfer is paused, and counts anew when it goes on", () =>
    Effect.gen(function* () {
      const { origin } = yield* rawServer((socket) => socket.write(`${ok}Content-Length: 10\r\n\r\nhello`))
      const clock = byHand()
      const one = yield* session({}, { clock })
      let transfer: Transfer | undefined
      let received = 0
      const asking = yield* Effect.forkChild(
        ask(one, `${origin}/`, {
          onOpen: (opened) => (transfer = opened),
          onData: ({ length }) => (received += length)
        })
      )
      yield* until(() => received === 5)
      transfer?.pause()
      for (let i = 0; i < 100; i++) clock.sweep()
      assert.strictEqual(one.statistics().inFlight, 1)
      transfer?.resume()
      clock.sweep()
      assert.strictEqual(one.statistics().inFlight, 1)
      clock.sweep()
      const { error } = yield* Fiber.join(asking)
      assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "body" })
    })
  )

  it.live("does not count while a request waits for a connection", () =>
    Effect.gen(function* () {
      const { origin } = yield* rawServer((socket, _head, nth) => {
        if (nth === 0) socket.write(`${ok}Content-Length: 10\r\n\r\nhello`, () => (begun = socket))
        else socket.write(`${ok}Content-Length: 1\r\n\r\nx`)
      })
      let begun: { write: (text: string) => void } | undefined
      const clock = byHand()
      const one = yield* session({ perHost: 1 }, { clock })
      let first: Transfer | undefined
      let received = 0
      const busy = yield* Effect.forkChild(
        ask(one, `${origin}/1`, { onOpen: (opened) => (first = opened), onData: ({ length }) => (received += length) })
      )
      yield* until(() => received === 5)
      const waiting = yield* Effect.forkChild(ask(one, `${origin}/2`))
      yield* until(() => one.statistics().inFlight === 2)
      first?.pause()
      for (let i = 0; i < 100; i++) clock.sweep()
      assert.strictEqual(one.statistics().inFlight, 2)
      first?.resume()
      begun?.write("world")
      assert.isUndefined((yield* Fiber.join(busy)).error)
      assert.isUndefined((yield* Fiber.join(waiting)).error)
    })
  )

  class TenSeconds extends StallClock {
    override ticks(ms: number) {
      return Math.ceil(ms / 10_000)
    }
  }
  /** A body that comes in pieces, one each ten seconds, which are a tick. */
  const dripping = Effect.fnUntraced(function* (length: number, piece: string) {
    let socket: { write: (text: string) => void } | undefined
    const { origin } = yield* rawServer((opened) => {
      socket = opened
      opened.write(`${ok}Content-Length: ${length}\r\n\r\n`)
    })
    const clock = new TenSeconds(1_000_000_000)
    const one = yield* session({ timeoutMs: 10_000 }, { clock })
    let heard = -1
    const asking = yield* Effect.forkChild(
      ask(one, `${origin}/`, { onHead: () => void (heard = 0), onData: ({ length }) => (heard += length) })
    )
    yield* until(() => heard === 0)
    for (let pieces = 0; one.statistics().inFlight > 0; pieces++) {
      yield* until(() => heard === Math.min(length, pieces * piece.length) || one.statistics().inFlight === 0)
      clock.sweep()
      socket?.write(piece)
    }
    return yield* Fiber.join(asking)
  })

  it.live("starts anew with every byte", () =>
    Effect.gen(function* () {
      const { error, body } = yield* dripping(5, "x")
      assert.isUndefined(error)
      assert.strictEqual(body.length, 5)
    })
  )

  it.live("gives up a body that hardly comes, and none that is only slow", () =>
    Effect.gen(function* () {
      const { error, body } = yield* dripping(10_000, "x")
      assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "pace", ms: 60_000 })
      assert.strictEqual(body.length, 6)
      const slow = yield* dripping(20_000, "x".repeat(700))
      assert.isUndefined(slow.error)
      assert.strictEqual(slow.body.length, 20_000)
    })
  )

  it.live("is not reset by interim answers: a head must come", () =>
    Effect.gen(function* () {
      let socket: { write: (text: string) => void } | undefined
      let asked = 0
      const { origin } = yield* rawServer((opened) => {
        socket = opened
        asked++
      })
      const clock = byHand()
      const one = yield* session({}, { clock })
      const asking = yield* Effect.forkChild(ask(one, `${origin}/`))
      yield* until(() => asked === 1)
      for (let i = 0; i < 2; i++) {
        socket?.write("HTTP/1.1 103 Early Hints\r\n\r\n")
        clock.sweep()
      }
      assert.deepInclude({ ...(yield* Fiber.join(asking)).error }, { _tag: "TimeoutError", phase: "headers" })
    })
  )

  it.live("does not wait for the rest of a redirect's body", () =>
    Effect.gen(function* () {
      let asked = 0
      const { origin } = yield* rawServer((socket, head) => {
        asked++
        if (head.includes("/to")) socket.write(`${ok}Content-Length: 1\r\n\r\nx`)
        else socket.write("HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 10\r\n\r\nabc")
      })
      const clock = byHand()
      const one = yield* session({}, { clock })
      const asking = yield* Effect.forkChild(ask(one, `${origin}/from`))
      yield* until(() => one.statistics().bytesReceived === 3)
      assert.strictEqual(asked, 1)
      clock.sweep()
      clock.sweep()
      const { error, body } = yield* Fiber.join(asking)
      assert.isUndefined(error)
      assert.strictEqual(body.toString(), "x")
    })
  )
})
