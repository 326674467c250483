/**
 * What the chapters on fetching ask of the world: pages over HTTP, a certificate to judge, files to write.
 *
 * The default is a model in virtual time. `node/RealWeb.ts` is a site on loopback and a temporary directory.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Whose certificate is taken: the authority's that is named, one known to the system, anybody's. */
export type Trust = "authority" | "system" | "anybody"

export interface Web {
  readonly page: Effect.Effect<Page>
  /** Asks a site whose authority the system does not know. */
  readonly secure: (trust: Trust) => Effect.Effect<"answered" | "refused">
  /** The text that a URL has. */
  readonly fetch: (url: string) => Effect.Effect<string>
  /** Writes a file in pieces of so many bytes; an older one of that name is gone. Tells how long it took. */
  readonly write: (name: string, text: string, chunkBytes: number) => Effect.Effect<number>
  /** The texts of the files written since the last time. */
  readonly files: Effect.Effect<ReadonlyArray<string>>
  /** The command's own line, URLs to files. */
  readonly get: (urls: ReadonlyArray<string>, jobs: number) => Effect.Effect<void>
  /**
   * Fetches as many large files as that, and tells how much more memory that takes at the peak, in MiB. "whole": all at
   * once, and each body whole before it is written. "get": by the command's own line.
   */
  readonly memory: (way: "whole" | "get", files: number, jobs: number) => Effect.Effect<number>
}

/** How large a large file is, in MiB. */
export const largeMebibytes = 8

export const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]

/** How long a site takes to answer, in milliseconds. */
export const latencyMs = 50

/** What it answers: so long that bodies can be told from each other. */
export const bodyOf = (url: string): string => `<p>${new URL(url).hostname}${new URL(url).pathname}</p>\n`.repeat(40)

export const front = `<!doctype html>\n<title>Simul</title>\n${"<p>A page of a local site.</p>\n".repeat(60)}`

/** In the model: a write's way to a thread and back, and a KiB of it, in milliseconds; what a transfer reads at once, in MiB. */
export const costs = { hop: 0.05, kibibyte: 0.0003, buffer: 0.5 }

const modelled = (): Web => {
  const disk = new Map<string, string>()
  const fetch = (url: string) =>
    Effect.delay(
      Effect.sync(() => bodyOf(url)),
      latencyMs
    )
  const write = (name: string, text: string, chunkBytes: number) => {
    const ms = Math.ceil(text.length / chunkBytes) * costs.hop + (text.length / 1024) * costs.kibibyte
    return Effect.delay(
      Effect.sync(() => {
        disk.set(name, text)
        return ms
      }),
      ms
    )
  }
  return {
    page: Effect.delay(Effect.succeed({ status: 200, type: "text/html; charset=utf-8", text: front }), latencyMs),
    secure: (trust) => Effect.delay(Effect.succeed(trust === "system" ? "refused" : "answered"), latencyMs),
    fetch,
    write,
    files: Effect.sync(() => {
      const texts = [...disk.values()]
      disk.clear()
      return texts
    }),
    get: (urls, jobs) =>
      Effect.forEach(
        urls,
        (url) => Effect.flatMap(fetch(url), (text) => write(encodeURIComponent(url), text, 65_536)),
        { concurrency: jobs, discard: true }
      ),
    memory: (way, files, jobs) => Effect.succeed(way === "whole" ? files * largeMebibytes : jobs * costs.buffer)
  }
}

/** A web of its own for each run. */
export const Web = Context.Reference<Effect.Effect<Web>>("@simul/demos/Web", {
  defaultValue: () => Effect.sync(modelled)
})
