import { assert, describe, it } from "@effect/vitest"
import * as Coroutine from "../src/Coroutine.ts"
import { seeded } from "./Simulated.ts"

const averager = function* (): Generator<number, string, number> {
  let sum = 0
  for (let count = 1; ; count++) {
    sum += yield sum / Math.max(1, count - 1)
    if (sum < 0) return "negative"
  }
}
const untilClosed = (log: Array<string>) =>
  function* (): Generator<number, string, string> {
    try {
      for (let i = 0; ; i++) {
        try {
          log.push(yield i)
        } catch (error) {
          if (error !== "caught") throw error
          log.push("recovered")
        }
      }
    } finally {
      log.push("cleaned up")
    }
  }

describe("Coroutine", () => {
  it("is created, suspended at each yield, running within a step, and closed at its end", () => {
    const seen: Array<Coroutine.State> = []
    const coroutine: Coroutine.Coroutine<number, string> = Coroutine.make<number, string>(function* () {
      seen.push(coroutine.state)
      yield 1
      seen.push(coroutine.state)
      return "end"
    }, "observed")
    const states = [coroutine.state]
    assert.deepStrictEqual(coroutine.send(), { done: false, value: 1 })
    states.push(coroutine.state)
    assert.deepStrictEqual(coroutine.send(), { done: true, value: "end" })
    states.push(coroutine.state)
    assert.deepStrictEqual(states, ["created", "suspended", "closed"])
    assert.deepStrictEqual(seen, ["running", "running"])
    assert.deepStrictEqual(coroutine.send(), { done: true, value: undefined })
  })

  it("receives what is sent as the value of its yield", () => {
    const coroutine = Coroutine.make(averager)
    assert.strictEqual(coroutine.name, "averager")
    coroutine.send()
    assert.deepStrictEqual(
      [10, 20, 30].map((n) => coroutine.send(n).value),
      [10, 15, 20]
    )
    assert.deepStrictEqual(coroutine.send(-100), { done: true, value: "negative" })
  })

  it("runs nothing before it is begun, and refuses a value then", () => {
    const log: Array<string> = []
    const coroutine = Coroutine.make(untilClosed(log), "fresh")
    assert.throws(() => coroutine.send("early"), /"fresh", which has not begun/)
    assert.strictEqual(coroutine.state, "created")
    coroutine.close()
    assert.strictEqual(coroutine.state, "closed")
    assert.deepStrictEqual(log, [])
    const thrown = Coroutine.make(untilClosed(log))
    assert.throws(() => thrown.throw(new Error("at once")), "at once")
    assert.strictEqual(thrown.state, "closed")
    assert.deepStrictEqual(log, [])
  })

  it("can recover from what is thrown into it, and is closed by what it does not catch", () => {
    const log: Array<string> = []
    const coroutine = Coroutine.make(untilClosed(log))
    coroutine.send()
    assert.deepStrictEqual(coroutine.throw("caught"), { done: false, value: 1 })
    coroutine.send("hello")
    assert.throws(() => coroutine.throw(new Error("fatal")), "fatal")
    assert.strictEqual(coroutine.state, "closed")
    assert.deepStrictEqual(log, ["recovered", "hello", "cleaned up"])
    assert.throws(() => coroutine.throw(new Error("again")), "again")
  })

  it("cleans up when closed, once", () => {
    const log: Array<string> = []
    const coroutine = Coroutine.make(untilClosed(log))
    coroutine.send()
    coroutine.close()
    coroutine.close()
    assert.deepStrictEqual(log, ["cleaned up"])
    assert.strictEqual(coroutine.steps.length, 2)
  })

  it("may not go on when it is being closed", () => {
    const stubborn = Coroutine.make(function* () {
      try {
        yield 1
      } finally {
        yield 2
      }
    }, "stubborn")
    stubborn.send()
    assert.throws(() => stubborn.close(), /"stubborn" yielded while it was being closed/)
    assert.strictEqual(stubborn.state, "suspended")
  })

  it("refuses to be stepped from within, whoever tries", () => {
    const refusals: Array<unknown> = []
    const coroutine: Coroutine.Coroutine<number, void> = Coroutine.make<number, void>(function* () {
      for (const call of [() => coroutine.send(), () => coroutine.throw("x"), () => coroutine.close()]) {
        try {
          call()
        } catch (error) {
          refusals.push(error)
        }
      }
      yield 1
    }, "self")
    coroutine.send()
    assert.deepStrictEqual(
      refusals.map(String),
      ["send", "throw", "close"].map(
        (call) =>
          `CoroutineRunning: ${call} to coroutine "self", which is running: step it from outside, after it has yielded`
      )
    )
    assert.strictEqual(coroutine.state, "suspended")
    assert.strictEqual(coroutine.steps.length, 1)
  })

  it("records each step: what went in, what came out, the state after it", () => {
    const coroutine = Coroutine.make(averager)
    coroutine.send()
    coroutine.send(4)
    coroutine.close()
    assert.deepStrictEqual(coroutine.steps, [
      { call: { _tag: "send", value: undefined }, outcome: { _tag: "yielded", value: 0 }, state: "suspended" },
      { call: { _tag: "send", value: 4 }, outcome: { _tag: "yielded", value: 4 }, state: "suspended" },
      { call: { _tag: "close" }, outcome: { _tag: "returned", value: undefined }, state: "closed" }
    ])
  })

  it("is an object that shows all of it, and its functions can be taken from it", () => {
    const coroutine = Coroutine.make(averager)
    const { send, throw: fail, close } = coroutine
    assert.deepStrictEqual(send(), { done: false, value: 0 })
    assert.strictEqual({ ...coroutine }.state, "suspended")
    assert.throws(() => fail(new Error("fatal")), "fatal")
    close()
    assert.strictEqual(JSON.parse(JSON.stringify(coroutine)).state, "closed")
  })

  it("does what the bare generator does, step for step, on random calls", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = seeded(seed)
      const mine: Array<string> = []
      const its: Array<string> = []
      const coroutine = Coroutine.make(untilClosed(mine))
      const generator = untilClosed(its)()
      const attempt = (call: () => IteratorResult<number, string | undefined>) => {
        try {
          return call()
        } catch (error) {
          return { threw: error }
        }
      }
      coroutine.send()
      generator.next("")
      for (let i = 0; i < 8; i++) {
        const kind = Math.floor(random() * 6)
        const error = kind === 4 ? "fatal" : "caught"
        const [own, other] =
          kind < 3
            ? [attempt(() => coroutine.send(String(i))), attempt(() => generator.next(String(i)))]
            : kind < 5
              ? [attempt(() => coroutine.throw(error)), attempt(() => generator.throw(error))]
              : [undefined, (coroutine.close(), void generator.return(""))]
        assert.deepStrictEqual(own, other, `seed ${seed}, call ${i}`)
      }
      assert.deepStrictEqual(mine, its, `seed ${seed}`)
    }
  })
})
