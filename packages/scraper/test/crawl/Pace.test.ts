import { assert, describe, it } from "@effect/vitest"
import { Pace, pieceBytes } from "../../src/crawl/Pace.ts"

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))
const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, index) => (first + index) % 251)

/** What was read, by the turns in which it was; `pace` and how often it drained. */
const read = () => {
  const turns: Array<number> = []
  const all: Array<number> = []
  let drained = 0
  let now = 0
  const pace = new Pace(
    (piece) => {
      turns[now] = (turns[now] ?? 0) + piece.length
      for (const byte of piece) all.push(byte)
    },
    () => drained++
  )
  return { pace, turns, all, drained: () => drained, next: () => (now++, turn()) }
}

describe("Pace", () => {
  it("reads a page of one piece as it comes", () => {
    const { pace, turns, drained } = read()
    assert.isTrue(pace.write(bytes(pieceBytes - 1)))
    assert.isTrue(pace.write(bytes(1)))
    assert.deepStrictEqual([turns, pace.isBehind, drained()], [[pieceBytes], false, 0])
  })

  it("reads a long one in its order, a piece a turn, though its chunks are used again", async () => {
    const { pace, all, turns, drained, next } = read()
    const length = 3 * pieceBytes + 17
    const chunk = Buffer.from(bytes(length))
    assert.isFalse(pace.write(chunk))
    assert.isFalse(pace.write(bytes(100, length)))
    chunk.fill(0)
    assert.deepStrictEqual(turns, [pieceBytes])
    while (drained() === 0) await next()
    assert.deepStrictEqual([pace.isBehind, drained()], [false, 1])
    assert.deepStrictEqual(Uint8Array.from(all), bytes(length + 100))
    assert.isAtMost(Math.max(...turns), pieceBytes)
    assert.isTrue(pace.write(bytes(5)))
  })

  it("reads no more when it is closed", async () => {
    const { pace, turns, drained, next } = read()
    pace.write(bytes(2 * pieceBytes))
    pace.close()
    await next()
    assert.deepStrictEqual([turns, drained(), pace.isBehind], [[pieceBytes], 0, false])
  })
})
