/**
 * A nursery: children that run together and end together.
 *
 * `Effect.forkChild` lets a failed child die unseen, and concurrent `forEach`
 * keeps the first failure only. Here the body and its children are one unit of
 * work: it ends when all of them have ended, and nothing that failed is lost.
 *
 * 1. A group is open, then closing (no child is taken any more, what runs is
 *    being interrupted), then closed (nothing runs). It never goes back.
 * 2. `run` ends after the body, every child and their clean-up have ended, at
 *    whatever instant a child fails, `cancel` is called or the caller is
 *    interrupted.
 * 3. Every failure is kept, in order of arrival, in one Cause: typed
 *    failures stay typed, defects stay defects, failures of clean-up included.
 *    A child that was only interrupted has not failed.
 * 4. An interruption of the caller is never swallowed: `run` then ends
 *    interrupted, with the failures beside it. An interruption that the group
 *    itself caused never leaves it.
 * 5. A child begins in the group's turn of the scheduler, not inside `spawn`;
 *    one that is interrupted before that never begins.
 *
 * Sources: N. J. Smith, "Notes on structured concurrency" (2018); trio's
 * nurseries; asyncio.TaskGroup.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { LazyArg } from "effect/Function"
import * as References from "effect/References"
import type { SchedulerDispatcher } from "effect/Scheduler"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { ChildFrame } from "./ChildFrame.ts"

/** A child was spawned into a group that takes none any more. A bug of the spawner: it dies with this. */
export class TaskGroupClosed extends Schema.TaggedError<TaskGroupClosed>()("TaskGroupClosed", {
  group: Schema.String,
  child: Schema.optional(Schema.String),
  state: Schema.Literals(["closing", "closed"])
}) {
  override get message() {
    const child = this.child === undefined ? "a child" : `child "${this.child}"`
    return `${child} was spawned into task group "${this.group}", which is ${this.state}: spawn while its body or a child still runs`
  }
}

/** A child given to `start` succeeded without having called `ready`. A bug of the child: `start` dies with this. */
export class ChildNeverReady extends Schema.TaggedError<ChildNeverReady>()("ChildNeverReady", {
  group: Schema.String,
  child: Schema.optional(Schema.String)
}) {
  override get message() {
    const child = this.child === undefined ? "a child" : `child "${this.child}"`
    return `${child} of task group "${this.group}" ended without saying that it is ready: call ready(value) in it, or use spawn`
  }
}

/** A child that failed. `cause` holds no interruptions. */
export interface ChildFailure<out E> {
  readonly child: string | undefined
  readonly cause: Cause.Cause<E>
}

/** Of one child. */
export interface ChildOptions {
  /** Shown in statistics, in `namesOf` a failure and as a frame of its stack. */
  readonly name?: string | undefined
}

/** Of a group. `E`: what children fail with; `F`, `R`: what is left of that, and needed, by the handler of failures. */
export interface Options<E = never, F = E, R = never> {
  /** Shown in errors and statistics. Default "anonymous". */
  readonly name?: string | undefined
  /**
   * How many children run at once; the others queue, first come first served. Unlimited by default.
   *
   * `spawn` and `start` then wait until the child has its place, so a loop that spawns is held back. Within a child of
   * the same group, whose own place may be the one it would wait for, `spawn` does not wait for the child it queues, and
   * `start` begins its child above the limit.
   */
  readonly limit?: number | undefined
  /**
   * - `"interrupt"` (default): the first failure interrupts the body and the other children.
   * - `"isolate"`: body and siblings go on; `run` fails with all failures at the end.
   * - a function: body and siblings go on, the failure is the function's to handle. It runs as a member of the group,
   *   without taking a place. Where it fails or is interrupted itself, the child's failure counts as unhandled.
   *
   * Failures while the group is closing (of clean-up) are always kept in the Cause.
   */
  readonly onChildFailure?:
    | ("interrupt" | "isolate" | ((failure: ChildFailure<E>) => Effect.Effect<void, F, R>))
    | undefined
}

