import { assert, describe, it } from "@effect/vitest"
import { nextOf } from "@simul/core/Concurrently"
import { Simulation, Strategy } from "@simul/core/simulation"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { Readable } from "node:stream"
import * as Committer from "../src/Committer.ts"
import * as Frontier from "../src/Frontier.ts"
import * as Lines from "../src/Lines.ts"
import type { Outcome } from "../src/Outcome.ts"
import * as Politeness from "../src/Politeness.ts"
import type { Copy } from "../src/robots/RobotsPolicy.ts"
import type { Sink, Synced } from "../src/Sink.ts"
import { type Commit, type Store, StoreFull } from "../src/Store.ts"
import type { Target } from "../src/Target.ts"
import * as Idle from "./Idle.ts"

const targets = Array.from({ length: 3 }, (_, index): Target => ({
  url: `http://a.test/${index}`,
  host: "http://a.test",
  path: "",
  attempts: 0
}))
const urls = targets.map(({ url }) => url)
const failed = ({ url }: Target): Outcome => ({
  _tag: "Failed",
  url,
  attempts: 1,
  durationMs: 0,
  error: { _tag: "StatusError", status: 500 } as never
})
const soon = Effect.suspend(() => Effect.sleep(Math.floor(4 * Math.random())))

/** Only what the committer asks of its neighbours. */
const politeness: Pick<Politeness.Politeness, "isChanged" | "changes"> = { isChanged: () => false, changes: () => [] }
const frontier: Pick<Frontier.Frontier, "leaving" | "stragglers" | "place" | "committed"> = {
  leaving: () => {},
  stragglers: () => new Set(),
  place: () => undefined,
  committed: () => {}
}
const synced: Synced = { placed: new Map(), failed: new Map(), archives: [], captures: [] }
const sink: Pick<Sink["Service"], "held" | "sync"> = { held: () => 0, sync: () => Effect.as(soon, synced) }

/** Transfers that are worth a row from their start, and commits that take time. Gives the rows in the end, and what was told. */
const transfers = Effect.gen(function* () {
  const rows = new Map<string, "settled" | "in flight">()
  const running = new Set<Target>()
  const noted = new Set<Target>()
  const store: Pick<Store["Service"], "commit"> = {
    commit: ({ settled, waiting }) =>
      // where there is nothing to commit that takes no time
      Effect.map(settled.length + waiting.length === 0 ? Effect.void : soon, () => {
        for (const { target } of settled) rows.set(target.url, "settled")
        for (const { target } of waiting) rows.set(target.url, "in flight")
        return { added: 0, isNearer: false }
      })
  }
  const committer = yield* Committer.make(
    { store: store as never, sink: sink as never },
    politeness as never,
    frontier as never,
    {
      ...Idle.committer,
      noteworthy: () => {
        const worthy = [...running].filter((target) => !noted.has(target))
        for (const target of worthy) noted.add(target)
        return worthy
      },
      isNoteworthy: () => [...running].some((target) => !noted.has(target))
    }
  )
  yield* Effect.forkScoped(committer.run)
  const told = yield* Effect.forkScoped(Stream.runCollect(Stream.fromPull(Effect.succeed(committer.take))))
  const transfer = Effect.fnUntraced(function* (target: Target) {
    yield* soon
    running.add(target)
    yield* soon
    running.delete(target)
    committer.settle({ target, outcome: failed(target) })
  })
  // somebody wants everything committed now and then, as a pause does
  yield* Effect.forkScoped(Effect.repeat(Effect.andThen(soon, committer.flush), { times: 4 }))
  yield* Effect.forEach(targets, transfer, { concurrency: "unbounded" })
  yield* committer.flush
  yield* committer.end
  return { rows, told: Array.from(yield* Fiber.join(told), ({ url }) => url).toSorted() }
}).pipe(Effect.scoped)

