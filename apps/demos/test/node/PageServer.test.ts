import type { Played } from "@simul/core/scenario/Scenario"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { request } from "node:http"
import * as PageServer from "../../src/node/PageServer.ts"

let server: PageServer.Server
beforeAll(async () => {
  server = await PageServer.start(0)
})
afterAll(() => server.close())

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** `fetch` sets the headers that matter here itself. */
const ask = (path: string, { method = "GET", headers = {}, body = "" }: Asked = {}) =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    request(new URL(path, server.url), { method, headers }, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += String(chunk)))
      response.on("end", () => resolve({ status: response.statusCode!, text }))
    })
      .on("error", reject)
      .end(body)
  })
const run = (name: string, body: string, headers = {}) => ask(`run/${name}`, { method: "POST", body, headers })

describe("the server of the page", () => {
  it.each([
    ["a name that points here", { host: "attacker.example" }],
    ["this address at another port", { host: "127.0.0.1:1" }],
    ["another site", { origin: "https://attacker.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a picture or a script of another site", { "sec-fetch-site": "cross-site" }]
  ])("answers nothing to %s", async (_, headers) => {
    assert.strictEqual((await ask("index.html", { headers })).status, 403)
    assert.strictEqual((await run("timeouts", "{}", headers)).status, 403)
  })

  it("serves files, and nothing else of the disk", async () => {
    assert.include((await ask("")).text, "<!doctype html>")
    for (const path of ["package.json", "../package.json", "%2e%2e/package.json", "run/chess"])
      assert.notStrictEqual((await ask(path)).status, 200, path)
  })

  it.each([
    ["nothing", "{}", 404, "there is no demo called nothing"],
    ["chess", `{"opponents":200}`, 400, "--opponents must be a whole number from 1 to 50, got 200"],
    ["chess", `{"html":"/tmp/x"}`, 400, "--html must be one of --opponents, --move, --reply, --moves, --minute"],
    ["chess", "no", 400, "the body must be a JSON object of parameters"]
  ])("refuses to run %s with %s", async (name, body, status, message) => {
    const answer = await run(name, body)
    assert.strictEqual(answer.status, status)
    assert.include((JSON.parse(answer.text) as { error: string }).error, message)
  })

  it("plays for real: a line for each event, then the checks", async () => {
    const { status, text } = await run("chess", `{"opponents":2,"moves":2,"minute":1}`)
    assert.strictEqual(status, 200)
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly _tag?: string })
    const tags = lines.map(({ _tag }) => _tag)
    assert.deepStrictEqual([tags[0], tags.at(-2), tags.at(-1)], ["Opened", "Closed", undefined])
    const { mode, parameters, checks } = lines.at(-1) as unknown as Played
    assert.deepStrictEqual([mode, parameters["opponents"], parameters["moves"]], ["real", 2, 2])
    for (const { measured, only } of checks) if (only !== "virtual") assert.isNumber(measured)
  })

  it("plays one at a time, and ends a run when its reader leaves", async () => {
    const left = new AbortController()
    const long = await fetch(new URL("run/chess", server.url), {
      method: "POST",
      body: `{"minute":1000}`,
      signal: left.signal
    })
    assert.strictEqual(long.status, 200)
    assert.strictEqual((await run("timeouts", "{}")).status, 409)
    left.abort()
    // hours of a run that went on would keep this busy
    for (;;) {
      const { status } = await run("timeouts", "{}")
      if (status === 200) break
      assert.strictEqual(status, 409)
    }
  })
})
