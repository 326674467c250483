/**
 * What a run knew of a host when it was killed with SIGKILL, the next one keeps to: the delay and the rules of its
 * robots.txt, without asking for that again, and its Retry-After.
 *
 * Nothing here depends on speed: a request is at the server no sooner than it was sent, so what comes too soon was sent
 * too soon.
 */
import { assert, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import { once } from "node:events"
import { join } from "node:path"
import * as Folder from "./Folder.ts"
import { read } from "./Killed.ts"
import * as Program from "./Program.ts"

const { folder: root } = Folder.make("crash-polite")

/** Clocks are read in whole milliseconds, and by two processes. */
const roundingMs = 5

/** Runs it until the store has what is waited for, then kills it. */
const killed = async (args: ReadonlyArray<string>, directory: string, isKnown: () => Promise<boolean>) => {
  const child = Program.start([...args, "-o", directory])
  const ended = once(child, "close")
  while (!(await isKnown())) {
    assert.strictEqual(child.exitCode, null, "it ended too early")
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  child.kill("SIGKILL")
  await ended
}

describe("simul, killed and started again", () => {
  it("keeps the Crawl-delay and the rules that it knew, and asks for no second robots.txt", async () => {
    await using site = await Site.start({
      files: { "/robots.txt": "User-agent: *\nCrawl-delay: 1\nDisallow: /bytes/9/" }
    })
    const directory = join(root, "delay")
    const paths = ["/bytes/9/no", "/bytes/10/a", "/bytes/10/b"]
    const args = ["get", "--robots", ...paths.map((path) => site.url(path))]
    const isSettled = async () => (await read(directory)).some((entry) => "outcome" in entry)
    await killed(args, directory, isSettled)
    site.put("/robots.txt", "User-agent: *\nAllow: /")
    const before = site.requests.length
    const startedMs = performance.now()
    const screen = await Program.screen([...args, "-o", directory])
    assert.include(screen, "exit 3")
    assert.match(screen, /robots\.txt/)
    assert.strictEqual(site.count("/robots.txt"), 1)
    assert.strictEqual(site.count("/bytes/9/no"), 0)
    const [first] = site.requests.slice(before)
    assert.isAtLeast(first!.atMs - startedMs, 1000 - roundingMs)
  })

  it("waits for the end of a Retry-After that it knew", async () => {
    await using site = await Site.start()
    const directory = join(root, "pause")
    const args = ["get", site.url("/retry-after/2/1/503/bytes/10/a")]
    const isParked = async () =>
      (await read(directory)).some((entry) => "pending" in entry && entry.pending.attempts === 1)
    await killed(args, directory, isParked)
    assert.include(await Program.screen([...args, "-o", directory]), "exit 0")
    const [first, second] = site.requests
    assert.isAtLeast(second!.atMs - first!.atMs, 2000 - roundingMs)
  })
})
