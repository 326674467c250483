/** A run has no more in flight than the system has open files for: it says so, and no target fails for it. */
import { assert, describe, it } from "@effect/vitest"
import { Certificate, Site } from "@simul/scraper/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createSecureServer } from "node:http2"
import * as https from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

const { key, certificate: cert } = Certificate.make()
const identity = { key, cert }

/** Fetches URLs in a process that may have so many files open. */
const runWithin = async (files: number, urls: ReadonlyArray<string>, ...flags: ReadonlyArray<string>) => {
  const out = mkdtempSync(join(tmpdir(), "simul-files-"))
  const args = ["get", "-i", "-", "-o", out, "-j", "200", "--per-host", "200", "--progress", "none", ...flags]
  const shell = spawn("sh", ["-c", `ulimit -n ${files}; exec "$@"`, "sh", process.execPath, main, ...args])
  let told = ""
  shell.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text
  })
  shell.stdin.end(urls.join("\n"))
  const [status] = (await once(shell, "close")) as [number | null]
  rmSync(out, { recursive: true })
  return { status, told }
}
const run = (urls: ReadonlyArray<string>, ...flags: ReadonlyArray<string>) => runWithin(120, urls, ...flags)

describe.runIf(process.platform === "linux")("a process that may open few files", () => {
  it("has fewer transfers in flight than asked for, says so, and saves all", async () => {
    await using site = await Site.start()
    const { status, told } = await run(
      Array.from({ length: 200 }, (_, index) => site.url(`/slow/20/bytes/100/${index}`))
    )
    assert.strictEqual(status, 0, told)
    assert.include(told, "warning: this process may have 120 files open (`ulimit -n`): 24 transfers at once, not 200\n")
    assert.isAtMost(site.maxInFlight("/slow/"), 24)
  })

  it("says so at once where that is too few for one transfer", async () => {
    const { status, told } = await runWithin(39, ["http://127.0.0.1:1/"])
    assert.deepStrictEqual(
      { status, told },
      {
        status: 1,
        told: "error: this process may have 39 files open, and a run needs 40\n\nhint: `ulimit -n 1024` raises that for the shell it is run in\n"
      }
    )
  })

  it.each([
    ["HTTP", "http", (answer: RequestListener) => createServer({ keepAliveTimeout: 60_000 }, answer)],
    [
      "HTTPS",
      "https",
      (answer: RequestListener) => https.createServer({ ...identity, keepAliveTimeout: 60_000 }, answer)
    ],
    [
      "HTTP/2",
      "https",
      (answer: RequestListener) =>
        createSecureServer({ ...identity, allowHTTP1: true }, (request, response) =>
          answer(request as unknown as IncomingMessage, response as unknown as ServerResponse)
        )
    ]
  ] as const)("leaves no connection resting at each of many hosts that speak %s", async (_what, scheme, serve) => {
    // it says that it keeps its connections for longer than the run takes
    const server = serve((_request, response) => void response.end("a page"))
    await once(server.listen(0, "0.0.0.0"), "listening")
    const { port } = server.address() as AddressInfo
    const urls = Array.from({ length: 200 }, (_, index) => `${scheme}://127.0.1.${1 + index}:${port}/${index}`)
    const { status, told } = await run(urls, "--retries", "0", "--insecure")
    server.close()
    assert.strictEqual(status, 0, told)
  })
})
