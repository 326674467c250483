/**
 * What a run makes is gone with the next collection of what is young. What is seen by a function that it writes into a
 * property, or by a generator function that it makes, V8 keeps until the next full one, and copies it meanwhile.
 */
import { getHeapSpaceStatistics } from "node:v8"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { asCompleted, mapBounded } from "../src/Concurrently.ts"
import { cooperate } from "../src/Cooperate.ts"
import * as Deadline from "../src/Deadline.ts"
import { Executor } from "../src/Executor.ts"
import { raceStaggered } from "../src/StaggeredRace.ts"
import * as Task from "../src/Task.ts"
import * as TaskGroup from "../src/TaskGroup.ts"
import { waitFor } from "../src/WaitFor.ts"
import { collect } from "./collect.ts"
import type * as Work from "./tasks/work.task.ts"

const { increment, upTo } = Task.module<typeof Work>(new URL("./tasks/work.task.ts", import.meta.url))
const child = Effect.yieldNow
const runs = 500

const programs: Record<string, (executor: Executor["Service"]) => Effect.Effect<unknown, unknown>> = {
  "TaskGroup.run": () => TaskGroup.run((group) => group.spawn(child, { name: "child" }), { limit: 1 }),
  "TaskGroup.start": () => TaskGroup.run((group) => group.start((ready) => Effect.andThen(child, ready(1)))),
  mapBounded: () => Stream.runDrain(mapBounded([1, 2, 3], () => child, { concurrency: 2 })),
  "mapBounded, ordered": () => Stream.runDrain(mapBounded([1, 2, 3], () => child, { concurrency: 2, ordered: true })),
  asCompleted: () => Stream.runDrain(asCompleted([child, child])),
  waitFor: () => Effect.flatMap(Effect.forkChild(child), (fiber) => waitFor([fiber], "all")),
  raceStaggered: () => raceStaggered([Effect.andThen(child, Effect.fail("lost")), child], "1 minute"),
  "Deadline.within": () => Deadline.within(child, "1 minute"),
  cooperate: () =>
    cooperate(function* () {
      yield
    }),
  "Executor.submit": (executor) => executor.submit(increment, [1]),
  "Executor.map": (executor) => Stream.runDrain(executor.map([1, 2, 3], increment)),
  "Executor.stream": (executor) => Stream.runDrain(executor.stream(upTo, [3]))
}

const oldBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")!.space_used_size

describe("what a run makes is gone with the next collection of what is young", () => {
  for (const [name, program] of Object.entries(programs))
    it(`of ${name}`, () =>
      Effect.gen(function* () {
        const repeat = Effect.repeat(program(yield* Executor), { times: runs - 1 })
        // what is compiled, and learnt of types, stays
        yield* repeat
        collect()
        const before = oldBytes()
        yield* repeat
        collect({ type: "minor" })
        collect({ type: "minor" })
        // a closure that is kept, with what it sees, is 800 bytes and more
        assert.isBelow((oldBytes() - before) / runs, 400)
      }).pipe(Effect.provide(Executor.layerInline()), Effect.runPromise))
})