/** A group at one time. Numbers are counts of children. */
export interface Statistics {
  readonly name: string
  readonly state: "open" | "closing" | "closed"
  /** Children that run now, clean-up included. */
  readonly running: number
  /** Children that wait for a place. */
  readonly queued: number
  /** Children ever spawned: `running + queued + succeeded + failed + interrupted`. */
  readonly spawned: number
  readonly succeeded: number
  readonly failed: number
  /** Children that ended by interruption and nothing else. */
  readonly interrupted: number
  /** Names of those that run or wait, in order of spawning. */
  readonly children: ReadonlyArray<string>
}

/** Tells the one who called `start` that the child is ready. Later calls do nothing. */
export type Ready<V> = (value: V) => Effect.Effect<void>

/** A group whose children may fail with `E`. May be handed to children and to other fibers. */
export interface TaskGroup<in E = never> {
  /**
   * Begins a child with the spawner's services and gives its fiber.
   * Dies with `TaskGroupClosed` once the group is closing.
   */
  readonly spawn: <A, E1 extends E, R>(
    child: Effect.Effect<A, E1, R>,
    options?: ChildOptions
  ) => Effect.Effect<Fiber.Fiber<A, E1>, never, R>
  /**
   * Begins a child and waits until it calls `ready`; gives that value (trio's `nursery.start`).
   *
   * Until then the child belongs to the caller: its failure fails `start` and not the group, and interrupting `start`
   * interrupts the child and waits for it. From then on it is a child like any other.
   */
  readonly start: <V, E1 extends E, R>(
    child: (ready: Ready<V>) => Effect.Effect<unknown, E1, R>,
    options?: ChildOptions
  ) => Effect.Effect<V, E1, R>
  readonly statistics: Effect.Effect<Statistics>
}

/** A group that can be ended from anywhere. */
export interface CancellableTaskGroup<in E = never> extends TaskGroup<E> {
  /**
   * Interrupts the body and all children, from anywhere and at any time; does not wait. Failures so far and of
   * clean-up still fail the group. Does nothing once the group is closing.
   */
  readonly cancel: Effect.Effect<void>
}

/** A group that lives as long as its scope, for want of a body that ends. */
export interface ScopedTaskGroup<in E = never, out F = E> extends CancellableTaskGroup<E> {
  /** Waits until no child is left. Fails with all failures; the group is closed then. */
  readonly join: Effect.Effect<void, F>
}

class Names extends Context.Service<Names, ReadonlyArray<string>>()("@simul/core/TaskGroup/Names") {}

/** Names of the children a failure came through, outermost group first. */
export const namesOf = (reason: Cause.Reason<unknown>): ReadonlyArray<string> =>
  Context.getOrUndefined(Cause.reasonAnnotations(reason), Names) ?? []

/** The limited groups that a fiber runs in. */
interface Membership {
  readonly group: unknown
  readonly outer: Membership | undefined
}
const Membership = Context.Reference<Membership | undefined>("@simul/core/TaskGroup/Membership", {
  defaultValue: () => undefined
})

interface Member {
  readonly name: string | undefined
  readonly fiber: Fiber.Fiber<any, any>
  /** Lets its fiber, which waits, go on with the child's effect. */
  readonly enter: () => void
  /** The failure that this member handles. */
  readonly handles: Cause.Cause<any> | undefined
  /** It has a place. */
  begun: boolean
  /** The spawner that waits for that. */
  onBegin: (() => void) | undefined
  /** The caller of `start`, until the child is ready. */
  starter: ((exit: Exit.Exit<any, any>) => void) | undefined
}

const failuresOf = <E>(exit: Exit.Exit<unknown, E>): ReadonlyArray<Cause.Reason<E>> =>
  exit._tag === "Success" ? [] : exit.cause.reasons.filter((reason) => reason._tag !== "Interrupt")

