/**
 * Work on many items at once, pulled by demand.
 *
 * Effect's concurrent `forEach` copies the whole iterable before it starts, and
 * a `Stream` pulls chunks ahead; here an item is pulled only when a place for
 * it is free, so a source may be endless and a list larger than memory.
 *
 * 1. An item holds its place from the pull until its result was taken (or, with
 *    `forEachBounded`, until its effect ended).
 * 2. Hence never more than `concurrency` items are between source and consumer.
 * 3. The source is pulled by one fiber at a time.
 */
import * as Effect from "effect/Effect"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { openedStream } from "./OpenedStream.ts"

/** Where items come from. An error or a throw of an iterable dies. */
export type Source<A, E = never, R = never> = Iterable<A> | AsyncIterable<A> | Stream.Stream<A, E, R>

/** The items, errors and requirements of a source. */
export type ItemOf<S> =
  S extends Stream.Stream<infer A, any, any> ? A : S extends Iterable<infer A> | AsyncIterable<infer A> ? A : never
/** What a source may fail with: nothing where it is an iterable. */
export type ErrorOf<S> = S extends Stream.Stream<any, infer E, any> ? E : never
/** The services that a source needs. */
export type ContextOf<S> = S extends Stream.Stream<any, any, infer R> ? R : never

/** Takes the next item; fails with `Cause.Done` at the end. */
export type Next<A, E = never, R = never> = Effect.Effect<A, E | Cause.Done, R>

/** Without types there may be no options at all. */
const checkConcurrency = (options: { readonly concurrency: number } | undefined) => {
  const concurrency = options?.concurrency
  if (!(Number.isInteger(concurrency) && concurrency! >= 1))
    throw new RangeError(`concurrency must be a whole number of at least 1, got ${concurrency}`)
}

/**
 * Opens a source for one item at a time. Its iterator is returned when the scope closes, which waits for that, except
 * where an item is under way still: a generator returns after it only, and it may never come.
 */
export const nextOf = <S extends Source<any, any, any>>(
  source: S
): Effect.Effect<Next<ItemOf<S>, ErrorOf<S>, ContextOf<S>>, never, ContextOf<S> | Scope.Scope> =>
  Stream.isStream(source) ? (nextOfStream(source) as never) : (nextOfIterable(source as Iterable<ItemOf<S>>) as never)

const nextOfIterable = <A>(source: Iterable<A> | AsyncIterable<A>): Effect.Effect<Next<A>, never, Scope.Scope> => {
  // a string is an iterable, and no object
  const iterable: Iterable<A> | AsyncIterable<A> = Object(source)
  const isAsync = !(Symbol.iterator in iterable)
  if (isAsync && !(Symbol.asyncIterator in iterable))
    throw new TypeError(
      `the source must be an Iterable, an AsyncIterable or a Stream, got ${String(source as unknown)}`
    )
  const iterator = isAsync ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]()
  /** It has ended or thrown: as by a loop, nothing is asked of it any more. */
  let isOver = false
  let underWay = 0
  const take = () => {
    isOver = true // it may throw
    const result = (iterator as Iterator<A>).next()
    isOver = result.done === true
    return result
  }
  const arrive = async () => {
    underWay++
    try {
      const result = await iterator.next()
      isOver ||= result.done === true
      return result
    } catch (error) {
      isOver = true
      throw error
    } finally {
      underWay--
    }
  }
  const itemOf = (result: IteratorResult<A>): Next<A> => (result.done ? Cause.done() : Effect.succeed(result.value))
  const next: Next<A> = Effect.suspend(() => {
    if (isOver) return Cause.done()
    return isAsync ? Effect.flatMap(Effect.promise(arrive), itemOf) : itemOf(take())
  })
  const close = Effect.suspend(() => {
    if (isOver) return Effect.void
    const returned = iterator.return?.()
    if (!isAsync) return Effect.void
    if (underWay === 0) return Effect.promise(async () => returned)
    Promise.resolve(returned).catch(() => {}) // nobody is left to hear of it
    return Effect.void
  })
  return Effect.as(
    Effect.addFinalizer(() => close),
    next
  )
}

const nextOfStream = Effect.fnUntraced(function* <A, E, R>(source: Stream.Stream<A, E, R>) {
  const pull = yield* Stream.toPull(source)
  let chunk: ReadonlyArray<A> = []
  let index = 0
  const next: Next<A, E, R> = Effect.suspend(() =>
    index < chunk.length
      ? Effect.succeed(chunk[index++]!)
      : Effect.flatMap(pull as Effect.Effect<ReadonlyArray<A>, E | Cause.Done, R>, (items) => {
          chunk = items
          index = 1
          return Effect.succeed(items[0]!)
        })
  )
  return next
})

/**
 * Runs `f` for each item that `next` gives, at most `concurrency` at a time, until the source ends.
 * `next` is called by several fibers at once and must allow that. The first failure interrupts the rest. Timelines and
 * dumps know these fibers by `name`.
 */
export const forEachBounded = <A, E, R, E2, R2>(
  next: Next<A, E, R>,
  f: (item: A) => Effect.Effect<unknown, E2, R2>,
  options: { readonly concurrency: number; readonly name?: string }
): Effect.Effect<void, E | E2, R | R2> => {
  checkConcurrency(options)
  const loop = Effect.forever(Effect.flatMap(next, f), { disableYield: true })
  const worker = options.name === undefined ? loop : Effect.fn(options.name)(() => loop)()
  return Effect.forEach(
    Array.from({ length: options.concurrency }),
    () => Pull.catchDone(worker, () => Effect.void) as Effect.Effect<void, E | E2, R | R2>,
    { concurrency: "unbounded", discard: true }
  )
}

