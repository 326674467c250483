/** One looks into a run of the real program while it fetches. */
import { assert, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as BlockedDetector from "@simul/core/node/BlockedDetector"
import { nameable } from "../src/Watched.ts"
import * as Program from "./Program.ts"

describe.skipIf(process.platform === "win32")("SIGUSR2", () => {
  it("says of a run who is waiting for what, and for how many transfers", async () => {
    const directory = fs.mkdtempSync(join(tmpdir(), "simul-watched-"))
    try {
      await using site = await Site.start()
      const urls = ["/hold/gate/bytes/10/a", "/hold/gate/bytes/10/b"].map((path) => site.url(path))
      const child = Program.start(["get", ...urls, "-j", "3", "--timeout", "10m", "-o", directory])
      let stderr = ""
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      child.stdout.resume()
      const closed = once(child, "close")
      await site.arrived(2, "/hold/")
      child.kill("SIGUSR2")
      while (!stderr.includes("disk watch") && child.exitCode === null)
        await Promise.race([once(child.stderr, "data"), closed])
      child.kill("SIGINT")
      assert.deepStrictEqual(await closed, [130, null])
      // one more at the beginning, which will listen for a second terminal
      assert.match(stderr, /^(?:9|10) fibers: /m)
      for (const line of [
        /^run #\d+ {2}waiting for a commit /m,
        // these two look around now and then
        /^└ committer #\d+ {2}/m,
        /^└ disk watch #\d+ {2}/m,
        /^└ frontier #\d+ {2}waiting for demand /m,
        /^└ workers #\d+ {2}waiting for /m,
        /^ {2}└ 2 × worker {2}waiting for a transfer /m,
        /^ {2}└ worker #\d+ {2}waiting for a target /m,
        /^└ progress #\d+ {2}waiting for sleep /m
      ])
        assert.match(stderr, line)
      assert.notInclude(stderr, "(no name)")
    } finally {
      fs.rmSync(directory, { recursive: true, force: true })
    }
  })
  it("says it of a crawl, which goes on", async () => {
    const directory = fs.mkdtempSync(join(tmpdir(), "simul-watched-"))
    try {
      await using site = await Site.start()
      const child = Program.start(["crawl", site.url("/hold/gate/bytes/10/a"), "--no-robots", "-o", directory])
      child.stdout.resume()
      await site.arrived(1, "/hold/")
      child.kill("SIGUSR2")
      const [text] = (await once(child.stderr.setEncoding("utf8"), "data")) as [string]
      assert.match(text, /^\d+ fibers: /)
      child.kill("SIGINT")
      assert.deepStrictEqual(await once(child, "close"), [130, null])
    } finally {
      fs.rmSync(directory, { recursive: true, force: true })
    }
  })
})

describe("a blocked loop of the published program", () => {
  const blockedBy = (name: string, file: string) =>
    BlockedDetector.describe(
      nameable(
        {
          durationMs: 700,
          cpuMs: 650,
          stack: [{ function: name, file, line: 383, column: 2010 }],
          takenMs: 510,
          isNative: false,
          reason: undefined
        },
        "/opt/simul/dist"
      )
    )

  it("is told without the names that a minifier gave, and with those of others", () => {
    assert.strictEqual(
      blockedBy("cW", "/opt/simul/dist/simul.js.Get"),
      "event loop blocked for 700 ms (CPU 650 ms) by this program (simul.js.Get:383:2010)"
    )
    assert.strictEqual(
      blockedBy("statSync", "node:fs"),
      "event loop blocked for 700 ms (CPU 650 ms) by statSync (node:fs:383:2010)"
    )
  })
})
