/** An engine that plays a script: outcomes as given, and a progress that counts them. */
import type * as Get from "@simul/scraper/Get"
import type { Outcome } from "@simul/scraper/Outcome"
import * as FetchError from "@simul/scraper/FetchError"
import type { Options } from "@simul/scraper/Options"
import type { DirectoryGone, RunError } from "@simul/scraper/RunError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Engine } from "../src/Engine.ts"

export const idle: Get.Progress = {
  elapsedMs: 0,
  saved: 0,
  unchanged: 0,
  refused: 0,
  failed: 0,
  skipped: 0,
  inFlight: 0,
  waiting: 0,
  bytes: 0,
  received: 0,
  running: [],
  slow: []
}

export const saved = (url: string, bytes = 1000): Outcome => ({
  _tag: "Saved",
  url,
  attempts: 1,
  durationMs: 12.3,
  status: 200,
  path: url.replace(/^https?:\/\//, ""),
  bytes,
  sha256: "00"
})

export const failed = (url: string, error: FetchError.FetchReason): Outcome => ({
  _tag: "Failed",
  url,
  attempts: 5,
  durationMs: 100,
  error
})

export const refused = (url: string): Outcome => ({
  _tag: "Refused",
  url,
  attempts: 0,
  durationMs: 0,
  error: { reason: "RobotsDisallowed", message: "refused by robots.txt line 4" }
})

export const notFound = (url: string) => failed(url, new FetchError.StatusError({ status: 404 }))

interface Script {
  readonly outcomes: Stream.Stream<Outcome, RunError>
  readonly progress?: Partial<Get.Progress>
  readonly gone?: DirectoryGone
  /** Files looked at before it begins, and of how many. */
  readonly checked?: ReadonlyArray<readonly [files: number, total: number]>
}

/** `asked` holds what the engine was opened with. */
export const make = (script: Script | RunError) => {
  const asked: { source?: Get.Source; options?: Options } = {}
  const engine: Engine["Service"] = {
    open: (source, { onCheck, ...options }) => {
      Object.assign(asked, { source, options })
      if ("_tag" in script) return Effect.fail(script)
      for (const [files, total] of script.checked ?? []) onCheck?.(files, total)
      let { saved, failed, refused, unchanged, bytes } = idle
      return Effect.succeed({
        outcomes: Stream.tap(script.outcomes, (outcome) =>
          Effect.sync(() => {
            if (outcome._tag === "Saved") saved += 1
            if (outcome._tag === "Failed") failed += 1
            if (outcome._tag === "Refused") refused += 1
            if (outcome._tag === "Unchanged") unchanged += 1
            if ("bytes" in outcome) bytes += outcome.bytes
          })
        ),
        progress: () => ({
          ...idle,
          elapsedMs: 2400,
          saved,
          failed,
          refused,
          unchanged,
          bytes,
          received: bytes,
          ...script.progress
        }),
        gone: () => script.gone
      })
    }
  }
  return { engine, asked }
}
