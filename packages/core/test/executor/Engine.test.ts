import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Engine } from "../../src/executor/Engine.ts"
import type { ExecutorError } from "../../src/executor/ExecutorError.ts"
import { engineOptions, type ExecutorOptions } from "../../src/executor/ExecutorOptions.ts"
import type { Job, JobOptions } from "../../src/executor/Job.ts"
import type { WorkerStatistics } from "../../src/executor/Statistics.ts"
import * as Randomness from "../../src/simulation/Randomness.ts"
import type { Behaviour } from "./SimulatedWorkers.ts"
import { SimulatedWorkers } from "./SimulatedWorkers.ts"
import type { WorkerEvent } from "../../src/WorkerEvent.ts"

interface Submission {
  readonly number: number
  readonly behaviour: Behaviour
  readonly idempotent: boolean
  readonly cancelled: boolean
  settled: number
  released: number
  error?: ExecutorError | undefined
}

/** A program: what is submitted, how the executor is set up, and a seed for the order in which things happen. */
const programs = fc.record({
  seed: fc.integer(),
  maximum: fc.integer({ min: 1, max: 3 }),
  minimum: fc.integer({ min: 0, max: 1 }),
  spare: fc.integer({ min: 0, max: 1 }),
  tasksPerWorker: fc.integer({ min: 1, max: 2 }),
  grace: fc.constantFrom<number>(0, 10),
  capacity: fc.constantFrom(0, 1, 3, Infinity),
  policy: fc.constantFrom("suspend" as const, "fail" as const, "drop" as const),
  recycle: fc.constantFrom(1, 3, Infinity),
  /** Of a hundred workers, how many fail to start. */
  failures: fc.constantFrom(0, 0, 30),
  tasks: fc.array(
    fc.record({
      behaviour: fc.constantFrom<Behaviour>("returns", "returns", "returns", "throws", "crashes", "hangs", "obeys"),
      idempotent: fc.boolean(),
      /** A task that hangs for ever has to be cancelled, the others may be. */
      cancelled: fc.boolean(),
      key: fc.constantFrom(undefined, undefined, "a", "b"),
      priority: fc.integer({ min: 0, max: 2 }),
      /** Of a task of which it is known that most runs of it are short: it is sent ahead, whatever this one does. */
      known: fc.boolean(),
      queueTimeout: fc.constantFrom(undefined, undefined, 5),
      runTimeout: fc.constantFrom(undefined, undefined, 5)
    }),
    { maxLength: 25 }
  ),
  pending: fc.constantFrom("run" as const, "cancel" as const),
  running: fc.constantFrom("wait" as const, "cancel" as const, "kill" as const)
})

/** Holds the events of an engine that is gone to what `WorkerEvent` says of them. */
const assertTold = (events: ReadonlyArray<WorkerEvent>, submitted: number) => {
  const tasks = new Map<number, WorkerEvent["kind"]>()
  const workers = new Map<number, "up" | "gone">()
  for (const event of events) {
    const told = JSON.stringify(event)
    if ("worker" in event && event.worker > 0 && event.kind !== "spawn")
      assert.strictEqual(workers.get(event.worker), "up", told)
    if (event.kind === "spawn") {
      assert.isFalse(workers.has(event.worker), told)
      workers.set(event.worker, "up")
    } else if (event.kind === "exit") workers.set(event.worker, "gone")
    else if (event.task > 0) {
      const before = tasks.get(event.task)
      const allowed: Record<typeof event.kind, ReadonlyArray<string | undefined>> = {
        submit: [undefined],
        dequeue: ["submit", "dequeue"],
        run: ["dequeue"],
        done: ["submit", "dequeue", "run"],
        kill: ["dequeue"]
      }
      assert.include(allowed[event.kind], before, told)
      tasks.set(event.task, event.kind)
    }
  }
  assert.strictEqual(tasks.size, submitted)
  for (const last of tasks.values()) assert.include(["done", "kill"], last)
  for (const state of workers.values()) assert.strictEqual(state, "gone")
}

