/**
 * CPU work away from the fibers: tasks run on threads, processes or, for tests and
 * small things, in this thread. One contract, three layers:
 *
 * | layer | workers | isolates | kills |
 * |---|---|---|---|
 * | `ThreadExecutor.layer` | threads | heap | yes |
 * | `ProcessExecutor.layer` | processes | heap, crashes, environment, permissions | yes |
 * | `Executor.layerInline` | this thread | nothing | no |
 *
 * 1. Every task that is submitted ends once: with its result, or with one
 *    `ExecutorError` whose reason says why not.
 * 2. Interrupting a fiber cancels its task: taken out of the queue, or asked to end
 *    (`context.signal`, `context.cancelled()`), or, after the grace period, its worker is
 *    killed and replaced. The interruption ends when no worker has the task.
 * 3. What a crash or a kill takes with it is the task that ran there, and no other.
 * 4. When the scope closes waiting tasks are failed, running ones cancelled, and no
 *    worker is left.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ContextOf, ErrorOf, ItemOf, Source } from "./Concurrently.ts"
import { Deadline } from "./Deadline.ts"
import { Engine } from "./executor/Engine.ts"
import type { ExecutorError } from "./executor/ExecutorError.ts"
import type { ExecutorOptions, ShutdownChoice, SubmitOptions } from "./executor/ExecutorOptions.ts"
import { engineOptions, jobOptions, submitNames } from "./executor/ExecutorOptions.ts"
import { recordMetrics } from "./executor/ExecutorMetrics.ts"
import { inlineSpawn } from "./executor/InlineWorker.ts"
import type { Job } from "./executor/Job.ts"
import type { Chunk, MapOptions } from "./executor/MapRun.ts"
import { mapNames, MapRun } from "./executor/MapRun.ts"
import type { OptionNames } from "./executor/OptionNames.ts"
import type { SubmitSite } from "./executor/SubmitSite.ts"
import { submitSite } from "./executor/SubmitSite.ts"
import type { ExecutorStatistics } from "./executor/Statistics.ts"
import type { Spawn } from "./executor/WorkerHandle.ts"
import { openedStream } from "./OpenedStream.ts"
import type { StreamTask, Task } from "./Task.ts"

export type { MapOptions } from "./executor/MapRun.ts"
export type { ExecutorStatistics, WorkerStatistics } from "./executor/Statistics.ts"
export * from "./executor/ExecutorError.ts"

/** As `SubmitOptions`, and: */
export interface EffectSubmitOptions extends SubmitOptions<Duration.Input> {
  /** An interruption does not wait until the worker is free. */
  readonly detach?: boolean
}

const effectSubmitNames: OptionNames<EffectSubmitOptions> = { ...submitNames, detach: true }

/** What an executor does. An interruption cancels the task, and ends when no worker has it any more. */
export interface ExecutorShape {
  /** Runs a task. Fails with `ExecutorError`; what the task threw is `reason.error` of a `TaskFailed`. */
  readonly submit: <Parameters extends ReadonlyArray<unknown>, A>(
    task: Task<Parameters, A>,
    parameters: Parameters,
    options?: EffectSubmitOptions
  ) => Effect.Effect<A, ExecutorError>
  /** Runs a generator. It is at most 32 values ahead of the reader, and is returned when the stream is left. */
  readonly stream: <Parameters extends ReadonlyArray<unknown>, A>(
    task: StreamTask<Parameters, A>,
    parameters: Parameters,
    options?: EffectSubmitOptions
  ) => Stream.Stream<A, ExecutorError>
  /** Runs a task for each item, in chunks; results in the order of the source. The first failure ends it and names its `item`. */
  readonly map: <S extends Source<any, any, any>, B>(
    source: S,
    task: Task<readonly [ItemOf<S>], B>,
    options?: MapOptions
  ) => Stream.Stream<B, ErrorOf<S> | ExecutorError, ContextOf<S>>
  /** The same in order of completion, each result with the index of its item. */
  readonly mapUnordered: <S extends Source<any, any, any>, B>(
    source: S,
    task: Task<readonly [ItemOf<S>], B>,
    options?: MapOptions
  ) => Stream.Stream<readonly [index: number, value: B], ErrorOf<S> | ExecutorError, ContextOf<S>>
  /** Waits until `workers` (at most `maximum`) are ready, setup and modules included. */
  readonly warm: (workers: number) => Effect.Effect<void, ExecutorError>
  /** Waits until no task is left. */
  readonly drain: Effect.Effect<void>
  /** Ends the executor before its scope does. By default everything submitted is still run. */
  readonly shutdown: (options?: ShutdownChoice<Duration.Input>) => Effect.Effect<void>
  readonly statistics: Effect.Effect<ExecutorStatistics>
  /** Statistics now and again after each `interval`. */
  readonly statisticsEvery: (interval: Duration.Input) => Stream.Stream<ExecutorStatistics>
}