/** Answers for robots.txt that come at any time, each with a record. Gives those that some commit told before their record. */
const answers = Effect.gen(function* () {
  let records: Array<string> = []
  let copies: Array<Copy> = []
  const early: Array<string> = []
  const archived = new Set<string>()
  const committed = new Set<string>()
  const committer = yield* Committer.make(
    {
      store: {
        commit: ({ captures = [], robots = [] }: Commit) =>
          Effect.map(soon, () => {
            for (const { url } of captures) archived.add(url)
            for (const { host } of robots) {
              if (!archived.has(host)) early.push(host)
              committed.add(host)
            }
            return { added: 0, isNearer: false }
          })
      } as never,
      sink: {
        held: () => 0,
        sync: () => {
          const captures = records.map((url) => ({ url }))
          records = []
          return Effect.as(soon, { placed: new Map(), failed: new Map(), archives: [], captures })
        }
      } as never
    },
    politeness as never,
    frontier as never,
    {
      ...Idle.committer,
      robots: () => {
        const given = copies
        copies = []
        return given
      }
    }
  )
  yield* Effect.forkScoped(committer.run)
  const answer = Effect.fnUntraced(function* (host: string) {
    yield* soon
    records.push(host)
    copies.push({ host, askedMs: 0, kind: "unavailable" })
    committer.stir()
  })
  yield* Effect.forEach(["a", "b", "c"], answer, { concurrency: "unbounded" })
  yield* committer.flush
  return { early, committed: committed.size }
}).pipe(Effect.scoped)

/** A run of more outcomes than are told at once, which is stopped or fails at any time. Gives what is committed, and told of. */
const stopped = Effect.gen(function* () {
  const rows: Array<string> = []
  const told: Array<string> = []
  const store: Pick<Store["Service"], "commit"> = {
    commit: ({ settled }) =>
      Effect.map(soon, () => {
        for (const { target } of settled) rows.push(target.url)
        return { added: 0, isNearer: false }
      })
  }
  const committer = yield* Committer.make(
    { store: store as never, sink: sink as never },
    politeness as never,
    frontier as never,
    Idle.committer
  )
  const run = Effect.fnUntraced(function* () {
    yield* Effect.forkScoped(committer.run)
    const take = (outcomes: ReadonlyArray<Outcome>) => void told.push(...outcomes.map(({ url }) => url))
    const listen = Effect.forever(Effect.andThen(Effect.map(committer.take, take), soon))
    yield* Effect.forkScoped(Effect.exit(listen))
    const failing = Math.floor(12 * Math.random())
    for (const [index, target] of [...targets, ...targets].entries()) {
      committer.settle({ target, outcome: failed(target) })
      yield* soon
      if (index === failing) yield* committer.fail(Cause.interrupt())
    }
  }, Effect.scoped)
  yield* run()
  const last = yield* committer.close
  return { rows: rows.length, told: told.length + last.length, last: last.length }
})