const play = (program: typeof programs extends fc.Arbitrary<infer A> ? A : never) => {
  const random = Randomness.make(program.seed)
  const world = new SimulatedWorkers()
  const events: Array<WorkerEvent> = []
  const options = engineOptions<number>(
    {
      maximum: program.maximum,
      minimum: Math.min(program.minimum, program.maximum),
      spare: program.spare,
      tasksPerWorker: program.tasksPerWorker,
      grace: program.grace,
      queue: { capacity: program.capacity, policy: program.policy },
      recycle: { tasks: program.recycle },
      // steps take no time here, so waiting would look like a worker that does not start
      bootTimeout: Infinity,
      onEvent: (event) => void events.push(event)
    },
    "simulated",
    1,
    (ms) => ms
  )
  const engine = new Engine(world.spawn, options, world.timers)
  void engine.start().catch(() => {})
  const submissions: Array<Submission> = []
  const jobs: Array<Job> = []
  let next = 0
  const actions = () => {
    const possible = world.steps()
    if (next < program.tasks.length)
      possible.push(() => {
        const { key, priority, known, queueTimeout, runTimeout, behaviour, idempotent, cancelled } =
          program.tasks[next]!
        const submission: Submission = { number: next++, behaviour, idempotent, cancelled, settled: 0, released: 0 }
        submissions.push(submission)
        const job = engine.submit(
          "run",
          engine.entry({ url: "simulated", name: known ? "short" : behaviour }),
          [behaviour, submission.number],
          {
            priority,
            idempotent,
            ...(key !== undefined && { key }),
            ...(queueTimeout !== undefined && { queueTimeoutMs: queueTimeout }),
            ...(runTimeout !== undefined && { runTimeoutMs: runTimeout })
          },
          (error, value) => {
            submission.settled++
            submission.error = error
            if (error === undefined) assert.strictEqual(value, submission.number)
          }
        )
        jobs.push(job)
        if (cancelled || behaviour === "hangs" || behaviour === "obeys")
          world.timers.after(random() < 0.5 ? random() : random() * 30, () =>
            engine.cancel(job, () => submission.released++)
          )
      })
    return possible
  }
  const step = (): boolean => {
    world.failing = random() * 100 < program.failures
    const possible = actions()
    world.settle()
    if (possible.length === 0 || random() < 0.15) return world.advance() || possible.length > 0
    possible[Math.floor(random() * possible.length)]!()
    world.settle()
    return true
  }
  /** `atRest` is called whenever nothing but time can pass. */
  const run = (done: () => boolean, atRest = () => {}) => {
    for (let steps = 0; !done(); steps++) {
      assert.isBelow(steps, 5000, `it goes on for ever: ${JSON.stringify(engine.statistics())}`)
      if (!step() && !done()) assert.fail("nothing can happen any more")
      if (world.steps().length === 0) atRest()
      const { queued, suspended, running, open } = engine.statistics()
      assert.isAtLeast(queued, 0)
      // what was taken back waits elsewhere, and does not run here too
      assert.isAtMost(queued + suspended + running, open)
    }
  }
  /** Shuts it down, and lets happen what may until it is gone. */
  const end = async ({ pending, running }: Pick<typeof program, "pending" | "running">) => {
    let gone = false
    void engine.shutdown({ pending, running }).then(() => (gone = true))
    for (let turns = 0; !gone; turns++) {
      assert.isBelow(turns, 5000, `it does not end: ${JSON.stringify(engine.statistics())}`)
      world.settle()
      const steps = world.steps()
      if (steps.length > 0) steps[Math.floor(random() * steps.length)]!()
      else if (!world.advance()) await new Promise((wake) => setImmediate(wake))
      await Promise.resolve()
    }
  }
  return { engine, world, submissions, events, run, end, ended: () => next === program.tasks.length }
}

