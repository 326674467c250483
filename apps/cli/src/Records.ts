/** What earlier runs left in a directory, as a service: `report` and `verify` fold over it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Archive } from "@simul/scraper/Sink"
import type { DamagedPaths } from "@simul/scraper/sink/DamagedPaths"
import type { Entry, Indexed, ListName } from "@simul/scraper/Store"
import type { RunError } from "@simul/scraper/RunError"

export class Records extends Context.Service<
  Records,
  {
    /** Every target of the runs in `directory`, each once. Fails with `NoStore` where no run was made. */
    readonly read: (directory: string) => Effect.Effect<
      {
        readonly entries: Stream.Stream<Entry, RunError>
        /** One of them as it is now, and since when a run works there, if one does. */
        readonly now: (
          entry: Entry
        ) => Effect.Effect<{ readonly entry: Entry | undefined; readonly sinceMs: number | undefined }, RunError>
        /** Of the entries, those that failed or were refused. */
        readonly lost: Stream.Stream<Entry, RunError>
        readonly archives: ReadonlyArray<Archive>
        /** The index of the archives, while it is up to date. */
        readonly indexed: Indexed | undefined
        /** Whether a record has a payload of this digest. */
        readonly holds: (digest: string) => Effect.Effect<boolean, RunError>
        /** The lists that were begun and that no run has come to the end of since. */
        readonly unfinished: ReadonlyArray<ListName>
        /** A run works in it. */
        readonly isHeld: boolean
        /** Whether one began since. */
        readonly begunSince: Effect.Effect<boolean, RunError>
      },
      RunError,
      Scope.Scope
    >
    /**
     * Has what was saved at these paths asked for again by the next run; gives how many targets that are. Fails while a
     * run works there.
     */
    readonly distrust: (directory: string, paths: DamagedPaths) => Effect.Effect<number, RunError>
  }
>()("@simul/cli/Records") {
  /** The stores of the engine, loaded when the first one is read. */
  static readonly layer: Layer.Layer<Records> = Layer.succeed(Records, {
    read: (directory) =>
      Effect.flatMap(
        Effect.promise(() => import("@simul/scraper/store/Directory")),
        (Directory) => Directory.read(directory)
      ),
    distrust: (directory, paths) =>
      Effect.flatMap(
        Effect.promise(() => import("@simul/scraper/store/Directory")),
        (Directory) => Directory.distrust(directory, paths)
      )
  })
}
