/**
 * The engine behind `simul get` and `simul crawl`, as a service: tests put a scripted one in its
 * place. The real one is loaded when the first run opens it, so that help,
 * errors and reports start without it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Crawl from "@simul/scraper/Crawl"
import type * as Get from "@simul/scraper/Get"
import type { Given, Options } from "@simul/scraper/Options"
import type { RunError } from "@simul/scraper/RunError"
import type * as Scope from "effect/Scope"

/** A list, or the seeds of a crawl. */
export type Source = Get.Source | { readonly seeds: ReadonlyArray<string>; readonly rules: Given<Crawl.Rules> }

export class Engine extends Context.Service<
  Engine,
  {
    /** Starts a run; it lasts as long as the scope. */
    readonly open: (source: Source, options: Options) => Effect.Effect<Get.Run, RunError, Scope.Scope>
  }
>()("@simul/cli/Engine") {
  static readonly layer: Layer.Layer<Engine> = Layer.succeed(Engine, {
    open: (source, options) =>
      "seeds" in source
        ? Effect.flatMap(
            Effect.promise(() => import("@simul/scraper/Crawl")),
            (Crawl) => Crawl.open(source.seeds, source.rules, options)
          )
        : Effect.flatMap(
            Effect.promise(() => import("@simul/scraper/Get")),
            (Get) => Get.open(source, options)
          )
  })
}