/**
 * Maps items with at most `concurrency` of them between source and consumer.
 *
 * Results come in order of completion, or of the source with `ordered: true` (a
 * slow item then holds back the later ones, within the same bound). The first
 * failure ends the stream and interrupts what runs.
 */
export const mapBounded = <S extends Source<any, any, any>, B, E2, R2>(
  source: S,
  f: (item: ItemOf<S>, index: number) => Effect.Effect<B, E2, R2>,
  options: { readonly concurrency: number; readonly ordered?: boolean }
): Stream.Stream<B, ErrorOf<S> | E2, ContextOf<S> | R2> => {
  checkConcurrency(options)
  return openedStream(openBounded<any, any, any, B, E2, R2>(source, f, options)) as never
}

// a generator of the module, not of each call: what one of a call sees, V8 keeps until the next full collection

const openBounded = Effect.fnUntraced(function* <A, E, R, B, E2, R2>(
  source: Source<A, E, R>,
  f: (item: A, index: number) => Effect.Effect<B, E2, R2>,
  options: { readonly concurrency: number; readonly ordered?: boolean }
) {
  const scope = yield* Effect.scope
  const pull: Next<A, E, R> = yield* nextOf(source)
  const turn = yield* Semaphore.make(1)
  const places = yield* Semaphore.make(options.concurrency)
  const results = yield* Queue.unbounded<readonly [index: number, value: B], E | E2 | Cause.Done>()

  let pulled = 0
  const next = Effect.andThen(
    places.take(1),
    turn.withPermits(1)(Effect.map(pull, (item) => [item, pulled++] as const))
  )
  const map = ([item, index]: readonly [A, number]) =>
    Effect.flatMap(f(item, index), (value) => Queue.offer(results, [index, value] as const))
  yield* forEachBounded(next as Next<readonly [A, number], E, R>, map, options).pipe(
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? Queue.end(results) : Queue.failCause(results, exit.cause))),
    Effect.forkIn(scope)
  )

  let taken = 0
  let following = 0
  const early = new Map<number, B>()
  const arrange = (chunk: ReadonlyArray<readonly [number, B]>): Array<B> => {
    if (options.ordered !== true) return chunk.map(([, value]) => value)
    for (const [index, value] of chunk) early.set(index, value)
    const ready: Array<B> = []
    for (; early.has(following); following++) {
      ready.push(early.get(following)!)
      early.delete(following)
    }
    return ready
  }
  const emit: Effect.Effect<[B, ...Array<B>], E | E2 | Cause.Done> = Effect.flatMap(
    // a place is free again when the consumer comes back for more
    Effect.andThen(
      Effect.suspend(() => places.release(taken)),
      Effect.suspend(() => {
        taken = 0
        return Queue.takeAll(results)
      })
    ),
    (chunk) => {
      const ready = arrange(chunk)
      taken = ready.length
      return ready.length === 0 ? emit : Effect.succeed(ready as [B, ...Array<B>])
    }
  )
  return emit
})

/** One of several effects has ended. `key` is its name, or its index where they have no names. */
export interface Completed<out K, out A, out E> {
  readonly key: K
  readonly exit: Exit.Exit<A, E>
}

type NamedCompleted<T extends Readonly<Record<string, Effect.Effect<any, any, any>>>> = {
  readonly [K in keyof T & string]: Completed<K, Effect.Success<T[K]>, Effect.Error<T[K]>>
}[keyof T & string]

/**
 * Runs effects at once, or `concurrency` of them, and gives each exit in order of completion.
 *
 * Failures are exits too: they end neither the stream nor the other effects. Use `mapBounded` to stop at the first.
 * Ending the stream early interrupts what still runs. With `concurrency` an iterable is pulled only as far as places
 * are free. Source: asyncio.as_completed, which cannot tell which of them it was.
 */
export const asCompleted: {
  <const T extends Readonly<Record<string, Effect.Effect<any, any, any>>>>(
    effects: T,
    options?: { readonly concurrency?: number }
  ): Stream.Stream<NamedCompleted<T>, never, Effect.Services<T[keyof T]>>
  <A, E, R>(
    effects: Iterable<Effect.Effect<A, E, R>>,
    options?: { readonly concurrency?: number }
  ): Stream.Stream<Completed<number, A, E>, never, R>
} = (
  effects: Iterable<Effect.Effect<any, any, any>> | Readonly<Record<string, Effect.Effect<any, any, any>>>,
  options?: { readonly concurrency?: number }
): Stream.Stream<any, never, any> => {
  const named = Symbol.iterator in effects ? undefined : Object.keys(effects)
  const all: Iterable<Effect.Effect<any, any, any>> = named ? Object.values(effects) : (effects as Iterable<any>)
  const source = options?.concurrency === undefined ? [...all] : all
  return mapBounded(
    source,
    (effect, index) => Effect.map(Effect.exit(effect), (exit) => ({ key: named?.[index] ?? index, exit })),
    { concurrency: options?.concurrency ?? Math.max(1, (source as ReadonlyArray<unknown>).length) }
  )
}