describe("Committer", () => {
  it.effect("gives what is committed and was not taken, each once, to who stops the run", () => {
    const given = new Set<number>()
    return Effect.map(
      Simulation.explore(stopped, {
        process: true,
        seeds: 500,
        // in one step, outcomes are taken and told of
        strategy: Strategy.random(0),
        invariants: {
          "each is committed, and told of once": ({ rows, told, last }) => {
            given.add(last)
            return rows === 6 && told === 6
          }
        }
      }),
      ({ distinct }) => {
        assert.isAbove(distinct, 100)
        assert.isAbove(given.size, 3)
      }
    )
  })

  it.effect("commits what a host answered for its robots.txt with the record of the answer, never before it", () =>
    Effect.map(
      Simulation.explore(answers, {
        process: true,
        seeds: 300,
        invariants: {
          "each answer is committed, none before its record": ({ early, committed }) =>
            early.length === 0 && committed === 3
        }
      }),
      ({ distinct }) => assert.isAbove(distinct, 100)
    )
  )

  it.effect("closes without waiting for room on the disk, in the midst of such a wait too", () =>
    Effect.gen(function* () {
      const politeness = Politeness.make(Idle.politeness)
      const target = { ...targets[0]!, path: "a" }
      const list = Lines.fromBytes(
        Readable.from([Buffer.from(`${target.url}\n`)]),
        { bytes: 0, lines: 0 },
        createHash("sha256")
      )
      const commits: Array<Commit> = []
      const patterns = [{ pattern: "/*", pages: 1, contents: 1, caught: false, latest: "" }]
      const store: Partial<Store["Service"]> = {
        waiting: () => Effect.succeed({ count: 0, dueMs: undefined }),
        lookup: () => Effect.succeed(new Map()),
        hosts: () => Effect.succeed([]),
        commit: (commit) => Effect.suspend(() => (commits.push(commit), Effect.fail(new StoreFull({ file: "" }))))
      }
      const frontier = yield* Frontier.make(yield* nextOf(list), store as Store["Service"], politeness, {
        ...Idle.frontier,
        claim: () => Effect.succeed([target.path])
      })
      yield* Effect.forkScoped(frontier.run)
      const waiting = yield* Deferred.make<void>()
      const diskFull = Effect.andThen(Deferred.succeed(waiting, undefined), Effect.never)
      const committer = yield* Committer.make(
        { store: store as Store["Service"], sink: { held: () => 0, sync: () => Effect.succeed(synced) } as never },
        politeness,
        frontier,
        { ...Idle.committer, diskFull, patterns: () => patterns.splice(0) }
      )
      const taken = (yield* frontier.take).target
      committer.settle({ target: taken, outcome: failed(taken) })
      frontier.release(taken, { pauseMs: 60_000 })
      const flush = yield* Effect.forkChild(committer.flush)
      yield* Deferred.await(waiting)
      yield* Fiber.interrupt(flush)
      // as a finalizer runs it
      assert.deepStrictEqual(yield* Effect.uninterruptible(committer.close), [])
      assert.lengthOf(commits, 2)
      assert.deepInclude(commits[0]!.hosts[0], { host: target.host, asked: true })
      assert.lengthOf(commits[0]!.patterns!, 1)
      assert.deepInclude(commits[0]!.place, { bytes: target.url.length + 1, targets: 1 })
      assert.deepStrictEqual(commits[1], commits[0])
    })
  )

  it.effect("writes what outlives the run by the wall's clock, where that was set back", () =>
    Effect.gen(function* () {
      const now = () => Date.now() + 3_600_000
      const politeness = Politeness.make(Idle.politeness)
      politeness.add(targets[0]!)
      politeness.take(now())
      politeness.release(targets[0]!, now(), { pauseMs: 8000 })
      const commits: Array<Commit> = []
      const store = { commit: (commit: Commit) => Effect.sync(() => (commits.push(commit), { added: 0 })) }
      const committer = yield* Committer.make(
        { store: store as never, sink: { held: () => 0, sync: () => Effect.succeed(synced) } as never },
        politeness,
        frontier as never,
        { ...Idle.committer, now, robots: () => [{ host: "a", askedMs: now(), kind: "unavailable" }] }
      )
      yield* committer.flush
      const latestMs = Date.now()
      const [{ hosts, robots }] = commits as [Commit]
      assert.isAtMost(hosts[0]!.pausedMs, latestMs + 8000)
      assert.isAtMost(robots![0]!.askedMs, latestMs)
    })
  )

  it.effect("commits at once what is much in memory, and has others wait until it is done", () =>
    Effect.gen(function* () {
      let held = 16 << 20
      const sink = { held: () => held, sync: () => Effect.sync(() => ((held = 0), synced)) }
      const store = { commit: () => Effect.succeed({ added: 0, isNearer: false }) }
      const committer = yield* Committer.make(
        { store: store as never, sink: sink as never },
        politeness as never,
        frontier as never,
        { ...Idle.committer, most: 100, withinMs: 1e9 }
      )
      const room = committer.room()
      assert.isDefined(room)
      yield* Effect.forkScoped(committer.run)
      committer.settle({ target: targets[0]!, outcome: failed(targets[0]!) })
      yield* room
      assert.strictEqual(held, 0)
      assert.isUndefined(committer.room())
    })
  )

  it.effect("is left alone while there is nothing to commit, and commits a clock within a second", () =>
    Effect.gen(function* () {
      let isChanged = false
      let commits = 0
      const waits = Effect.gen(function* () {
        const store = {
          commit: () =>
            Effect.sync(() => {
              commits++
              isChanged = false
              return { added: 0, isNearer: false }
            })
        }
        const committer = yield* Committer.make(
          { store: store as never, sink: sink as never },
          { isChanged: () => isChanged, changes: () => [] } as never,
          frontier as never,
          Idle.committer
        )
        yield* Effect.forkScoped(committer.run)
        yield* Effect.sleep("1 hour")
        isChanged = true
        yield* Effect.sleep("1100 millis")
        return commits
      }).pipe(Effect.scoped)
      const { exit, steps } = yield* Simulation.run(waits, { process: true })
      assert.deepStrictEqual(exit, Exit.succeed(1))
      assert.isBelow(steps, 300)
    })
  )

  it.effect("writes no transfer as in flight that has its outcome, and tells each outcome before it ends", () =>
    Effect.map(
      Simulation.explore(transfers, {
        process: true,
        seeds: 300,
        invariants: {
          "every target is settled": ({ rows }) => targets.every(({ url }) => rows.get(url) === "settled"),
          "every outcome is told": ({ told }) => assert.deepStrictEqual(told, urls)
        }
      }),
      ({ runs, distinct }) => {
        assert.strictEqual(runs, 300)
        assert.isAbove(distinct, 200)
      }
    )
  )
})