describe("an engine, with its workers in any order", () => {
  it("settles and releases every task exactly once, and leaves nothing", async () => {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const { engine, world, submissions, events, run, ended, end } = play(program)
        run(() => ended() && engine.statistics().open === 0)
        for (const { settled, released, cancelled, behaviour } of submissions) {
          assert.strictEqual(settled, 1)
          if (cancelled || behaviour === "hangs" || behaviour === "obeys") assert.isAtMost(released, 1)
        }
        const { submitted, succeeded, failed, queued, suspended } = engine.statistics()
        assert.deepStrictEqual([submitted, queued, suspended], [succeeded + failed, 0, 0])
        await end(program)
        // those that were given up as stuck end in their own time
        for (let steps; (steps = world.steps()).length > 0;) steps[0]!()
        assert.strictEqual(world.live.size, 0)
        assert.strictEqual(world.holds, 0)
        assert.deepStrictEqual(engine.statistics().workers, [])
        assertTold(events, submissions.length)
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })

  it("ends whenever it is shut down, and settles what it had taken", async () => {
    await fc.assert(
      fc.asyncProperty(programs, fc.nat(25), async (program, taken) => {
        const { engine, submissions, run, end, ended, world } = play({ ...program, failures: 0 })
        run(() => ended() || submissions.length >= taken)
        const before = new Set(world.begun)
        const beginning = new Set(world.beginning)
        const open = submissions.filter(({ settled }) => settled === 0)
        await end(program)
        for (const { settled } of submissions) assert.strictEqual(settled, 1)
        for (const { number, error, idempotent } of open) {
          const isShut = error?.reason._tag === "ShutDown"
          // what has begun is `running`, the rest `pending`, wherever it waits; what is run again may wait once more
          if (before.has(number)) assert.isFalse(isShut && program.running === "wait" && !idempotent)
          else if (program.pending === "run")
            assert.isFalse(
              isShut && program.running !== "kill" && !(program.running === "cancel" && beginning.has(number))
            )
          // a worker that was killed just then had begun it, for all that is known
          else if (!(idempotent && beginning.has(number))) assert.notInclude(world.begun, number)
        }
        assert.strictEqual(engine.statistics().open, 0)
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })

  it("lets what runs have what it has submitted, though what is pending is cancelled", async () => {
    await fc.assert(
      fc.asyncProperty(programs, fc.nat(25), async (program, taken) => {
        const { engine, submissions, run, end, ended, world } = play({
          ...program,
          maximum: 2,
          tasksPerWorker: 1,
          failures: 0,
          policy: "suspend",
          tasks: program.tasks.map(({ behaviour, ...task }) => ({
            ...task,
            behaviour: behaviour === "returns" ? "returns" : "asks",
            cancelled: false,
            queueTimeout: undefined,
            runTimeout: undefined
          }))
        })
        // children count
        run(() => ended() || engine.statistics().submitted >= taken)
        const before = new Set(world.begun)
        await end({ pending: "cancel", running: "wait" })
        for (const { number, error } of submissions)
          assert.strictEqual(error?.reason._tag, before.has(number) ? undefined : "ShutDown")
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })

  it("tries once more where a worker does not become ready in time, and then waits until one is wanted", () => {
    const world = new SimulatedWorkers()
    const spawned: Array<number> = []
    const spawn: typeof world.spawn = (...args) => {
      spawned.push(world.now)
      return world.spawn(...args)
    }
    const options = engineOptions<number>({ minimum: 1, maximum: 1, bootTimeout: 1000 }, "simulated", 1, (ms) => ms)
    void new Engine(spawn, options, world.timers).start().catch(() => {})
    for (let tries = 0; tries < 10 && world.advance(); tries++) world.settle()
    assert.deepStrictEqual(spawned, [0, 1000])
  })

  /** One worker; all tasks are runs of the same one, of which it is known that it is short. */
  const short = (grace: number) => {
    const world = new SimulatedWorkers()
    const options = engineOptions<number>({ maximum: 1, grace, bootTimeout: Infinity }, "simulated", 1, (ms) => ms)
    const engine = new Engine(world.spawn, options, world.timers)
    const outcomes: Array<unknown> = []
    const submit = (behaviour: Behaviour, options: JobOptions = {}) => {
      const number = outcomes.push(undefined) - 1
      const task = engine.entry({ url: "simulated", name: "short" })
      return engine.submit("run", task, [behaviour, number], options, (error, value) => {
        outcomes[number] = error?.reason._tag ?? value
      })
    }
    /** A worker's first step is to deliver what it has said, its last to go on with its task. */
    const step = (which: 0 | -1) => {
      world.settle()
      const next = world.steps().at(which)
      next?.()
      world.settle()
      return next !== undefined
    }
    submit("returns")
    while (step(0));
    return { engine, world, outcomes, submit, step }
  }

  it("kills the worker of a task that does not end, though what came before has not been heard of yet", () => {
    for (const grace of [0, 10]) {
      const { engine, world, submit, step } = short(grace)
      submit("returns")
      const hangs = submit("hangs")
      while (!world.begun.includes(2)) step(-1)
      let released = false
      engine.cancel(hangs, () => (released = true))
      // time passes before anything arrives
      for (let timers = 0; timers < 10; timers++) world.advance()
      for (let turns = 0; turns < 100 && !released; turns++) if (!step(0)) world.advance()
      assert.isTrue(released)
    }
  })

  it("bounds how long a task waits on a worker too, where another one is long there", () => {
    const { world, outcomes, submit, step } = short(10)
    submit("hangs")
    submit("returns", { queueTimeoutMs: 50 })
    while (step(0));
    while (world.now < 50) world.advance()
    assert.deepStrictEqual(outcomes, [0, undefined, "QueueTimeout"])
  })

  it("leaves alone what was sent ahead and has begun, however long it had to", () => {
    const { world, outcomes, submit, step } = short(10)
    submit("returns")
    submit("hangs", { queueTimeoutMs: 50 })
    while (step(0));
    while (world.now < 100) world.advance()
    assert.deepStrictEqual(outcomes, [0, 1, undefined])
  })

  it("counts the time of a run from the worker that begins it", () => {
    const { world, outcomes, submit, step } = short(10)
    submit("returns", { runTimeoutMs: 50 })
    for (const { handle } of world.live) handle.kill()
    step(0)
    world.advance()
    while (step(0));
    assert.deepStrictEqual(outcomes, [0, 1])
  })

  /** So many workers that are up. */
  const warm = (maximum: number, given: ExecutorOptions) => {
    const world = new SimulatedWorkers()
    const options = engineOptions<number>({ maximum, bootTimeout: Infinity, ...given }, "simulated", 1, (ms) => ms)
    const engine = new Engine(world.spawn, options, world.timers)
    const goOn = (steps = () => world.steps()) => {
      world.settle()
      for (let step; (step = steps()[0]) !== undefined; world.settle()) step()
    }
    const outcomes: Array<unknown> = []
    const submit = (behaviour: Behaviour, options: JobOptions = {}, name: string = behaviour) => {
      const number = outcomes.push(undefined) - 1
      return engine.submit(
        "run",
        engine.entry({ url: "simulated", name }),
        [behaviour, number],
        options,
        (error, value) => {
          outcomes[number] = error?.reason._tag ?? value
        }
      )
    }
    void engine.warm(maximum)
    goOn()
    return { engine, world, goOn, outcomes, submit }
  }

  it("gives what waited before a full queue to the worker of its key, though that has nothing to do any more", () => {
    const world = new SimulatedWorkers()
    const queue = { capacity: 0, policy: "suspend" as const }
    const options = engineOptions<number>({ maximum: 2, queue, bootTimeout: Infinity }, "simulated", 1, (ms) => ms)
    const engine = new Engine(world.spawn, options, world.timers)
    const goOn = () => {
      world.settle()
      for (let step; (step = world.steps()[0]) !== undefined; world.settle()) step()
    }
    void engine.warm(2)
    goOn()
    const task = engine.entry({ url: "simulated", name: "returns" })
    const done: Array<unknown> = []
    for (const [number, key] of ["a", "b", "b", "a"].entries())
      engine.submit("run", task, ["returns", number], { key }, (error, value) => done.push(error ?? value))
    goOn()
    assert.sameMembers(done, [0, 1, 2, 3])
  })

  it("lets no worker be idle for those that wait for another one, by their keys, before a full queue", () => {
    const { world, goOn, submit } = warm(2, { queue: { capacity: 1 } })
    submit("hangs", { key: "a" })
    submit("returns")
    submit("returns", { key: "a" })
    submit("returns")
    goOn()
    assert.deepStrictEqual(world.begun, [0, 1, 3])
  })

  it("sends nothing ahead of what waits before a full queue", () => {
    const { world, goOn, submit } = warm(1, { queue: { capacity: 0 } })
    submit("returns")
    goOn()
    submit("returns")
    submit("returns", {}, "never run before")
    submit("returns")
    goOn()
    assert.deepStrictEqual(world.begun, [0, 1, 2, 3])
  })

  it("lets nothing into a queue past what waits before it, while a worker starts", () => {
    const { engine, world, goOn, submit } = warm(1, { queue: { capacity: 0 }, grace: 0, tasksPerWorker: 2 })
    const hangs = submit("hangs")
    submit("returns")
    submit("returns")
    submit("returns")
    // until it has begun
    goOn(() => world.steps().slice(0, world.begun.length === 0 ? 1 : 0))
    engine.cancel(hangs, () => {})
    submit("returns")
    goOn()
    assert.deepStrictEqual(world.begun, [0, 1, 2, 3, 4])
  })

  it("has a task run itself what it submits, where the other worker has had its last one", () => {
    const world = new SimulatedWorkers()
    const given = { maximum: 2, recycle: { tasks: 1 }, bootTimeout: Infinity }
    const engine = new Engine(
      world.spawn,
      engineOptions<number>(given, "simulated", 1, (ms) => ms),
      world.timers
    )
    void engine.warm(2)
    // their successors never start
    const workers = [...world.live]
    const done: Array<unknown> = []
    for (const [number, behaviour] of (["returns", "asks"] as const).entries()) {
      const task = engine.entry({ url: "simulated", name: behaviour })
      engine.submit("run", task, [behaviour, number], {}, (error, value) => done.push(error ?? value))
      world.settle()
      for (let step; (step = workers.flatMap((worker) => worker.steps())[0]) !== undefined; world.settle()) step()
    }
    assert.deepStrictEqual(done, [0, 1])
  })

  it("has a task run itself what it submits, where another waits for the worker that one was taken back from", () => {
    const { engine, world, goOn, submit, outcomes } = warm(2, { queue: { capacity: 1, policy: "fail" } })
    const [first] = [...world.live]
    submit("asks")
    const unwanted = submit("returns")
    submit("returns")
    engine.cancel(unwanted, () => {})
    goOn(() => first!.steps())
    goOn()
    assert.deepStrictEqual(outcomes, [0, "Cancelled", 2])
  })

  it("gives a task to the worker that one was taken back from, not behind what another one runs", () => {
    const { engine, world, goOn, submit } = warm(2, {})
    submit("returns")
    goOn()
    submit("hangs", {}, "returns")
    engine.cancel(submit("returns"), () => {})
    submit("returns")
    goOn()
    assert.deepStrictEqual(world.begun, [0, 1, 3])
  })

  it("has room for a task without a queue, however many were taken back from the worker before", () => {
    const { engine, goOn, submit, outcomes } = warm(1, { queue: { capacity: 0, policy: "fail" } })
    for (let cancelled = 0; cancelled < 100; cancelled++) engine.cancel(submit("returns"), () => {})
    submit("returns")
    submit("returns")
    goOn()
    assert.deepStrictEqual(outcomes.slice(100), [100, "QueueFull"])
  })

  it("runs what waits before a full queue, though it was shut down and the only worker crashed then", async () => {
    const task = {
      idempotent: false,
      cancelled: false,
      key: undefined,
      priority: 0,
      known: false,
      queueTimeout: undefined,
      runTimeout: undefined
    }
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const { engine, run, end, submissions } = play({
          ...program,
          maximum: 1,
          minimum: 0,
          spare: 0,
          capacity: 0,
          policy: "suspend",
          failures: 0,
          tasks: [
            { ...task, behaviour: "crashes" },
            { ...task, behaviour: "returns" }
          ]
        })
        run(() => submissions.length === 2)
        await end({ pending: "run", running: "wait" })
        const { open, succeeded } = engine.statistics()
        assert.deepStrictEqual([open, succeeded], [0, 1])
      }),
      { numRuns: 50 }
    )
  })

  it("fails innocent tasks never: a crash takes only what ran there", async () => {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const { submissions, run, ended, engine } = play({
          ...program,
          tasksPerWorker: 1,
          failures: 0,
          policy: "suspend"
        })
        run(() => ended() && engine.statistics().open === 0)
        for (const { behaviour, error, cancelled } of submissions) {
          if (cancelled || error === undefined || error.reason._tag === "QueueTimeout") continue
          const { _tag } = error.reason
          const expected = {
            returns: ["RunTimeout"],
            throws: ["TaskFailed", "RunTimeout"],
            crashes: ["WorkerCrashed", "PoisonTask", "RunTimeout"],
            hangs: ["Cancelled", "RunTimeout"],
            obeys: ["Cancelled", "RunTimeout"],
            asks: ["RunTimeout"]
          }[behaviour]
          assert.include(expected, _tag)
        }
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })

  it("lets no task wait beside a worker that is free", async () => {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const { run, ended, engine } = play({
          ...program,
          tasksPerWorker: 1,
          // a task whose key is bound waits for its own worker
          tasks: program.tasks.map((task) => ({ ...task, key: undefined }))
        })
        const isFree = ({ state, holds, tasks }: WorkerStatistics) =>
          state === "ready" && holds === 0 && tasks < program.recycle
        run(
          () => ended() && engine.statistics().open === 0,
          () => {
            const { queued, workers } = engine.statistics()
            if (queued > 0) assert.deepStrictEqual(workers.filter(isFree), [])
          }
        )
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })

  it("lets none overtake another, wherever they wait", async () => {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const { run, ended, engine, world } = play({
          ...program,
          maximum: 1,
          failures: 0,
          recycle: Infinity,
          policy: "suspend",
          // what a killed worker had comes back behind what its successor has begun
          grace: Infinity,
          tasks: program.tasks.map((task) => ({ ...task, behaviour: "returns", key: undefined, priority: 0 }))
        })
        run(() => ended() && engine.statistics().open === 0)
        assert.deepStrictEqual(
          world.begun,
          world.begun.toSorted((one, other) => one - other)
        )
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })

  it("runs a task once, or again only if it is idempotent and its worker died", async () => {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const { submissions, run, ended, engine, world } = play({ ...program, tasksPerWorker: 1, failures: 0 })
        run(() => ended() && engine.statistics().open === 0)
        for (const { number, idempotent, error, behaviour } of submissions) {
          const times = world.begun.filter((other) => other === number).length
          if (!idempotent) assert.isAtMost(times, 1)
          if (error === undefined) assert.isAtLeast(times, 1)
          if (behaviour === "crashes") assert.isAtMost(times, 3)
        }
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })
})