/** What tells a failure from an equal one: its error where that is an object, else the reason itself. */
const errorOf = (reason: Cause.Reason<unknown>): unknown => {
  const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
  return typeof error === "object" && error !== null ? error : reason
}

const withFailures = <E>(cause: Cause.Cause<E>, failures: Iterable<Cause.Reason<E>>): Cause.Cause<E> =>
  Cause.fromReasons([...cause.reasons, ...failures])

/** Waits for `effect` and then goes on uninterruptibly; `f` gets the interruption that ended the waiting, if one did. */
const waitThen = <A, E, R>(
  effect: Effect.Effect<void>,
  f: (interruption: Cause.Cause<never> | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.flatMap(Effect.catchCause(effect as Effect.Effect<undefined>, Effect.succeed), f)

/**
 * How many groups begin, stop or end on this stack, one within the other. Effect goes on with a fiber on the stack of
 * whoever wakes or interrupts it; some thousands of groups would fill that.
 */
let nested = 0
const mostNested = 200

const nest = <A>(call: () => A): A => {
  nested++
  try {
    return call()
  } finally {
    nested--
  }
}

class Group implements ScopedTaskGroup<any> {
  state: Statistics["state"] = "open"
  cancelled = false
  body: Fiber.Fiber<any, any> | undefined
  readonly #failures = new Array<Cause.Reason<any>>()
  /** Failures that were added, and their errors where these are objects: a body that joins a child fails with its failure. */
  readonly #known = new Set<unknown>()
  readonly #members = new Set<Member>()
  readonly #queue = new Set<Member>()
  #running = 0
  readonly #counts = { spawned: 0, succeeded: 0, failed: 0, interrupted: 0 }
  #onEmpty: Array<() => void> = []
  readonly #name: string
  readonly #limit: number
  readonly #onChildFailure: Options<any, any, any>["onChildFailure"]
  readonly #owner: number
  readonly #context: Context.Context<never>
  /** One for all children, so that they begin in one batch. */
  readonly #dispatcher: SchedulerDispatcher

  constructor(owner: Fiber.Fiber<unknown, unknown>, options: Options<any, any, any> | undefined) {
    this.#name = options?.name ?? "anonymous"
    this.#limit = options?.limit ?? Infinity
    if (!(this.#limit === Infinity || (Number.isInteger(this.#limit) && this.#limit >= 1)))
      throw new RangeError(`limit of a task group must be a whole number of at least 1, got ${this.#limit}`)
    this.#onChildFailure = options?.onChildFailure
    this.#owner = owner.id
    this.#context = owner.context
    this.#dispatcher = owner.currentDispatcher
  }

  readonly spawn = <A, E, R>(
    child: Effect.Effect<A, E, R>,
    options?: ChildOptions
  ): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
    Effect.withFiber((spawner) => {
      if (this.#hasPlace || this.#isInside(spawner)) {
        return this.#refusal(options) ?? Effect.succeed(this.#fork(spawner, child, options).fiber)
      }
      return Effect.callback((resume) => {
        // asked again: an operation lies between
        const refusal = this.#refusal(options)
        if (refusal !== undefined) return resume(refusal)
        const member = this.#fork(spawner, child, options)
        const done = () => resume(Effect.succeed(member.fiber))
        if (member.begun) return done()
        member.onBegin = done
        return Effect.sync(() => {
          if (!member.begun) member.fiber.interruptUnsafe(spawner.id)
        })
      })
    })

  readonly start = <V, E, R>(
    child: (ready: Ready<V>) => Effect.Effect<unknown, E, R>,
    options?: ChildOptions
  ): Effect.Effect<V, E, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((starter) => {
        const refusal = this.#refusal(options)
        if (refusal !== undefined) return refusal
        let told: { readonly value: V } | undefined
        let ended: Exit.Exit<unknown, E> | undefined
        let withdrawn = false
        let wake = () => {}
        const ready: Ready<V> = (value) =>
          Effect.sync(() => {
            if (told !== undefined || withdrawn) return
            told = { value }
            member.starter = undefined
            wake()
          })
        const body = Effect.suspend(() => child(ready))
        const member = this.#fork(starter, body, options, this.#hasPlace || this.#isInside(starter))
        const onEnd = (exit: Exit.Exit<unknown, E>) => {
          ended = exit
          wake()
        }
        // not written into the property: V8 keeps such a function, and all it sees, until the next full collection
        member.starter = onEnd
        const outcome = Effect.callback<void>((resume) => {
          wake = () => resume(Effect.void)
          if (told !== undefined || ended !== undefined) wake()
        })
        const settle = (interruption: Cause.Cause<never> | undefined): Effect.Effect<V, E> => {
          const failures = told === undefined && ended !== undefined ? failuresOf(ended) : []
          if (interruption !== undefined) return Effect.failCause(withFailures(interruption, failures))
          if (told !== undefined) return Effect.succeed(told.value)
          if (ended?._tag === "Failure") return Effect.failCause(ended.cause)
          return Effect.die(new ChildNeverReady({ group: this.#name, child: options?.name }))
        }
        return waitThen(restore(outcome), (interruption) => {
          if (told !== undefined || ended !== undefined) return settle(interruption)
          withdrawn = true
          member.fiber.interruptUnsafe(starter.id)
          return Effect.flatMap(Fiber.await(member.fiber), () => settle(interruption))
        })
      })
    )

  readonly cancel = Effect.sync(() => {
    if (this.state === "open") this.cancelled = true
    this.stop()
  })

  readonly statistics = Effect.sync((): Statistics => ({
    name: this.#name,
    state: this.state,
    running: this.#running,
    queued: this.#queue.size,
    ...this.#counts,
    children: [...this.#members].flatMap(({ name }) => name ?? [])
  }))

  /** Resumes once the body and all members have ended. */
  readonly empty = Effect.callback<void>((resume) => {
    if (this.#isEmpty) return resume(Effect.void)
    const done = () => resume(Effect.void)
    this.#onEmpty.push(done)
    return Effect.sync(() => {
      this.#onEmpty = this.#onEmpty.filter((other) => other !== done)
    })
  })

  readonly join: Effect.Effect<void, any> = Effect.flatMap(this.empty, () => {
    const failures = this.takeFailures()
    if (failures.length === 0) return Effect.void
    this.state = "closed"
    return Effect.failCause(Cause.fromReasons(failures))
  })

  takeFailures(): ReadonlyArray<Cause.Reason<any>> {
    return this.#failures.splice(0)
  }

  /** Runs the body to its first wait, in a fiber of its own: an interrupted fiber stays interrupted. */
  open(body: Effect.Effect<any, any, any>) {
    const known = Effect.withFiber((fiber) => {
      this.body = fiber
      return body
    })
    const entry = nested < mostNested ? known : Effect.andThen(Effect.yieldNow, known)
    // the body's own region says whether it can be interrupted
    const fork = () => Effect.runForkWith(this.#context)(entry as Effect.Effect<any, any>, { uninterruptible: true })
    this.body = nest(fork)
    this.body.addObserver((exit) => {
      for (const reason of failuresOf(exit)) if (!this.#known.has(errorOf(reason))) this.#add(reason, undefined)
      if (exit._tag === "Failure") this.stop()
      this.#settle()
    })
  }

  /** Closes to new children and interrupts all there are. */
  stop() {
    if (this.state !== "open") return
    this.state = "closing"
    this.#onStack(() => {
      this.body?.interruptUnsafe(this.#owner)
      for (const { fiber } of this.#members) fiber.interruptUnsafe(this.#owner)
    })
    this.#settle()
  }

  /** Calls what goes on with other fibers: now, or in a turn of its own if there is much on the stack. */
  #onStack(call: () => void) {
    if (nested < mostNested) nest(call)
    else this.#dispatcher.scheduleTask(call, 0)
  }

  get #isEmpty() {
    return this.#members.size === 0 && (this.body === undefined || this.body.pollUnsafe() !== undefined)
  }

  #settle() {
    if (!this.#isEmpty) return
    if (this.body !== undefined || this.state === "closing") this.state = "closed"
    const waiting = this.#onEmpty
    this.#onEmpty = []
    this.#onStack(() => {
      for (const done of waiting) done()
    })
  }

  #refusal(options: ChildOptions | undefined) {
    if (this.state === "open") return undefined
    return Effect.die(new TaskGroupClosed({ group: this.#name, child: options?.name, state: this.state }))
  }

  /** Whether a fiber is a child of this limited group, or runs inside one. */
  #isInside(spawner: Fiber.Fiber<unknown, unknown>): boolean {
    let membership = spawner.getRef(Membership)
    while (membership !== undefined && membership.group !== this) membership = membership.outer
    return membership !== undefined
  }

  get #hasPlace() {
    return this.#running < this.#limit
  }

  #fork(
    spawner: Fiber.Fiber<unknown, unknown>,
    effect: Effect.Effect<any, any, any>,
    options: ChildOptions | undefined,
    atOnce = this.#hasPlace
  ): Member {
    let { context } = spawner
    if (this.#limit < Infinity) {
      context = Context.add(context, Membership, { group: this, outer: spawner.getRef(Membership) })
    }
    if (options?.name !== undefined) {
      const frame = new ChildFrame(options.name, spawner.cache.stackFrame)
      context = Context.add(context, References.CurrentStackFrame, frame)
    }
    const member = this.#admit(context, effect, options?.name)
    this.#counts.spawned++
    if (atOnce) this.#begin(member)
    else this.#queue.add(member)
    return member
  }

  /** Makes a fiber that waits to begin: in one step, and with the AsyncLocalStorage of whoever spawns. */
  #admit(
    context: Context.Context<never>,
    effect: Effect.Effect<any, any, any>,
    name: string | undefined,
    handles?: Cause.Cause<any>
  ): Member {
    let entered = false
    let enter = () => {
      entered = true
    }
    const entry = Effect.callback<any, any, any>((resume) => {
      if (entered) return resume(effect)
      enter = () => resume(effect)
    })
    const member: Member = {
      name,
      fiber: Effect.runForkWith(context)(entry as Effect.Effect<any, any>),
      enter: () => enter(),
      handles,
      begun: false,
      onBegin: undefined,
      starter: undefined
    }
    this.#members.add(member)
    member.fiber.addObserver((exit) => this.#left(member, exit))
    return member
  }

  #begin(member: Member) {
    member.begun = true
    if (member.handles === undefined) this.#running++
    this.#dispatcher.scheduleTask(member.enter, 0)
    member.onBegin?.()
  }

  #left(member: Member, exit: Exit.Exit<any, any>) {
    this.#members.delete(member)
    const failures = failuresOf(exit)
    if (member.handles !== undefined) {
      if (exit._tag === "Failure") this.#failed(member, [...member.handles.reasons, ...failures])
    } else {
      if (member.begun) this.#running--
      else this.#queue.delete(member)
      this.#counts[exit._tag === "Success" ? "succeeded" : failures.length > 0 ? "failed" : "interrupted"]++
      if (member.starter === undefined && failures.length > 0) this.#failed(member, failures)
      for (const next of this.#queue) {
        if (!this.#hasPlace || this.state !== "open") break
        this.#queue.delete(next)
        this.#begin(next)
      }
      member.starter?.(exit)
      if (!member.begun) member.onBegin?.()
    }
    this.#settle()
  }

  #failed(member: Member, reasons: ReadonlyArray<Cause.Reason<any>>) {
    const handle = this.#onChildFailure
    if (typeof handle === "function" && member.handles === undefined && this.state === "open") {
      const failure = { child: member.name, cause: Cause.fromReasons(reasons) }
      const handler = Effect.suspend(() => handle(failure))
      return this.#begin(this.#admit(this.#context, handler, member.name, failure.cause))
    }
    for (const reason of reasons) this.#add(reason, member.name)
    if (handle !== "isolate") this.stop()
  }

  #add(reason: Cause.Reason<any>, name: string | undefined) {
    if (this.#known.has(reason)) return
    this.#known.add(reason).add(errorOf(reason))
    const names = name === undefined ? undefined : Context.make(Names, [name, ...namesOf(reason)])
    this.#failures.push(names === undefined ? reason : reason.annotate(names, { overwrite: true }))
  }
}

/**
 * Runs `body` with a new group; gives the body's value once all children have ended too.
 *
 * Fails with every failure of body, children and clean-up. With `onCancel` the group has `cancel`; `run` then gives
 * `onCancel()` where the group was cancelled before the body ended and nothing failed.
 *
 * Name the errors of the children at the body's parameter: `(group: TaskGroup<FetchError>) => ...`.
 *
 * The body runs to its first wait at once, unless 200 groups begin within each other: then it begins in a turn of its own.
 */
export const run: {
  <A, E2, R, B, E = never, F = E, R3 = never>(
    body: (group: CancellableTaskGroup<E>) => Effect.Effect<A, E2, R>,
    options: Options<E, F, R3> & { readonly onCancel: LazyArg<B> }
  ): Effect.Effect<A | B, E2 | F, R | R3>
  <A, E2, R, E = never, F = E, R3 = never>(
    body: (group: TaskGroup<E>) => Effect.Effect<A, E2, R>,
    options?: Options<E, F, R3>
  ): Effect.Effect<A, E2 | F, R | R3>
} = (
  body: (group: CancellableTaskGroup<any>) => Effect.Effect<any, any, any>,
  options?: Options<any, any, any> & { readonly onCancel?: LazyArg<any> }
): Effect.Effect<any, any, any> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiber((owner) => {
      const group = new Group(owner, options)
      group.open(restore(Effect.suspend(() => body(group))))
      return waitThen(restore(group.empty), (interruption) => {
        if (interruption !== undefined) {
          group.stop()
          return Effect.flatMap(group.empty, () => Effect.failCause(withFailures(interruption, group.takeFailures())))
        }
        const failures = group.takeFailures()
        if (failures.length > 0) return Effect.failCause(Cause.fromReasons(failures))
        const exit = group.body!.pollUnsafe()!
        return exit._tag === "Failure" && group.cancelled ? Effect.sync(options!.onCancel!) : exit
      })
    })
  )

/**
 * Makes a group that lives as long as its scope: the way for a group that is a part of a service.
 *
 * The body is then whatever runs in the scope, and cannot be interrupted by a child: wait in `join` to learn of
 * failures. Closing the scope interrupts the children and waits for them. A failure that no `join` gave becomes a
 * defect of the scope. Where the body can be a function, use `run`.
 */
export const make = <E = never, F = E, R = never>(
  options?: Options<E, F, R>
): Effect.Effect<ScopedTaskGroup<E, F>, never, R | Scope.Scope> =>
  Effect.acquireRelease(
    Effect.withFiber((owner) => Effect.succeed(new Group(owner, options))),
    (group) => {
      group.stop()
      return Effect.flatMap(group.empty, () => {
        const failures = group.takeFailures()
        if (failures.length === 0) return Effect.void
        return Effect.failCause(Cause.fromReasons(failures.map(asDefect)))
      })
    }
  )

const asDefect = (reason: Cause.Reason<unknown>): Cause.Reason<never> =>
  reason._tag === "Fail" ? Cause.makeDieReason(reason.error).annotate(Cause.reasonAnnotations(reason)) : reason
