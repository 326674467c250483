import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Requeue from "../../src/crawl/Requeue.ts"
import type { Target } from "../../src/Target.ts"

const target = (name: string): Target => ({ url: `http://h/${name}`, host: "http://h", path: "", attempts: 0 })
const turned: Target = {
  ...target("turned"),
  hop: { url: "http://other/", host: "http://other", asked: ["http://h/a "] }
}
const excluded = { reason: "Excluded", message: "excluded by /x/" } as const

/** Leaves out what has an x. */
const begin = (queued: ReadonlyArray<Target>, pages: ReadonlyArray<ReadonlyArray<Target>> = []) => {
  const did: Array<string> = []
  const requeue = Requeue.make(1, ({ url }) => (url.includes("x") ? excluded : undefined), {
    store: {
      withdraw: (_list, after, isLeftOut) =>
        Effect.succeed({
          targets: pages[after]!.filter(isLeftOut),
          next: after + 1 < pages.length ? after + 1 : undefined
        }),
      link: () => Effect.succeed({ added: 2, isNearer: false }),
      readmit: (_list, urls) => Effect.sync(() => void did.push(`readmits ${urls.length}`))
    },
    politeness: { withdraw: (isLeft) => queued.filter(isLeft) },
    frontier: {
      leave: ({ url }) => void did.push(`has room of ${url}`),
      retried: (targets) => void did.push(`of the store: ${targets.length}`),
      found: ({ added }, settled) => void did.push(`finds ${added}, settles ${settled}`),
      limit: (most, mostOfHost) => void did.push(`limits to ${most}, ${mostOfHost}`)
    },
    committer: {
      room: () => Effect.sync(() => void did.push("waits")),
      flush: Effect.sync(() => void did.push("commits"))
    },
    conclusion: {
      leaveOut: ({ url }) => void did.push(`leaves out ${url}`),
      park: ({ url }) => void did.push(`parks ${url}`)
    }
  })
  return { did, requeue }
}

describe("Requeue", () => {
  it.effect("ends what the rules leave out now, in memory and in the store, a page at a time", () =>
    Effect.gen(function* () {
      const pages = [[target("x2"), target("b")], [target("x3")]]
      const { did, requeue } = begin([target("x1"), target("a")], pages)
      assert.strictEqual(yield* requeue.withdraw, 3)
      assert.deepStrictEqual(did, [
        "has room of http://h/x1",
        "leaves out http://h/x1",
        "of the store: 1",
        "leaves out http://h/x2",
        "waits",
        "of the store: 1",
        "leaves out http://h/x3",
        "waits",
        "commits"
      ])
    })
  )

  it.effect("puts back what is queued, but for what a redirect led elsewhere", () =>
    Effect.gen(function* () {
      const { did, requeue } = begin([target("a"), turned])
      yield* requeue.putBack
      assert.deepStrictEqual(did, ["parks http://h/a", "commits"])
    })
  )

  it("leases anew by a limit for hosts, and leaves the queue to one for all", () => {
    const { did, requeue } = begin([target("a")])
    requeue.limit({ maxPages: 5, maxPagesPerHost: undefined })
    requeue.limit({ maxPages: undefined, maxPagesPerHost: 2 })
    assert.deepStrictEqual(did, ["limits to 5, Infinity", "parks http://h/a", "limits to Infinity, 2"])
  })

  it.effect("tells the frontier of what was let in", () =>
    Effect.gen(function* () {
      const { did, requeue } = begin([])
      assert.strictEqual(yield* requeue.admit(target("a"), [target("b")]), 2)
      yield* requeue.readmit(["http://h/c"])
      assert.deepStrictEqual(did, ["finds 2, settles 0", "readmits 1", "finds 1, settles 0"])
    })
  )
})
