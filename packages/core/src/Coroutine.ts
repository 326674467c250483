/**
 * A generator stepped by hand: the smallest thing that can be suspended and resumed.
 *
 * Everything cooperative is this plus someone who decides which one is resumed next. Here the states are visible and
 * each step is recorded, so that a program can show what `yield`, `await` and fibers do.
 *
 *     created --send(undefined)--> running --yield--> suspended --send, throw--> running
 *        |                            |                   |
 *        +--throw, close--> closed <--+--return, error    +--close--> running (finally) --> closed
 *
 * 1. One state at a time, as Python's `inspect.getgeneratorstate` names them. Only `send`, `throw` and `close` change it.
 * 2. A running coroutine cannot be stepped: whoever tries is a part of the step. It gets `CoroutineRunning`.
 * 3. A closed one never runs again. Sending gives its end again, without a value: `{ done: true, value: undefined }`.
 * 4. `steps` has one entry for each call that reached the generator, in order of their end. Refused calls are no steps.
 *
 * Source: PEP 342, "Coroutines via enhanced generators"; ECMA-262, "Generator objects".
 */
import * as Schema from "effect/Schema"

/** Where a coroutine stands: not begun, at a `yield`, in its own step, or ended. */
export type State = "created" | "suspended" | "running" | "closed"

/** A coroutine was stepped from within its own step. */
export class CoroutineRunning extends Schema.TaggedError<CoroutineRunning>()("CoroutineRunning", {
  coroutine: Schema.String,
  call: Schema.Literals(["send", "throw", "close"])
}) {
  override get message() {
    return `${this.call} to coroutine "${this.coroutine}", which is running: step it from outside, after it has yielded`
  }
}

/** A value was sent to a coroutine that has not begun: no `yield` is there to receive it. */
export class CoroutineNotBegun extends Schema.TaggedError<CoroutineNotBegun>()("CoroutineNotBegun", {
  coroutine: Schema.String
}) {
  override get message() {
    return `a value was sent to coroutine "${this.coroutine}", which has not begun: send undefined first, it runs to the first yield`
  }
}

/** `close` found a `finally` that yields: a coroutine asked to end may clean up, not go on. */
export class CoroutineIgnoredClose extends Schema.TaggedError<CoroutineIgnoredClose>()("CoroutineIgnoredClose", {
  coroutine: Schema.String
}) {
  override get message() {
    return `coroutine "${this.coroutine}" yielded while it was being closed: do not yield in finally`
  }
}

/** What went in, and what came out. */
export interface Step<out Y, out A, out S> {
  readonly call:
    | { readonly _tag: "send"; readonly value: S | undefined }
    | { readonly _tag: "throw"; readonly error: unknown }
    | { readonly _tag: "close" }
  readonly outcome:
    | { readonly _tag: "yielded"; readonly value: Y }
    | { readonly _tag: "returned"; readonly value: A | undefined }
    | { readonly _tag: "threw"; readonly error: unknown }
  /** The state after it. */
  readonly state: State
}

/** Yields `Y`, returns `A`, is sent `S`. */
export interface Coroutine<out Y, out A, in out S = undefined> {
  readonly name: string
  readonly state: State
  readonly steps: ReadonlyArray<Step<Y, A, S>>
  /**
   * Begins it, or resumes it: `value` becomes the value of the `yield` it waits in. Gives what it yields or returns, and
   * throws what it throws. The first one begins it and can bring no value.
   */
  readonly send: (value?: S) => IteratorResult<Y, A | undefined>
  /** Resumes it with an error thrown at the `yield` it waits in. One that has not begun ends with that error. */
  readonly throw: (error: unknown) => IteratorResult<Y, A>
  /**
   * Ends it where it waits: `finally` blocks run, what they throw is thrown. Does nothing to one that is closed, and runs
   * nothing of one that has not begun.
   */
  readonly close: () => void
}

class Stepped<Y, A, S> implements Coroutine<Y, A, S> {
  readonly name: string
  state: State = "created"
  readonly steps: Array<Step<Y, A, S>> = []
  readonly #generator: Generator<Y, A, S>

  constructor(generator: Generator<Y, A, S>, name: string) {
    this.#generator = generator
    this.name = name
  }

  // functions of the object, not methods: they can be taken from it and handed on
  readonly send = (value?: S): IteratorResult<Y, A | undefined> => {
    this.#refuseRunning("send")
    if (this.state === "closed") return { done: true, value: undefined }
    if (this.state === "created" && value !== undefined) throw new CoroutineNotBegun({ coroutine: this.name })
    return this.#step({ _tag: "send", value }, () => this.#generator.next(value as S))
  }

  readonly throw = (error: unknown): IteratorResult<Y, A> => {
    this.#refuseRunning("throw")
    if (this.state === "closed") throw error
    return this.#step({ _tag: "throw", error }, () => this.#generator.throw(error))
  }

  readonly close = (): void => {
    this.#refuseRunning("close")
    if (this.state === "closed") return
    const { done } = this.#step({ _tag: "close" }, () => this.#generator.return(undefined as A))
    if (!done) throw new CoroutineIgnoredClose({ coroutine: this.name })
  }

  #refuseRunning(call: "send" | "throw" | "close"): void {
    if (this.state === "running") throw new CoroutineRunning({ coroutine: this.name, call })
  }

  #step(call: Step<Y, A, S>["call"], resume: () => IteratorResult<Y, A>): IteratorResult<Y, A> {
    this.state = "running"
    try {
      const result = resume()
      this.#record(call, { _tag: result.done ? "returned" : "yielded", value: result.value } as Step<
        Y,
        A,
        S
      >["outcome"])
      return result
    } catch (error) {
      this.#record(call, { _tag: "threw", error })
      throw error
    }
  }

  #record(call: Step<Y, A, S>["call"], outcome: Step<Y, A, S>["outcome"]): void {
    this.state = outcome._tag === "yielded" ? "suspended" : "closed"
    this.steps.push({ call, outcome, state: this.state })
  }
}

/** Makes a coroutine, which has not begun. `name` defaults to the function's. */
export const make = <Y, A, S = undefined>(
  body: () => Generator<Y, A, S>,
  name: string = body.name || "anonymous"
): Coroutine<Y, A, S> => new Stepped(body(), name)
