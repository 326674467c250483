/** Coroutine, event loop, future: the smallest ones that work, stepped by hand, beside Effect's fibers doing the same. */
import * as Coroutine from "@simul/core/Coroutine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

const parameters = {
  tasks: Parameter.whole("tasks that sleep", { default: 4, minimum: 2, maximum: 20 }),
  sleep: Parameter.number("how long each sleeps", { default: 100, minimum: 20, maximum: 2000, unit: "ms" })
}

/** What a coroutine asks of the loop when it yields. */
type Request = { readonly sleepMs: number } | { readonly future: "meal" } | { readonly resolved: "meal" }
type Task = Coroutine.Coroutine<Request, void>

/** An event loop: who is ready, whose timer runs, who is parked at which future. Gives what it looked like at each step. */
const loop = (tasks: ReadonlyArray<Task>): { readonly order: Array<string>; readonly steps: Array<string> } => {
  const ready = [...tasks]
  const timers: Array<{ readonly at: number; readonly task: Task }> = []
  const parked: Array<{ readonly future: string; readonly task: Task }> = []
  const order: Array<string> = []
  const steps: Array<string> = []
  let now = 0
  while (ready.length > 0 || timers.length > 0) {
    const names = (tasks: ReadonlyArray<Task>) => tasks.map(({ name }) => name).join(" ")
    const sleeping = timers.map(({ at, task }) => `${task.name}@${at}`).join(" ")
    const waiting = parked.map(({ future, task }) => `${task.name}: ${future}`).join(" ")
    steps.push(`${now} ms  ready [${names(ready)}]  timers [${sleeping}]  parked [${waiting}]`)
    const task = ready.shift()
    if (task === undefined) {
      // nobody can run: time passes until the next timer
      timers.sort((one, other) => one.at - other.at)
      const due = timers.shift()!
      now = due.at
      ready.push(due.task)
      continue
    }
    order.push(task.name)
    const { done, value } = task.send()
    if (done === true || value === undefined) continue
    if ("sleepMs" in value) timers.push({ at: now + value.sleepMs, task })
    else if ("future" in value) parked.push({ future: value.future, task })
    else {
      ready.push(task, ...parked.splice(0).map(({ task }) => task))
    }
  }
  return { order, steps }
}

/** The tasks of the small loop: `cook` makes what `guest` waits for, `clock` has nothing to do with them. */
const tasks = (): ReadonlyArray<Task> => [
  Coroutine.make(function* (): Generator<Request, void> {
    yield { future: "meal" }
  }, "guest"),
  Coroutine.make(function* (): Generator<Request, void> {
    yield { sleepMs: 20 }
    yield { resolved: "meal" }
  }, "cook"),
  Coroutine.make(function* (): Generator<Request, void> {
    yield { sleepMs: 10 }
    yield { sleepMs: 20 }
  }, "clock")
]

/** The same with fibers: each says its name when it goes on. */
const fibers = Effect.gen(function* () {
  const order: Array<string> = []
  const meal = yield* Deferred.make<void>()
  const on = (name: string) => Effect.sync(() => order.push(name))
  const guest = Effect.gen(function* () {
    yield* on("guest")
    yield* Stage.during("guest", "waiting", Deferred.await(meal), "meal")
    yield* on("guest")
  })
  const cook = Effect.gen(function* () {
    yield* on("cook")
    yield* Stage.during("cook", "sleeping", Effect.sleep(20))
    yield* on("cook")
    yield* Deferred.succeed(meal, undefined)
  })
  const clock = Effect.gen(function* () {
    yield* on("clock")
    yield* Stage.during("clock", "sleeping", Effect.sleep(10))
    yield* on("clock")
    yield* Stage.during("clock", "sleeping", Effect.sleep(20))
    yield* on("clock")
  })
  yield* Effect.all([Stage.lane("guest", guest), Stage.lane("cook", cook), Stage.lane("clock", clock)], {
    concurrency: "unbounded"
  })
  return order
})

const names = (count: number) => Array.from({ length: count }, (_, index) => `task ${index + 1}`)

