/** A run has no more in flight than the system has open files for: it says so, and no target fails for it. */
import { assert, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

describe.runIf(process.platform === "linux")("a process that may open few files", () => {
  it("has fewer transfers in flight than asked for, says so, and saves all", { timeout: 120_000 }, async () => {
    await using site = await Site.start()
    const urls = Array.from({ length: 200 }, (_, index) => site.url(`/slow/20/bytes/100/${index}`))
    const out = mkdtempSync(join(tmpdir(), "simul-files-"))
    const shell = spawn("sh", ["-c", `ulimit -n 120; exec "$@"`, "sh", process.execPath, main].concat(args(out)))
    let told = ""
    shell.stderr.setEncoding("utf8").on("data", (text: string) => {
      told += text
    })
    shell.stdin.end(urls.join("\n"))
    const [status] = (await once(shell, "close")) as [number | null]
    rmSync(out, { recursive: true })
    assert.strictEqual(status, 0, told)
    assert.include(told, "warning: this process may have 120 files open (`ulimit -n`): 24 transfers at once, not 200\n")
    assert.isAtMost(site.maxInFlight("/slow/"), 24)
  })
})

const args = (out: string) => ["get", "-i", "-", "-o", out, "-j", "200", "--per-host", "200", "--progress", "none"]