/** The executor in force. Several in one program: give each a service of its own, made by `make`. */
export class Executor extends Context.Service<Executor, ExecutorShape>()("@simul/core/Executor") {
  /** Tasks run in this thread, after a turn of its loop; nothing can be killed. For tests, and where workers would not pay. */
  static readonly layerInline = (options?: ExecutorOptions<Duration.Input>): Layer.Layer<Executor, ExecutorError> =>
    Layer.effect(Executor, make(inlineSpawn, options, "inline", 1))
}

/**
 * An executor over workers that `spawn` starts, until the scope closes. Fails if an option is wrong or the first worker
 * cannot start.
 */
export const make = (
  spawn: Spawn,
  options: ExecutorOptions<Duration.Input> | undefined,
  kind: string,
  maximum: number
): Effect.Effect<ExecutorShape, ExecutorError, Scope.Scope> =>
  Effect.gen(function* () {
    const engine = yield* Effect.acquireRelease(
      Effect.try({
        try: () => new Engine(spawn, engineOptions(options, kind, maximum, Duration.toMillis)),
        catch: (error) => error as ExecutorError
      }),
      (engine) => Effect.promise(() => engine.shutdown({ pending: "cancel", running: "cancel" }))
    )
    yield* promised(() => engine.start())
    yield* recordMetrics(engine)
    return shapeOf(engine)
  })

const promised = <A>(call: () => Promise<A>): Effect.Effect<A, ExecutorError> =>
  Effect.tryPromise({ try: call, catch: (error) => error as ExecutorError })

/** Cancels a job, and waits until no worker has it, unless it is detached. */
const cancelled = (engine: Engine, job: Job, options: EffectSubmitOptions | undefined): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    engine.cancel(job, () => resume(Effect.void))
    if (options?.detach === true) resume(Effect.void)
  })

// generators of the module, not of each call: V8 makes three hidden classes for each that is made, and these keep alive
// what it sees until the next full collection

const openStream = Effect.fnUntraced(function* (
  engine: Engine,
  task: StreamTask<any, any>,
  parameters: ReadonlyArray<unknown>,
  options: EffectSubmitOptions | undefined,
  site: SubmitSite
) {
  const deadline = yield* Deadline
  const fiber = yield* Effect.fiberId
  const values = yield* Queue.unbounded<any, ExecutorError | Cause.Done>()
  const job = yield* Effect.acquireRelease(
    Effect.sync(() =>
      engine.submit(
        "stream",
        engine.entry(task),
        parameters,
        jobOptions(options, effectSubmitNames, Duration.toMillis, site, deadline),
        (error) => {
          if (error === undefined) Queue.endUnsafe(values)
          else Queue.failCauseUnsafe(values, Cause.fail(error))
        },
        { onItem: (value) => Queue.offerUnsafe(values, value), fiber }
      )
    ),
    (job) => cancelled(engine, job, options)
  )
  let taken = 0
  const pull = Effect.suspend(() => {
    // values count until the reader comes back for more
    if (taken > 0) engine.credit(job, taken)
    taken = 0
    return Effect.map(Queue.takeAll(values), (chunk) => {
      taken = chunk.length
      return chunk
    })
  })
  return pull as Pull.Pull<[any, ...Array<any>], ExecutorError>
})

