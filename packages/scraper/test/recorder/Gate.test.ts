import { assert, describe, it } from "@effect/vitest"
import { causes } from "../../src/recorder/Cause.ts"
import { Gate, holds } from "../../src/recorder/Gate.ts"

const make = () => {
  const spread: Array<readonly [string, number, number, number]> = []
  const gate = new Gate("http://h", 0, (cause, fromMs, toMs, ms) => {
    if (ms > 0) spread.push([causes[cause]!, fromMs, toMs, ms])
  })
  const read = (nowMs: number) => {
    const sums = gate.read(nowMs)
    return Object.fromEntries(holds.map((hold, index) => [hold, sums[index]!]))
  }
  return { gate, read, spread }
}
const noSums = { "retry-after": 0, "back-off": 0, delay: 0, slot: 0 }
const open = { pausedMs: 0, asked: false, nextMs: 0, isFull: false }

describe("Gate", () => {
  it("counts a pause before a delay, a delay before the slots, and no millisecond twice", () => {
    const { gate, read, spread } = make()
    gate.become({ pausedMs: 10, asked: true, nextMs: 15, isFull: true }, 2)
    assert.deepStrictEqual(read(40), { ...noSums, "retry-after": 10, delay: 5, slot: 25 })
    assert.deepStrictEqual(spread, [
      ["retry-after", 0, 10, 20],
      ["delay", 10, 15, 10],
      ["slot", 15, 40, 50]
    ])
  })

  it("goes by the state as it was, however often it is read", () => {
    const { gate, read } = make()
    gate.become({ pausedMs: 10, asked: true, nextMs: 0, isFull: false }, 1)
    assert.deepStrictEqual(read(4), { ...noSums, "retry-after": 4, delay: 0, slot: 0 })
    assert.deepStrictEqual(read(20), { ...noSums, "retry-after": 10, delay: 0, slot: 0 })
    gate.become({ ...open, isFull: true }, 1)
    assert.deepStrictEqual(read(23), { ...noSums, "retry-after": 10, delay: 0, slot: 3 })
    gate.become(open, 1)
    assert.deepStrictEqual(read(30), { ...noSums, "retry-after": 10, delay: 0, slot: 3 })
  })

  it("counts what waits for a worker for the overview alone", () => {
    const { gate, read, spread } = make()
    gate.become(open, 3)
    assert.deepStrictEqual(read(5), { ...noSums, "retry-after": 0, delay: 0, slot: 0 })
    assert.deepStrictEqual(spread, [["queue", 0, 5, 15]])
  })
})
