import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Attempts from "../src/Attempts.ts"
import type * as Download from "../src/Download.ts"
import { RangeError, WriteError } from "../src/FetchError.ts"
import type { Admission } from "../src/Politeness.ts"
import type { Part } from "../src/Sink.ts"
import type { Target } from "../src/Target.ts"

const target = (name: string): Target => ({ url: `http://h/${name}`, host: "http://h", path: name, attempts: 0 })
const cut: Target = { ...target("a"), partial: { validator: `"1"` } }
const good = { _tag: "Unchanged" } as Download.Attempt
const useless = { _tag: "Failed", reason: new RangeError({ detail: "moved" }), restart: true } as Download.Attempt
const part = { bytes: 3 } as Part

/** Targets that are next, and what is answered to each attempt; without an answer it goes on. */
const begin = (
  next: ReadonlyArray<Target>,
  answers: ReadonlyArray<Download.Attempt>,
  reopen: Effect.Effect<Part | undefined, WriteError> = Effect.succeed(part),
  free = Infinity,
  again = true
) => {
  const did: Array<string> = []
  const started: Array<Target> = []
  const queue = [...next]
  const replies = [...answers]
  const attempts = Attempts.make({
    frontier: {
      poll: () => {
        const target = queue.shift()
        return target && ({ target } satisfies Admission)
      }
    },
    gate: {
      isOpen: ({ target }) => target.partial === undefined,
      carry: ({ target }) => Effect.sync(() => void did.push(`carries ${target.path}`)),
      again: ({ path, partial }) => {
        if (!again) did.push(`${path} waits${partial === undefined ? "" : ", cut"}`)
        return again
      }
    },
    transfers: {
      start: (target, part, done) => {
        const { path, partial } = target
        started.push(target)
        did.push(
          `asks for ${path}${partial === undefined ? "" : ", cut"}${part === undefined ? "" : ", with its part"}`
        )
        const reply = replies.shift()
        if (reply !== undefined) queueMicrotask(() => done(reply))
        return {} as Download.Download
      },
      giveUp: () => void did.push("gives up")
    },
    sink: { reopen: () => reopen, free: Effect.succeed(free), forget: (url) => void did.push(`forgets ${url.at(-1)}`) },
    conclusion: {
      conclude: ({ path }, _startedMs, { _tag, ...ended }) =>
        void did.push(`${path} is ${_tag}${"said" in ended ? ", unasked" : ""}`),
      down: ({ path }) => Effect.sync(() => void did.push(`${path} is down`))
    }
  })
  return { did, started, attempts }
}

describe("Attempts", () => {
  it.effect("asks for nothing more of what the disk has no room for", () =>
    Effect.gen(function* () {
      const size = 2 ** 30
      for (const [free, rest, expected] of [
        [size, size, "asks for a, cut, with its part"],
        [size - 1, size, "a is DiskFull, unasked"],
        [0, 2 ** 24, "asks for a, cut, with its part"]
      ] as const) {
        const kept = { bytes: size - rest, keep: () => true } as Part
        const { did, attempts } = begin([], [good], Effect.succeed(kept), free)
        yield* attempts.visit({ target: { ...cut, partial: { validator: `"1"`, total: size } } })
        assert.strictEqual(did[0], expected)
      }
      const lost = { bytes: 0, keep: () => false } as Part
      const { did, attempts } = begin([], [good], Effect.succeed(lost), 0)
      yield* attempts.visit({ target: { ...cut, partial: { validator: `"1"`, total: size } } })
      assert.deepStrictEqual(did.slice(0, 2), ["forgets a", "asks for a"])
    })
  )

  it.effect("asks for what is next when one ends, and gives back what needs more than a download", () =>
    Effect.gen(function* () {
      const { did, attempts } = begin([target("b"), { ...cut, path: "c" }], [good, good])
      yield* attempts.visit({ target: target("a") })
      assert.deepStrictEqual(did, ["asks for a", "a is Unchanged", "asks for b", "b is Unchanged", "carries c"])
    })
  )

  it.effect("gives up the one that is under way when it is interrupted", () =>
    Effect.gen(function* () {
      const { did, attempts } = begin([target("b")], [good])
      const fiber = yield* Effect.forkChild(attempts.visit({ target: target("a") }))
      while (did.length < 3) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(did, ["asks for a", "a is Unchanged", "asks for b", "gives up"])
    })
  )

  it.effect("goes on with a part", () =>
    Effect.gen(function* () {
      const { did, attempts } = begin([], [good])
      yield* attempts.visit({ target: cut })
      assert.deepStrictEqual(did, ["asks for a, cut, with its part", "a is Unchanged"])
    })
  )

  it.effect("starts anew where the part is gone or cannot be read", () =>
    Effect.gen(function* () {
      const unreadable = Effect.fail(new WriteError({ path: "a", code: "EIO" }))
      for (const reopen of [Effect.succeed(undefined), unreadable]) {
        const { did, attempts } = begin([], [good], reopen)
        yield* attempts.visit({ target: cut })
        assert.deepStrictEqual(did, ["forgets a", "asks for a", "a is Unchanged"])
      }
    })
  )

  it.effect("starts anew once where the server has no use for the part", () =>
    Effect.gen(function* () {
      const { did, attempts } = begin([], [useless, useless, good])
      yield* attempts.visit({ target: cut })
      assert.deepStrictEqual(did, ["asks for a, cut, with its part", "forgets a", "asks for a", "a is Failed"])
    })
  )

  it.effect("but in its turn, where the host may not be asked yet", () =>
    Effect.gen(function* () {
      const { did, attempts } = begin([], [useless], undefined, undefined, false)
      yield* attempts.visit({ target: cut })
      assert.deepStrictEqual(did, ["asks for a, cut, with its part", "a waits"])
    })
  )

  it.effect("and leaves that what the part has left of its time", () =>
    Effect.gen(function* () {
      const { started, attempts } = begin([], [useless, good])
      yield* attempts.visit({ target: { ...cut, spentMs: 5 } })
      assert.deepStrictEqual(started[0]!.spentMs, 5)
      assert.isAbove(started[1]!.spentMs!, 5)
    })
  )

  it.effect("asks no host that is down", () =>
    Effect.gen(function* () {
      const { did, attempts } = begin([], [])
      yield* attempts.visit({ target: target("a"), down: { failures: 5, last: "refused" } })
      assert.deepStrictEqual(did, ["a is down"])
    })
  )
})
