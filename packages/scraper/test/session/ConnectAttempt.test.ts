import { assert, describe, it } from "@effect/vitest"
import { EventEmitter } from "node:events"
import type { Socket } from "node:net"
import { AddressDenied } from "../../src/session/AddressGuard.ts"
import { ConnectAttempt, type Way } from "../../src/session/ConnectAttempt.ts"
import { DnsCache } from "../../src/session/DnsCache.ts"
import { Opening } from "../../src/session/Opening.ts"
import { StallClock } from "../../src/session/StallClock.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Attempts at a host with these addresses, by sockets that are none, and a clock of 250 ms a tick that the test moves. */
const attempts = (...addresses: ReadonlyArray<string>) => {
  const clock = new StallClock(250)
  const dns = new DnsCache({
    resolve: (_, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 }))
      )
  })
  const begin = async (way: Partial<Way> = {}, then = (_begun: ConnectAttempt) => {}) => {
    const sockets = new Map<string, EventEmitter & { destroyed: boolean }>()
    const told: Array<unknown> = []
    const open = (address: string) => {
      const socket = Object.assign(new EventEmitter(), {
        destroyed: false,
        destroy: () => (socket.destroyed = true)
      })
      sockets.set(address, socket)
      return socket as unknown as Socket
    }
    const settings = { clock, dns, connectTimeoutMs: 10_000 }
    const opening = new Opening("a.test")
    const attempt = new ConnectAttempt(settings, opening, (error, socket) => told.push(error ?? socket))
    attempt.race("a.test", { open, ready: "connect", ...way })
    assert.deepStrictEqual([sockets.size, told], [0, []], "not before it has begun")
    then(attempt)
    await turn()
    const at = (address: string) => sockets.get(address)!
    return {
      attempt,
      told,
      at,
      phases: () => opening.marks.map(({ phase }) => phase),
      tried: () => [...sockets.keys()],
      open: () => [...sockets].filter(([, { destroyed }]) => !destroyed).map(([address]) => address),
      fails: (address: string, error = new Error(address)) => at(address).emit("error", error)
    }
  }
  const tick = (ticks: number) => {
    for (let i = 0; i < ticks; i++) clock.sweep()
  }
  return { begin, tick, stop: () => clock.stop() }
}

describe("ConnectAttempt", () => {
  it("tries the next address beside one that is silent, and keeps the first that is connected", async () => {
    const { begin, tick } = attempts("a", "b", "c")
    const { told, at, tried, open, phases } = await begin()
    tick(1)
    assert.deepStrictEqual(tried(), ["a"])
    tick(1)
    assert.deepStrictEqual(open(), ["a", "b"])
    at("b").emit("connect")
    assert.deepStrictEqual(told, [at("b")])
    assert.deepStrictEqual(open(), ["b"])
    tick(100)
    assert.deepStrictEqual([told.length, tried()], [1, ["a", "b"]])
    assert.deepStrictEqual(phases(), ["dns", "connect", "open"])
  })

  it("has a slow address win over a later one that is slower", async () => {
    const { begin, tick } = attempts("a", "b")
    const { told, at, open } = await begin()
    tick(30)
    at("a").emit("connect")
    assert.deepStrictEqual([told, open()], [[at("a")], ["a"]])
  })

  it("tries the next address at once when one fails, and tells of all failures", async () => {
    const { begin } = attempts("a", "b")
    const { told, tried, fails } = await begin()
    fails("a")
    assert.deepStrictEqual(tried(), ["a", "b"])
    assert.deepStrictEqual(told, [])
    fails("b")
    assert.deepStrictEqual(
      (told[0] as AggregateError).errors.map(({ message }) => message),
      ["a", "b"]
    )
  })

  it("waits for a silent address where the others fail", async () => {
    const { begin, tick } = attempts("a", "b")
    const { told, at, fails } = await begin()
    tick(2)
    fails("b")
    assert.deepStrictEqual(told, [])
    at("a").emit("connect")
    assert.deepStrictEqual(told, [at("a")])
  })

  it("tries first what was connected to last", async () => {
    const { begin, tick } = attempts("a", "b", "c")
    const first = await begin()
    tick(2)
    first.at("b").emit("connect")
    const second = await begin()
    tick(2)
    assert.deepStrictEqual(second.tried(), ["b", "a"])
  })

  it("tries no address first that has not agreed on TLS", async () => {
    const { begin, tick } = attempts("a", "b")
    const first = await begin({ ready: "secureConnect" })
    tick(2)
    first.at("b").emit("connect")
    first.fails("b")
    const second = await begin({ ready: "secureConnect" })
    assert.deepStrictEqual(second.tried(), ["a"])
    tick(2)
    second.at("b").emit("connect")
    second.at("b").emit("secureConnect")
    const third = await begin({ ready: "secureConnect" })
    assert.deepStrictEqual(third.tried(), ["b"])
  })

  it("tries no more than four addresses at one time", async () => {
    const { begin, tick } = attempts(..."abcdef")
    const { open, tried } = await begin()
    tick(12)
    assert.strictEqual(tried().length, 6)
    assert.deepStrictEqual(open(), ["c", "d", "e", "f"])
  })

  it("is over in its time, with every socket", async () => {
    const { begin, tick } = attempts("a", "b")
    const { told, open } = await begin()
    tick(40)
    assert.deepStrictEqual([told, open()], [[], ["a", "b"]])
    tick(1)
    assert.deepInclude(told[0], { code: "UND_ERR_CONNECT_TIMEOUT" })
    assert.deepStrictEqual([told.length, open()], [1, []])
  })

  it("leaves nothing behind when it is destroyed, be it before it has an address", async () => {
    const { begin, tick } = attempts("a", "b")
    const { attempt, told, open } = await begin()
    tick(2)
    attempt.destroy()
    const early = await begin({}, (begun) => begun.destroy())
    tick(100)
    assert.deepStrictEqual([told, open(), early.told, early.tried()], [[], [], [], []])
  })

  it("blames nobody, and leaves nothing behind, where the session ends", async () => {
    const { begin, tick, stop } = attempts("a", "b")
    const { told, open } = await begin({ blame: () => new Error("the proxy") })
    tick(2)
    stop()
    assert.deepStrictEqual([told, open()], [[], []])
  })

  it("lets a judge refuse the very addresses it was about to connect to", async () => {
    const { begin } = attempts("a", "b")
    const denied = new AddressDenied("b")
    const { told, tried, phases } = await begin({ judge: (those) => (those.length === 2 ? denied : undefined) })
    assert.deepStrictEqual([told, tried(), phases()], [[denied], [], ["dns"]])
  })

  it("agrees on TLS with the winner alone, and tries no other where that fails", async () => {
    const { begin, tick } = attempts("a", "b")
    const one = await begin({ ready: "secureConnect" })
    one.at("a").emit("connect")
    tick(10)
    assert.deepStrictEqual([one.told, one.tried(), one.phases()], [[], ["a"], ["dns", "connect", "tls"]])
    one.at("a").emit("secureConnect")
    assert.deepStrictEqual(one.told, [one.at("a")])
    const other = await begin({ ready: "secureConnect" })
    other.at("a").emit("connect")
    const error = new Error("no certificate")
    other.fails("a", error)
    assert.deepStrictEqual([other.told, other.tried()], [[error], ["a"]])
  })

  it("tells what an error on its way is told as there", async () => {
    const { begin } = attempts("a")
    const blamed = new Error("the proxy")
    const { told, fails } = await begin({ blame: () => blamed })
    fails("a")
    assert.deepStrictEqual(told, [blamed])
  })
})
