import { EventEmitter } from "node:events"
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import type { Dial } from "../../../src/session/lane/Dial.ts"
import { OriginPool } from "../../../src/session/lane/OriginPool.ts"
import { Resting } from "../../../src/session/Resting.ts"

const answer = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "latin1")

/** A pool over sockets that are none: what goes out is kept, and what comes in is told when the test says so. */
const pool = (connections: number) => {
  const sent: Array<string> = []
  const sockets: Array<{ readonly connect: () => void; readonly answer: () => void }> = []
  const connect: Dial["connect"] = (_host, _port, onread, _opening, connected) => {
    const buffer = onread.buffer as Uint8Array
    const socket = Object.assign(new EventEmitter(), {
      writableLength: 0,
      write: (text: string) => sent.push(text.split(" ")[1]!),
      ref: () => {},
      unref: () => {},
      destroy: () => {}
    })
    sockets.push({
      connect: () => connected(null, socket as unknown as Socket),
      answer: () => onread.callback(answer.copy(buffer), buffer)
    })
    return { destroy: () => {} }
  }
  const dial = { connect, ready: "connect" } as const
  const url = new URL("http://h.example")
  const made = new OriginPool(
    { dials: { "http:": dial, "https:": dial }, connections, keeps: true, resting: new Resting(connections) },
    url.origin,
    url,
    () => {}
  )
  const ask = (path: string) => made.add(path, [], {})
  return { pool: made, sent, sockets, ask }
}

describe("OriginPool", () => {
  it("sends on connections that many answers left before the turn of the loop that reads them is over", () => {
    const { pool: made, sent, sockets, ask } = pool(40)
    for (let index = 0; index < 80; index++) ask(`/${index}`)
    made.pump(0)
    for (const socket of sockets) socket.connect()
    made.pump(0)
    assert.lengthOf(sent, 40)
    const after = sockets.map((socket) => {
      socket.answer()
      return sent.length
    })
    assert.deepStrictEqual([after[0], after[14]], [40, 40], "few wait for the end of the turn")
    assert.strictEqual(after[15], 56)
    assert.strictEqual(after[39], 72)
    made.pump(0)
    assert.deepStrictEqual(
      sent,
      Array.from({ length: 80 }, (_, index) => `/${index}`)
    )
  })

  it("leaves connections that have rested for the end of the turn, when what came on them has been read", () => {
    const { pool: made, sent, sockets, ask } = pool(40)
    for (let index = 0; index < 20; index++) ask(`/${index}`)
    made.pump(0)
    for (const socket of sockets) socket.connect()
    made.pump(0)
    for (const socket of sockets.slice(0, 16)) socket.answer()
    // nothing is asked for: sixteen rest from here on
    made.pump(0)
    for (let index = 20; index < 40; index++) ask(`/${index}`)
    for (const socket of sockets.slice(16)) socket.answer()
    assert.lengthOf(sent, 20)
    made.pump(0)
    assert.lengthOf(sent, 40)
  })
})
