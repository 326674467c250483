import { assert, it } from "@effect/vitest"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Site from "../../src/testing/Site.ts"
import * as SiteProcess from "../../src/testing/SiteProcess.ts"
import { ask, Connection, request } from "./RawClient.ts"

it("serves from a process of its own and logs each request, also of clients that were cut off", async () => {
  const directory = mkdtempSync(join(tmpdir(), "site-"))
  try {
    const log = join(directory, "requests.jsonl")
    await using site = await SiteProcess.start({ log, hosts: ["127.0.0.1", "127.0.0.2"] })
    assert.deepStrictEqual(site.requests(), [])
    const { body } = await ask(site.url("/bytes/1000/x"), { "x-mine": "1" })
    assert.isTrue(body.equals(Site.body("/bytes/1000/x")))
    const stalled = new Connection(site.url("/"), request(site.url("/stall/10/3")))
    await stalled.until((now) => now.body.length === 3)
    stalled.socket.destroy()
    const seen = site.requests()
    assert.deepStrictEqual(
      seen.map(({ method, path, host }) => [method, path, host]),
      [
        ["GET", "/bytes/1000/x", "127.0.0.1"],
        ["GET", "/stall/10/3", "127.0.0.1"]
      ]
    )
    assert.strictEqual(seen[0]!.headers["x-mine"], "1")

    // The log goes on where it was when the site is started again.
    const again = await SiteProcess.start({ log })
    await ask(again.url("/bytes/1/y"))
    await again.close()
    assert.strictEqual(again.requests().length, 3)
    const [error] = await once(Net.connect(Number(new URL(again.url("/")).port), "127.0.0.1"), "error")
    assert.strictEqual(error.code, "ECONNREFUSED")
  } finally {
    rmSync(directory, { recursive: true })
  }
})

it("ends when the process that started it does", async () => {
  const entry = fileURLToPath(new URL("../../src/testing/serve.ts", import.meta.url))
  const child = spawn(process.execPath, [entry, "--with-parent"], { stdio: ["pipe", "pipe", "inherit"] })
  const ended = once(child, "exit")
  const [line] = await once(child.stdout, "data")
  assert.match(String(line), /^http:\/\/127\.0\.0\.1:\d+\n$/)
  child.stdin.end()
  assert.deepStrictEqual(await ended, [0, null])
})

it("rejects when the port is taken", async () => {
  await using site = await Site.start()
  const message = await SiteProcess.start({ port: site.port }).then(
    () => "started",
    (error: Error) => error.message
  )
  assert.match(message, /ended with status 1/)
})

// `await using` is a part of the language from Node 24 on.
it.skipIf(Number.parseInt(process.versions.node) < 24)(
  "runs the program of its README and prints what the README says",
  () => {
    const readme = readFileSync(new URL("../../src/testing/README.md", import.meta.url), "utf8")
    const [, program, output] = /```ts\n([^]*?)```\n```\n([^]*?)```/.exec(readme)!
    const printed = execFileSync(process.execPath, ["--input-type=module-typescript", "-e", program!], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8"
    })
    assert.strictEqual(printed, output)
  }
)
