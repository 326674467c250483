/** `--timeline FILE`, by the whole program against a loopback site. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as InProcess from "./InProcess.ts"
import * as Program from "./Program.ts"

const cwd = fs.mkdtempSync(join(tmpdir(), "simul-timeline-"))
const home = process.cwd()
let site: Site.Site
beforeAll(async () => {
  site = await Site.start()
  process.chdir(cwd)
})
afterAll(async () => {
  process.chdir(home)
  await site.close()
  fs.rmSync(cwd, { recursive: true })
})

interface Trace {
  readonly otherData: {
    readonly title: string
    readonly totals: ReadonlyArray<{ readonly group: string; readonly lanes: number }>
  }
  readonly traceEvents: ReadonlyArray<{
    readonly ph: string
    readonly cat: string
    readonly name: string
    readonly args: Record<string, string | number>
  }>
}
const read = (file: string) => fs.readFileSync(join(cwd, file), "utf8")
const readTrace = (file: string) => JSON.parse(read(file)) as Trace
const targets = ({ traceEvents }: Trace) => traceEvents.filter(({ ph, cat }) => ph === "X" && cat === "target")
const leftovers = () => fs.readdirSync(cwd).filter((name) => name.endsWith(".part"))

describe.concurrent("--timeline", () => {
  it("writes a trace in which the times of each target add up", async () => {
    const paths = ["/bytes/10240/a.html", "/encoded/gzip/50000/b.html", "/redirect/2/bytes/500/c", "/status/404/d"]
    const screen = await InProcess.screen([
      "get",
      ...paths.map((path) => site.url(path)),
      "-o",
      "trace",
      "--timeline",
      "trace.json"
    ])
    assert.match(screen, /^exit 3\n--- stdout\n--- stderr\nsaved 3 of 4 URLs/)
    assert.match(screen, /\ntimeline: trace\.json\n$/)
    const trace = readTrace("trace.json")
    assert.strictEqual(trace.otherData.title, `simul get ${site.url(paths[0]!)} and 3 more -o trace`)
    assert.strictEqual(trace.otherData.totals[0]!.lanes, 4)
    assert.sameMembers(
      targets(trace).map(({ name }) => name),
      paths.map((path) => site.url(path))
    )
    for (const { name, args } of targets(trace)) {
      const { "total ms": total, ...rest } = args
      const times = Object.entries(rest).filter(([key]) => key.endsWith(" ms"))
      assert.isAtLeast(times.length, 3, name)
      assert.approximately(
        times.reduce((sum, [, ms]) => sum + (ms as number), 0),
        total as number,
        0.01,
        name
      )
    }
  })

  it("writes a page that shows the run", async () => {
    const url = site.url("/bytes/10240/page.html", { userinfo: "user:secret" })
    const screen = await InProcess.screen(["get", url, "-O", "page.out", "--timeline", "page.HTML"])
    assert.match(screen, /^exit 0\n[\s\S]*\ntimeline: page\.HTML\n$/)
    const page = read("page.HTML")
    assert.match(page, /^<!doctype html>/)
    assert.include(page, "<p>1 target in ")
    assert.include(page, `<th scope="row">${new URL(url).origin}</th>`)
    assert.notInclude(page, "secret")
  })

  it("leaves in the directory what its report shows of where the time went", async () => {
    const paths = ["/bytes/10240/a", "/slow/30/bytes/10/b", "/encoded/gzip/50000/c"]
    const urls = paths.map((path) => site.url(path))
    await InProcess.screen(["get", ...urls, "-o", "sums", "--timeline", "sums.json"])
    assert.match(await InProcess.screen(["report", "sums", "--html", "sums.html"]), /^exit 0\n/)
    const page = read("sums.html")
    assert.include(page, "<h2>Where the time went</h2>")
    const { host } = new URL(urls[0]!)
    assert.include(page, `<tr><td>${host}</td><td>3</td>`)
    for (const cause of ["first byte", "decode", "disk", "commit"])
      assert.match(page, new RegExp(`title="${cause} \\S+( \\S+)?, (&lt; )?[\\d.]+ %"`))
    assert.notMatch(page, /<script|src=|href=|@import|url\(|NaN|undefined/)
    // what is kept adds up to what the trace says
    const kept = JSON.parse(read("sums/.simul/times.json"))
    const { totals } = readTrace("sums.json").otherData
    assert.deepStrictEqual(
      kept.hosts.map(({ host: group, targets }: { host: string; targets: number }) => ({ group, lanes: targets })),
      totals.map(({ group, lanes }) => ({ group, lanes }))
    )
  })

  it("names a crawl by its first seed", async () => {
    const url = site.url("/bytes/10/seed.txt", { userinfo: "user:secret" })
    await InProcess.screen(["crawl", url, "-o", "crawled", "--max-pages", "1", "--timeline", "crawled.html"])
    const page = read("crawled.html")
    assert.include(page, `<title>simul crawl ${new URL(url).protocol}//***@${new URL(url).host}/bytes/10/seed.txt`)
    assert.notInclude(page, "secret")
  })

  it("says nothing more with -q and with -O -", async () => {
    const url = site.url("/bytes/10/quiet.txt")
    assert.strictEqual(
      await InProcess.screen(["get", url, "-o", "quiet", "-q", "--timeline", "quiet.json"]),
      "exit 0\n--- stdout\n--- stderr\n"
    )
    const body = await InProcess.screen(["get", url, "-O", "-", "--timeline", "pipe.json"])
    assert.isTrue(body.endsWith("--- stderr\n"), body)
    for (const file of ["quiet.json", "pipe.json"]) assert.strictEqual(targets(readTrace(file)).length, 1)
  })

  it("is written when the run is interrupted, with what was on its way", async () => {
    const urls = ["/bytes/10/first.txt", "/stall/100000/500/second.bin"].map((path) => site.url(path))
    const child = Program.start(["get", ...urls, "-o", "stopped", "--json", "--timeline", "stopped.json"], { cwd })
    await once(child.stdout, "data")
    child.stdout.resume()
    child.kill("SIGINT")
    const [status] = await once(child, "close")
    assert.strictEqual(status, 130)
    assert.deepStrictEqual(
      targets(readTrace("stopped.json")).map(({ name, args }) => [name, args["outcome"]]),
      [
        [urls[0], "saved"],
        [urls[1], "interrupted"]
      ]
    )
  })

  it("refuses a file of another kind, before anything is fetched", async ({ expect }) => {
    const screen = await InProcess.screen(["get", site.url("/bytes/10/usage"), "-o", "usage", "--timeline", "run.txt"])
    expect(screen).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --timeline: expected a file that ends in .html or .json, got "run.txt"

      hint: \`simul get --help\` lists the flags and what they take
      "
    `)
    assert.isFalse(fs.existsSync(join(cwd, "usage")))
  })

  it.each(["missing/run.html", "taken.html"])(
    "refuses %s, which cannot be written, before anything is fetched",
    async (file) => {
      fs.mkdirSync(join(cwd, "taken.html"), { recursive: true })
      const screen = await InProcess.screen(["get", site.url("/bytes/10/no"), "-o", "no", "--timeline", file])
      const code = file === "taken.html" ? "EISDIR" : "ENOENT"
      assert.strictEqual(
        screen,
        `exit 1\n--- stdout\n--- stderr\nerror: --timeline ${file}: cannot be written (${code})\n\n` +
          "hint: check the value of --timeline\n"
      )
      assert.isFalse(fs.existsSync(join(cwd, "no")))
    }
  )

  it("leaves the file of an earlier run where this one cannot start, and nothing unfinished anywhere", async () => {
    fs.writeFileSync(join(cwd, "earlier.html"), "earlier")
    const screen = await InProcess.screen(["get", "-i", "no-such-list", "-o", "none", "--timeline", "earlier.html"])
    assert.match(screen, /^exit 1\n/)
    assert.strictEqual(read("earlier.html"), "earlier")
  })
})

it("leaves nothing unfinished behind", () => {
  assert.deepStrictEqual(leftovers(), [])
})
