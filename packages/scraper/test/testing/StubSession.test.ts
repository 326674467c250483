import { assert, describe, it } from "@effect/vitest"
import { StubSession } from "../../src/testing/index.ts"

/** What a receiver hears of an answer, and what of it is left over. */
const heard = async (answer: Parameters<typeof StubSession.make>[0]) => {
  const session = StubSession.make(answer)
  const calls: Array<string> = []
  await new Promise<void>((resolve) => {
    session.open(
      { url: "http://a.test/" },
      {
        onSent: () => calls.push("sent"),
        onHead: ({ status }) => calls.push(`head ${status}`),
        onData: (chunk) => calls.push(`data ${Buffer.from(chunk).toString()}`),
        onEnd: () => resolve(void calls.push("end")),
        onError: ({ message }) => resolve(void calls.push(message))
      }
    )
    assert.deepStrictEqual(calls, [], "not before it returned")
  })
  return { calls, inFlight: session.statistics().inFlight }
}

describe("StubSession", () => {
  it("tells all that a session tells of an answer", async () => {
    assert.deepStrictEqual(await heard(() => ({ body: "hello" })), {
      calls: ["sent", "head 200", "data hello", "end"],
      inFlight: 0
    })
  })

  it("fails a request whose answer throws", async () => {
    const answer = () => {
      throw new Error("no such page")
    }
    assert.deepStrictEqual(await heard(answer), { calls: ["bad answer: Error: no such page"], inFlight: 0 })
  })
})
