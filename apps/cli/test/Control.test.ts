/** One terminal holds and steers what runs in another: a run, and who waits for it, are processes of their own. */
import { assert, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import { once } from "node:events"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { shellWord } from "../src/ShellWord.ts"
import * as Folder from "./Folder.ts"
import * as InProcess from "./InProcess.ts"
import { read, savedIn } from "./Killed.ts"
import * as Program from "./Program.ts"

const { folder: root } = Folder.make("control")

/** Starts a program; `said` waits for a text on its standard error. */
const begin = (args: ReadonlyArray<string>) => {
  const child = Program.start(args)
  let stderr = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  child.stdout.resume()
  const ended = once(child, "close").then(([status]) => status as number | null)
  const said = async (text: string) => {
    while (!stderr.includes(text)) {
      assert.strictEqual(child.exitCode, null, `it ended: ${stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { child, ended, said }
}
const page = (...links: ReadonlyArray<string>) => links.map((link) => `<a href="${link}">there</a>`).join("\n")
const simul = (...args: ReadonlyArray<string>) => InProcess.screen(args)

describe.concurrent("simul pause, resume and scope", () => {
  it("pauses a run when nothing is in flight any more, and lets it go on", async () => {
    await using site = await Site.start()
    // as deep as a socket's address cannot be
    const directory = join(root, "pause", "x".repeat(100))
    const urls = ["/hold/gate/bytes/10/first", "/bytes/10/b", "/bytes/10/c"].map((path) => site.url(path))
    const run = begin(["get", ...urls, "-j", "1", "--timeout", "10m", "-o", directory])
    await site.arrived(1, "/hold/")
    const pause = begin(["pause", directory])
    await pause.said("pausing: 1 transfer in flight")
    assert.strictEqual(pause.child.exitCode, null)
    site.release("gate")
    await pause.said(`\`simul resume ${shellWord(directory)}\` goes on`)
    assert.strictEqual(await pause.ended, 0)
    assert.strictEqual(site.requests.length, 1)
    assert.strictEqual(savedIn(await read(directory)).length, 1, "what came is saved")
    assert.strictEqual(
      await simul("scope", directory),
      `exit 1\n--- stdout\n--- stderr\nerror: the run in ${directory} cannot do that: a list of URLs has no scope\n`
    )
    assert.strictEqual(site.requests.length, 1)
    assert.include(await simul("resume", directory), "resumed")
    assert.strictEqual(await run.ended, 0)
    assert.strictEqual(site.requests.length, 3)
  })

  it("tells on standard output what a run that is stopped commits last", async () => {
    await using site = await Site.start()
    const directory = join(root, "last")
    const urls = ["/bytes/10/a", "/hold/gate/bytes/10/b"].map((path) => site.url(path))
    const run = begin(["get", ...urls, "--json", "--timeout", "10m", "-o", directory])
    let stdout = ""
    run.child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    await site.arrived(1, "/hold/")
    // it is there before it is committed, a fifth of a second later
    while (!readdirSync(directory, { encoding: "utf8", recursive: true }).some((name) => name.endsWith("a.data")))
      await new Promise((resolve) => setTimeout(resolve, 5))
    run.child.kill("SIGINT")
    assert.strictEqual(await run.ended, 130)
    const told = stdout.split("\n").slice(0, -1)
    assert.deepStrictEqual(
      told.map((line) => (JSON.parse(line) as { readonly url: string }).url),
      urls.slice(0, 1)
    )
  })

  it("has a list that was stopped in a pause known for unfinished until it is read to its end", async () => {
    await using site = await Site.start()
    const directory = join(root, "stopped")
    const [first, second, other] = ["/hold/gate/bytes/10/first", "/bytes/10/b", "/bytes/10/c"].map((path) =>
      site.url(path)
    )
    const [list, foreign] = [join(root, "list.txt"), join(root, "foreign.txt")]
    writeFileSync(list, `${first}\n${second}\n`)
    writeFileSync(foreign, second!, "utf16le")
    const whole = ["get", "-i", list, "-o", directory]
    const run = begin([...whole, "-j", "1", "--timeout", "10m"])
    await site.arrived(1, "/hold/")
    const pause = begin(["pause", directory])
    await pause.said("pausing: 1 transfer in flight")
    site.release("gate")
    assert.strictEqual(await pause.ended, 0)
    run.child.kill("SIGINT")
    assert.strictEqual(await run.ended, 130)
    assert.strictEqual((await read(directory)).length, 1, "the other has no row that would be told of")
    assert.match(await simul("get", other!, "-o", directory), /^exit 0\n/)
    const verified = `exit 3\n--- stdout\n--- stderr\nerror: no run came to the end of ${list}\n`
    assert.include(await simul("verify", directory), verified, "a run between says nothing of it")
    assert.match(await simul(...whole), /^exit 0\n/)
    const all = /^exit 0\n--- stdout\n--- stderr\nverified 3 files \(30 B\): all as recorded\n/
    assert.match(await simul("verify", directory), all)
    for (const refused of [
      [...whole, "--cacert", "/nope"],
      ["get", "-i", foreign, "-o", directory]
    ])
      assert.match(await simul(...refused), /^exit [12]\n/)
    assert.match(await simul("verify", directory), all, "a command that was refused began nothing")
  })

  it("shows the rules of a crawl, and changes them for what is queued too", async ({ expect }) => {
    await using site = await Site.start()
    const [some, others] = ["a", "b"].map((name) => Array.from({ length: 5 }, (_, index) => `/${name}/${index}.html`))
    site.put("/index.html", page("/hold/gate/bytes/10/first", ...some!, ...others!))
    for (const path of [...some!, ...others!]) site.put(path, "x")
    const directory = join(root, "scope")
    const run = begin(["crawl", site.url("/index.html"), "-j", "1", "--timeout", "10m", "-o", directory])
    await site.arrived(1, "/hold/")
    const scope = async (...flags: ReadonlyArray<string>) =>
      (await simul("scope", directory, ...flags)).replaceAll(String(site.port), "PORT")
    expect(await scope("--exclude", "/a/", "--depth", "4")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      seeds      http://127.0.0.1:PORT/index.html
      scope      host
      include    all
      exclude    /a/
      depth      4
      max-pages  any
      per host   any
      --- stderr
      changed: 5 queued URLs left out

      hint: this holds for the run; a crawl that is started again goes by the flags it is given

      "
    `)
    const refusedNow = (await read(directory)).filter((entry) => "outcome" in entry && entry.outcome._tag === "Refused")
    assert.strictEqual(refusedNow.length, 5, "it is committed when it is told")
    expect(await scope("--exclude", "", "--depth", "any", "--max-pages", "1000")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      seeds      http://127.0.0.1:PORT/index.html
      scope      host
      include    all
      exclude    none
      depth      any
      max-pages  1,000
      per host   any
      --- stderr
      changed: 5 URLs taken in

      hint: this holds for the run; a crawl that is started again goes by the flags it is given

      "
    `)
    expect(await scope("--exclude", "/b/", "--json")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"seeds":["http://127.0.0.1:PORT/index.html"],"scope":"host","depth":null,"maxPages":1000,"maxPagesPerHost":null,"left":5,"found":0,"include":[],"exclude":["/b/"],"priorities":[]}
      --- stderr
      changed: 5 queued URLs left out

      hint: this holds for the run; a crawl that is started again goes by the flags it is given

      "
    `)
    expect(await scope("--depth", "deep")).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --depth: expected a whole number from 0 to 1000000, got "deep"

      hint: \`simul scope --help\` lists the flags and what they take
      "
    `)
    site.release("gate")
    assert.strictEqual(await run.ended, 3)
    const entries = await read(directory)
    const refused = entries.flatMap((entry) =>
      "outcome" in entry && entry.outcome._tag === "Refused"
        ? [`${new URL(entry.outcome.url).pathname} ${entry.outcome.error.message}`]
        : []
    )
    assert.deepStrictEqual(
      refused.toSorted(),
      others!.map((path) => `${path} excluded by /b/`)
    )
    assert.strictEqual(savedIn(entries).length, 7)
    assert.strictEqual(
      site.count(({ path }) => path.startsWith("/b/")),
      0
    )
  })

  it("says so where nothing runs, or no more, and listens again after a kill", async () => {
    await using site = await Site.start()
    const directory = join(root, "killed")
    const nothing = (command: string) =>
      `exit 1\n--- stdout\n--- stderr\nerror: no run works in ${directory}\n\nhint: the command that began it starts it, or goes on; name the directory that it writes to\n`.replace(
        "COMMAND",
        command
      )
    assert.strictEqual(await simul("pause", directory), nothing("pause"))
    const what = ["get", site.url("/hold/gate/bytes/10/a"), "--timeout", "10m", "-o", directory]
    const killed = begin(what)
    await site.arrived(1, "/hold/")
    killed.child.kill("SIGKILL")
    await killed.ended
    assert.strictEqual(await simul("resume", directory), nothing("resume"))
    const run = begin(what)
    await site.arrived(2, "/hold/")
    assert.include(await simul("resume", directory), "it was not paused")
    const pause = begin(["pause", directory])
    await pause.said("pausing: 1 transfer")
    run.child.kill("SIGTERM")
    assert.strictEqual(await run.ended, 130)
    assert.strictEqual(await pause.ended, 1)
    site.release("gate")
    assert.include(await simul(...what), "exit 0", "started again it is not paused")
  })
})