export const definitions = Scenario.make({
  name: "definitions",
  title: "Coroutine, event loop, future, task",
  question: {
    text: ({ tasks, sleep }) =>
      `One task awaits ${tasks} coroutines that sleep ${sleep} ms, one after the other in its text. How long?`,
    answer: "awaited"
  },
  parameters,
  theory: ({ tasks, sleep }) => ({
    states: {
      what: "a coroutine's life",
      formula: "PEP 342",
      value: "created, suspended, suspended, closed"
    },
    ran: { what: "its body before the first step", formula: "calling it runs nothing", value: 0, unit: "lines" },
    order: {
      what: "who went on, in the small loop",
      formula: "first ready, first run",
      value: "guest cook clock clock cook cook guest clock"
    },
    same: {
      what: "and with fibers",
      formula: "the same but cook's second turn",
      value: "guest cook clock clock cook guest clock"
    },
    awaited: { what: "awaited one by one", formula: "the sum", value: tasks * sleep, unit: "ms", real: 0.2 },
    forked: { what: "each a task of its own", formula: "the longest", value: sleep, unit: "ms", real: 0.3 },
    fibersAwaited: { what: "fibers made by await", formula: "0", value: 0 },
    fibersForked: { what: "fibers made by fork", formula: "one a task", value: tasks }
  }),
  lasts: ({ tasks, sleep }) => 30 + (tasks + 1) * sleep,
  program: Effect.fnUntraced(function* ({ tasks: count, sleep }) {
    let lines = 0
    const body = function* () {
      lines++
      yield 1
      lines++
      yield 2
      lines++
    }
    const coroutine = Coroutine.make(body)
    const ran = lines
    const states: Array<string> = [coroutine.state]
    while (coroutine.state !== "closed") {
      coroutine.send()
      states.push(coroutine.state)
    }

    const { order, steps } = loop(tasks())
    const same = yield* Stage.variant(
      "an event loop: who is ready, who sleeps, who is parked at a future",
      Effect.gen(function* () {
        for (const step of steps) yield* Stage.say("loop", step)
        return yield* fibers
      })
    )

    let started = 0
    const awaiting = Effect.withFiber((fiber) => Effect.succeed(fiber.id))
    const sleeper = (lane: string, id: number) =>
      Stage.lane(
        lane,
        Effect.gen(function* () {
          if ((yield* awaiting) !== id) started++
          yield* Stage.during(lane, "sleeping", Effect.sleep(sleep))
        })
      )
    const timed = (title: string, concurrency: 1 | "unbounded") =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          started = 0
          const id = yield* awaiting
          yield* Effect.forEach(names(count), (lane) => sleeper(lane, id), { concurrency, discard: true })
          return { ms: yield* Stage.now, started }
        })
      )
    const awaited = yield* timed("awaited one by one", 1)
    const forked = yield* timed("each a task of its own", "unbounded")
    return {
      states: states.join(", "),
      ran,
      order: order.join(" "),
      same: same.join(" "),
      awaited: awaited.ms,
      forked: forked.ms,
      fibersAwaited: awaited.started,
      fibersForked: forked.started
    }
  }),
  prose: (_, { awaited, forked, fibersForked }) => [
    "A coroutine is a function that can stop in the middle and be sent on; Python has marked them with `async` since 3.5 (PEP 492). Nothing happens to one by itself: of its 3 lines none had run before the first step.",
    "An event loop is a list of who is ready, a list of timers, and who is parked at which future. It runs whoever was ready first until that one yields; only when nobody is ready does it wait for the next timer.",
    `Awaiting is not starting: awaited one by one the sleeps took ${awaited.toFixed(0)} ms, in one fiber. Started as ${fibersForked} tasks they took ${forked.toFixed(0)} ms.`
  ],
  corrections: [
    {
      says: "coroutines are typically created by the event loop",
      is: "calling the function creates one, and runs 0 lines of it; the loop only drives tasks"
    },
    {
      says: "a future is created as soon as the loop initiates a coroutine, and `await` creates one",
      is: "a task is a future; a coroutine that is awaited runs in place, 0 futures and 0 fibers are made"
    },
    {
      says: "if this coroutine is a blocking function the flow is released back",
      is: "a blocking call blocks the loop (see block-the-loop: 400 ms). Only awaiting what does not block lets others run"
    }
  ]
})
