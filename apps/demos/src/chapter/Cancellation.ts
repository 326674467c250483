/** A tree of fibers that is interrupted at its root: what is given back, in which order, and who may go on for a while. */
import { graceMs, Machine } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

const parameters = {
  branches: Parameter.whole("branches of the tree", { default: 3, minimum: 1, maximum: 8 }),
  leaves: Parameter.whole("leaves of each", { default: 2, minimum: 1, maximum: 5 }),
  at: Parameter.number("when the root is interrupted", { default: 200, minimum: 100, maximum: 2000, unit: "ms" }),
  shielded: Parameter.number("how long the shielded leaf goes on after that", {
    default: 80,
    minimum: 10,
    maximum: 1000,
    unit: "ms"
  })
}

const kinds = ["file", "lock", "socket"]

export const cancellation = Scenario.make({
  name: "cancellation",
  title: "Interrupting a tree: everything is given back, in reverse",
  question: {
    text: ({ branches, leaves }) =>
      `${branches * leaves} fibers hold 3 resources each when the root is interrupted. How many are left afterwards?`,
    answer: "left"
  },
  parameters,
  theory: ({ branches, leaves, at, shielded }) => ({
    acquired: { what: "resources acquired", formula: "3 a leaf", value: 3 * branches * leaves },
    left: { what: "not given back", formula: "0", value: 0 },
    order: { what: "each leaf gives back", formula: "in reverse", value: "socket lock file" },
    stop: {
      what: "the interruption took",
      formula: "what is shielded",
      value: shielded,
      unit: "ms",
      real: 0.4
    },
    late: { what: "leaves that went on after it", formula: "the shielded one", value: 1 },
    when: { what: "everything was over at", formula: "at + shielded", value: at + shielded, unit: "ms", real: 0.2 },
    asks: {
      what: "CPU work that asks, stopped in",
      formula: "a look at a word of shared memory",
      value: 50,
      unit: "ms",
      is: "at most",
      real: 1
    },
    ignores: {
      what: "CPU work that ignores it, killed in",
      formula: "grace, then the worker is replaced",
      value: graceMs,
      unit: "ms",
      is: "at least",
      real: 0.1
    }
  }),
  lasts: ({ at, shielded }) => at + shielded + 2 * graceMs,
  program: Effect.fnUntraced(function* ({ branches, leaves, at, shielded }) {
    const machine = yield* Machine
    const tree = yield* Stage.variant(
      "interrupted at its root",
      Effect.gen(function* () {
        let acquired = 0
        let released = 0
        let late = 0
        /** All leaves hold all: time counts from here, however long the machine takes to come to it. */
        const holding = yield* Deferred.make<void>()
        /** The shielded leaf counts from here: a root that is interrupted late would find it nearly done. */
        const interrupted = yield* Deferred.make<void>()
        const orders = new Set<string>()
        const leaf = (name: string, isShielded: boolean) =>
          Stage.lane(
            name,
            Effect.gen(function* () {
              const given: Array<string> = []
              const hold = Effect.gen(function* () {
                for (const kind of kinds)
                  yield* Effect.acquireRelease(
                    Effect.sync(() => acquired++),
                    () =>
                      Effect.sync(() => {
                        released++
                        given.push(kind)
                      })
                  )
                if (acquired === kinds.length * branches * leaves) yield* Deferred.succeed(holding, undefined)
                if (!isShielded) return yield* Stage.during(name, "sleeping", Effect.never)
                const goOn = Effect.andThen(Deferred.await(interrupted), Effect.sleep(shielded))
                const write = Stage.during(name, "running", goOn)
                yield* Effect.uninterruptible(
                  Effect.andThen(
                    write,
                    Effect.sync(() => late++)
                  )
                )
              })
              return yield* Effect.onExit(Effect.scoped(hold), () => Effect.sync(() => orders.add(given.join(" "))))
            })
          )
        const branch = (index: number) =>
          Effect.forEach(
            Array.from({ length: leaves }, (_, leaf) => leaf),
            (number) => leaf(`leaf ${index + 1}.${number + 1}`, index === 0 && number === 0),
            { concurrency: "unbounded", discard: true }
          )
        const root = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: branches }, (_, index) => index),
            branch,
            { concurrency: "unbounded", discard: true }
          )
        )
        yield* Deferred.await(holding)
        const held = yield* Stage.now
        yield* Effect.sleep(at)
        // where the loop was held up its timers count from before that, until it has turned
        yield* Effect.yieldNow
        const began = yield* Stage.now
        yield* Deferred.succeed(interrupted, undefined)
        yield* Fiber.interrupt(root)
        const when = (yield* Stage.now) - held
        return { acquired, left: acquired - released, order: [...orders].join(" | "), stop: when - began, late, when }
      })
    )
    const stopped = yield* machine.withWorkers("threads", { workers: 1, cores: 1 }, ({ stop }) =>
      Stage.variant(
        "CPU work that is interrupted",
        Effect.all({
          asks: Stage.during("asks", "worker", stop("asks")),
          ignores: Stage.during("ignores", "worker", stop("ignores"))
        })
      )
    )
    return { ...tree, ...stopped }
  }),
  prose: (_, { acquired, left, stop, asks, ignores }) => [
    `Of ${acquired} resources ${left} were left, however deep the tree. Each leaf gave back the last thing first, as stacked try and finally would. \`interrupt\` came back after ${stop.toFixed(0)} ms: it waits for whoever may not be disturbed, so what follows it can rely on the end.`,
    `CPU work hears nothing until it asks. On a worker a task that asks was gone in ${asks.toFixed(1)} ms; one that does not lost its worker after ${ignores.toFixed(0)} ms, of which ${graceMs} are grace. Python's \`threading\` has no call that stops a thread.`
  ],
  model: `a task that asks notices within 3 ms; a worker is killed after a grace of ${graceMs} ms.`
})
