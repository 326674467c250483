/**
 * A site as a process of its own: for tests that kill their client, and for
 * benchmarks that must not share a thread with it.
 *
 *     node serve.ts [--port N] [--host ADDRESS]... [--log FILE] [--latency MS] [--tls] [--http2] [--ca FILE] [--with-parent]
 *
 * Prints its URL as the first line on stdout when it listens. `--log` appends a
 * JSON line `{atMs, method, path, host, headers}` for each request, before any
 * byte of its response is sent: what a client has received is in the log, even
 * when that client was killed. `--ca` writes the authority to trust. With
 * `--with-parent` it ends when its stdin does, so no killed test leaves it behind.
 */
import { openSync, writeFileSync, writeSync } from "node:fs"
import { parseArgs } from "node:util"
import * as Site from "./Site.ts"

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    host: { type: "string", multiple: true, default: ["127.0.0.1"] },
    log: { type: "string" },
    latency: { type: "string", default: "0" },
    tls: { type: "boolean", default: false },
    http2: { type: "boolean", default: false },
    ca: { type: "string" },
    "with-parent": { type: "boolean", default: false }
  }
})

const log = values.log === undefined ? undefined : openSync(values.log, "a")
const starting = Site.start({
  port: Number(values.port),
  hosts: values.host,
  latencyMs: Number(values.latency),
  tls: values.tls || values.http2,
  http2: values.http2,
  log: false,
  ...(log === undefined
    ? {}
    : {
        onRequest: ({ method, path, host, headers }) => {
          // The wall clock, since the readers of the log are other processes.
          writeSync(log, `${JSON.stringify({ atMs: Date.now(), method, path, host, headers })}\n`)
        }
      })
})
const site = await starting.catch((error: Error) => {
  process.stderr.write(`error: ${error.message}\n`)
  process.exit(1)
})
if (values.ca !== undefined) writeFileSync(values.ca, site.ca)
process.stdout.write(`${site.url("")}\n`)
if (values["with-parent"]) process.stdin.resume().once("end", () => process.exit(0))
