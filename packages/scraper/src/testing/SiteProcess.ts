/** A site in a process of its own, seen from the test that started it. The process is `serve.ts`. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as Listening from "./Listening.ts"

/** Of a site in a process of its own. */
export interface Options {
  /** Default: a free one. */
  readonly port?: number
  readonly hosts?: ReadonlyArray<string>
  readonly latencyMs?: number
  /** Serve https, and write the authority to trust to this file. */
  readonly ca?: string
  /** Where each request is appended, one JSON line each; it outlives the process. Absent: no log. */
  readonly log?: string
}

/** A line of the log. */
export interface LoggedRequest {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly method: string
  readonly path: string
  readonly host: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** A site that runs in a process of its own. */
export interface SiteProcess extends Listening.Running {
  readonly pid: number
  readonly url: (path: string) => string
  /** Reads the log as it is now; empty without one. */
  readonly requests: () => ReadonlyArray<LoggedRequest>
}

/** Starts the process and waits until it listens. Rejects when it ends before that. */
export const start = async (options: Options = {}): Promise<SiteProcess> => {
  const { ca, hosts = [], latencyMs = 0, log, port = 0 } = options
  // not at import: a bundle that is CommonJS by esbuild has no `import.meta.url`, and may use the rest
  const entry = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./serve.ts" : "./serve.js", import.meta.url))
  const flags = ["--with-parent", "--port", String(port), "--latency", String(latencyMs)]
  for (const host of hosts) flags.push("--host", host)
  if (ca !== undefined) flags.push("--tls", "--ca", ca)
  if (log !== undefined) flags.push("--log", log)
  const child = spawn(process.execPath, [entry, ...flags], { stdio: ["pipe", "pipe", "inherit"] })
  const ended = once(child, "exit")
  const lines = createInterface({ input: child.stdout })
  const origin = await Promise.race([
    once(lines, "line").then(([line]) => line as string),
    ended.then(([code]) => Promise.reject(new Error(`the site ended with status ${code} before it listened`)))
  ])
  const close = async () => {
    child.kill("SIGKILL")
    await ended
  }
  return {
    pid: child.pid!,
    url: (path) => `${origin}${path}`,
    requests: () =>
      log === undefined || !existsSync(log)
        ? []
        : readFileSync(log, "utf8")
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line) as LoggedRequest),
    close,
    [Symbol.asyncDispose]: close
  }
}

/** A site process that lives as long as the scope. */
export const make = (options: Options = {}): Effect.Effect<SiteProcess, never, Scope.Scope> =>
  Listening.scoped(() => start(options))
