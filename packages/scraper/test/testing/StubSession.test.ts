import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Get from "../../src/Get.ts"
import { Session } from "../../src/Session.ts"
import { StubSession } from "../../src/testing/index.ts"
import * as Folders from "../Folders.ts"

const { folder } = Folders.make("stub")

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

  it.each([false, true])("ends a run with what an answer throws, of robots.txt too: %s", async (robots) => {
    const bug = new Error("no such page")
    const session = StubSession.make(() => {
      throw bug
    })
    const outcomes = Get.outcomes(["http://a.test/"], { directory: folder(), robots })
    const run = Effect.runPromise(Effect.provideService(Stream.runDrain(outcomes), Session, session))
    assert.strictEqual(await run.catch((error) => error), bug)
    assert.strictEqual(session.statistics().inFlight, 0)
  })

  it.each<[() => unknown, string]>([
    [() => Promise.reject(new Error("late")), "a promise"],
    [() => Promise.resolve({ status: 404 }), "a promise"],
    [() => undefined, "undefined"],
    [() => null, "null"],
    [() => "hello", "a string"],
    [() => 404, "a number"],
    [() => ["hello"], "an array"]
  ])("ends a run with what is no answer, by its name: %s", async (answer, name) => {
    const session = StubSession.make(answer as () => StubSession.Answer)
    const outcomes = Get.outcomes(["http://a.test/"], { directory: folder() })
    const run = Effect.runPromise(Effect.provideService(Stream.runDrain(outcomes), Session, session))
    const error = await run.catch((error) => error)
    assert.instanceOf(error, TypeError)
    assert.strictEqual(
      error.message,
      `the function of a StubSession gave ${name} for http://a.test/: it is to return { status, url, headers, body } or a FetchReason, and no promise of one`
    )
    assert.strictEqual(session.statistics().inFlight, 0)
  })
})
