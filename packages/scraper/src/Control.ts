/**
 * What a run can be told while it works, and what it answers.
 *
 * 1. The last answer comes when what was asked for is so, not when it is begun.
 * 2. A pause lasts as long as the run: it is not in the store, so the same
 *    command started again goes on. Paused, nothing is asked for and nothing is
 *    under way; what had come is committed.
 * 3. Who asked may leave before the answer: what was begun goes on.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DirectoryUnusable } from "./RunError.ts"
import type { StoreError } from "./Store.ts"

const Priority = Schema.Struct({ pattern: Schema.String, value: Schema.Int })

/** Patterns as `String(RegExp)` writes them, lists as a whole; `null`: no bound. What is absent stays. */
export const Change = Schema.Struct({
  scope: Schema.optionalKey(Schema.Literals(["host", "domain", "path"])),
  include: Schema.optionalKey(Schema.Array(Schema.String)),
  exclude: Schema.optionalKey(Schema.Array(Schema.String)),
  priorities: Schema.optionalKey(Schema.Array(Priority)),
  depth: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  maxPages: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  maxPagesPerHost: Schema.optionalKey(Schema.NullOr(Schema.Int))
})
export type Change = typeof Change.Type

/** What a run can be told. */
export const Command = Schema.TaggedUnion({ Pause: {}, Resume: {}, Scope: { change: Schema.optionalKey(Change) } })
export type Command = typeof Command.Type

/** What a run answers. */
export const Reply = Schema.TaggedUnion({
  /** For this many targets that are under way; more answers follow. */
  Waiting: { inFlight: Schema.Int },
  Paused: {},
  Resumed: { wasPaused: Schema.Boolean },
  /** The rules as they are now. `left`: queued targets that they left out; `found`: that they let in anew. */
  Scope: {
    seeds: Schema.Array(Schema.String),
    scope: Schema.Literals(["host", "domain", "path"]),
    include: Schema.Array(Schema.String),
    exclude: Schema.Array(Schema.String),
    priorities: Schema.Array(Priority),
    depth: Schema.NullOr(Schema.Int),
    maxPages: Schema.NullOr(Schema.Int),
    maxPagesPerHost: Schema.NullOr(Schema.Int),
    left: Schema.Int,
    found: Schema.Int
  },
  Impossible: { message: Schema.String }
})
export type Reply = typeof Reply.Type

/** Neither a pause nor other rules are of any effect on a run that asks for nothing more. */
export class NothingLeft extends Schema.TaggedError<NothingLeft>()("NothingLeft", {}) {
  override get message() {
    return "nothing is left to ask for, it is about to end"
  }
}

/** What a running line can be held by. */
export interface Reins {
  /** Gives out no more targets. */
  readonly pause: () => void
  /** Goes on; whether it was paused. */
  readonly resume: () => boolean
  readonly isPaused: () => boolean
  /** It has given out its last target. */
  readonly isFinished: () => boolean
  /** Targets under way. */
  readonly inFlight: () => number
  /** Commits what has come. */
  readonly flush: Effect.Effect<void, StoreError>
}

/** Reads and changes the rules of a crawl. */
export type Steer = (change: Change | undefined) => Effect.Effect<Reply, NothingLeft | StoreError | DirectoryUnusable>

/** Does what a command says, and says what became of it. A list has nothing to steer. */
export const obey = (reins: Reins, steer: Steer | undefined) => {
  const follow = Effect.fnUntraced(function* (command: Command, say: (reply: Reply) => void) {
    switch (command._tag) {
      case "Pause": {
        reins.pause()
        let told = 0
        for (let now = reins.inFlight(); now > 0; now = reins.inFlight()) {
          if (now !== told) say({ _tag: "Waiting", inFlight: (told = now) })
          yield* Effect.sleep("50 millis")
        }
        if (!reins.isPaused()) return say({ _tag: "Impossible", message: "it was resumed meanwhile" })
        yield* reins.flush
        if (reins.isFinished()) {
          reins.resume()
          return yield* new NothingLeft()
        }
        return say({ _tag: "Paused" })
      }
      case "Resume":
        return say({ _tag: "Resumed", wasPaused: reins.resume() })
      case "Scope":
        if (steer === undefined) return say({ _tag: "Impossible", message: "a list of URLs has no scope" })
        return say(yield* steer(command.change))
    }
  })
  return (command: Command, say: (reply: Reply) => void) =>
    Effect.catchTag(follow(command, say), "StoreFull", () =>
      Effect.sync(() => say({ _tag: "Impossible", message: "the disk is full" }))
    )
}