const openMap = Effect.fnUntraced(function* <B>(
  engine: Engine,
  source: Source<any, any, any>,
  task: Task<any, B>,
  ordered: boolean,
  options: MapOptions | undefined,
  site: SubmitSite,
  arrange: (chunk: Chunk<B>) => ReadonlyArray<unknown>
) {
  let failure: Cause.Cause<unknown> | undefined
  const iterable = Stream.isStream(source)
    ? yield* Stream.toAsyncIterableEffect(
        Stream.catchCause(source, (cause) => {
          failure = cause
          return Stream.fail(cause)
        })
      )
    : (source as Iterable<unknown>)
  const run = yield* Effect.acquireRelease(
    Effect.try({
      try: () => new MapRun<B>(engine, iterable, task, ordered, options, mapNames, site, Stream.isStream(source)),
      catch: (error) => error as ExecutorError
    }),
    (run) => Effect.promise(() => run.close())
  )
  const pull = Effect.matchCauseEffect(
    Effect.promise(() => run.next()),
    {
      // a chunk of results is one of the stream, which has no empty ones either
      onSuccess: (chunk) =>
        chunk === undefined ? Cause.done() : Effect.succeed(arrange(chunk) as NonEmptyReadonlyArray<never>),
      onFailure: (cause) => {
        const error = Cause.squash(cause)
        if (failure !== undefined && !isExecutorError(error)) return Effect.failCause(failure)
        return isExecutorError(error) ? Effect.fail(error) : Effect.failCause(cause)
      }
    }
  )
  return pull
})

const shapeOf = (engine: Engine): ExecutorShape => {
  const map = <S extends Source<any, any, any>, B>(
    source: S,
    task: Task<any, B>,
    ordered: boolean,
    options: MapOptions | undefined,
    site: SubmitSite,
    arrange: (chunk: Chunk<B>) => ReadonlyArray<unknown>
  ): Stream.Stream<never, any, any> => openedStream(openMap(engine, source, task, ordered, options, site, arrange))

  return {
    submit: (task, parameters, options) => {
      const site = submitSite()
      return Effect.withFiber((fiber) =>
        Effect.callback((resume) => {
          const job = engine.submit(
            "run",
            engine.entry(task),
            parameters,
            jobOptions(options, effectSubmitNames, Duration.toMillis, site, fiber.getRef(Deadline)),
            (error, value) => resume(error === undefined ? Effect.succeed(value as never) : Effect.fail(error)),
            engine.options.onEvent && { fiber: fiber.id }
          )
          return cancelled(engine, job, options)
        })
      )
    },
    stream: (task, parameters, options) => openedStream(openStream(engine, task, parameters, options, submitSite())),
    map: (source, task, options) => map(source, task, true, options, submitSite(), ({ values }) => values),
    mapUnordered: (source, task, options) =>
      map(source, task, false, options, submitSite(), ({ first, values }) =>
        values.map((value, index) => [first + index, value])
      ),
    warm: (workers) => promised(() => engine.warm(workers)),
    drain: Effect.promise(() => engine.drain()),
    shutdown: (choice) =>
      Effect.promise(() => {
        const deadline = choice?.deadline
        return engine.shutdown({ ...choice, deadline: deadline == null ? undefined : Duration.toMillis(deadline) })
      }),
    statistics: Effect.sync(() => engine.statistics()),
    statisticsEvery: (interval) =>
      Stream.concat(
        Stream.sync(() => engine.statistics()),
        Stream.map(Stream.fromSchedule(Schedule.spaced(interval)), () => engine.statistics())
      )
  }
}

const isExecutorError = (error: unknown): error is ExecutorError =>
  (error as ExecutorError | undefined)?._tag === "ExecutorError"
