import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replay from "../../src/testing/Replay.ts"
import { ask, Connection, request } from "./RawClient.ts"

it("writes the n-th reply to the n-th request, byte for byte", async () => {
  const odd = Buffer.from([0, 255, 10, 13, 200])
  await using replay = await Replay.start([{ path: "/a", reply: odd }, { reply: "no HTTP \u00e4" }])
  assert.isTrue((await ask(replay.url("/a"))).bytes.equals(odd))
  assert.strictEqual((await ask(replay.url("/any"))).bytes.toString("latin1"), "no HTTP \u00e4")
  assert.deepStrictEqual(replay.departures, [])
  assert.match(replay.requests[0]!, /^GET \/a HTTP\/1\.1\r\n/)
})

it("goes on with the script on a connection that it leaves open", async () => {
  await using replay = await Replay.start([
    { path: "/a", reply: "one", close: false },
    { path: "/b", reply: "two" }
  ])
  const connection = new Connection(replay.url("/"), request(replay.url("/a")) + request(replay.url("/b")))
  const { bytes, end } = await connection.until()
  assert.deepStrictEqual([bytes.toString(), end], ["onetwo", "end"])
})

it("keeps the connection after a reply unless told to end it", async () => {
  await using replay = await Replay.start([{ reply: "one", close: false }, { reply: "two" }])
  const connection = new Connection(replay.url("/"), request(replay.url("/a")))
  await connection.until(({ bytes }) => bytes.length === 3)
  await ask(replay.url("/b"))
  assert.strictEqual(connection.now.end, "open")
  connection.socket.destroy()
})

it("writes in pieces when asked to", async () => {
  const reply = Buffer.alloc(1001, "0123456789")
  await using replay = await Replay.start([{ reply, pieceBytes: 20 }])
  const connection = new Connection(replay.url("/"), request(replay.url("/")))
  let segments = 0
  connection.socket.on("data", () => segments++)
  assert.isTrue((await connection.until()).bytes.equals(reply))
  assert.isAbove(segments, 1)
})

it("names its address in a reply that asks for it", async () => {
  await using replay = await Replay.start([{ reply: ({ host, port }) => `at ${host}:${port}` }])
  assert.strictEqual((await ask(replay.url("/"))).bytes.toString(), `at 127.0.0.1:${replay.port}`)
})

it("hangs up and says so when the client leaves the script", async () => {
  await using replay = await Replay.start([{ path: "/a", reply: "one" }])
  assert.strictEqual((await ask(replay.url("/b"))).bytes.length, 0)
  assert.strictEqual((await ask(replay.url("/a"))).bytes.length, 0)
  assert.deepStrictEqual(replay.departures, [
    "request 1 for /b: the script has /a",
    "request 2 for /a: the script has 1 steps"
  ])
})

it("waits for the whole head of a request", async () => {
  await using replay = await Replay.start([{ reply: "one" }])
  const connection = new Connection(replay.url("/"), "GET / HTTP/1.1\r\nHost: x\r\n")
  await using other = await Replay.start([{ reply: "other" }])
  await ask(other.url("/"))
  assert.strictEqual(connection.now.bytes.length, 0)
  connection.socket.write("\r\n")
  assert.strictEqual((await connection.until()).bytes.toString(), "one")
})

it.live("closes with its scope", () =>
  Effect.gen(function* () {
    const url = yield* Effect.scoped(
      Effect.gen(function* () {
        const replay = yield* Replay.make([{ reply: "one" }])
        return replay.url("/")
      })
    )
    const { bytes, end } = yield* Effect.promise(() => ask(url))
    // Refused: the raw client calls every error of the connection a reset.
    assert.deepStrictEqual([bytes.length, end], [0, "reset"])
  })
)
