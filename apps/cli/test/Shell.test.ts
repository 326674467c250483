import { assert, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { join } from "node:path"
import { Readable } from "node:stream"
import { shell } from "../src/command/Shell.ts"
import { services } from "../src/Process.ts"
import { Screen } from "../src/Screen.ts"
import { record } from "./Archive.ts"
import * as FakeScreen from "./FakeScreen.ts"
import * as Folder from "./Folder.ts"
import * as Program from "./Program.ts"

const { folder, put } = Folder.make("shell")
const html =
  "<!doctype html><title>Shop</title><h1>Lamp\u202e</h1><a href=/next>on</a><i class=tag>a</i><i class=tag>b</i>"
const file = join(folder, "page.html")
put("page.html", html)

const talk = async (target: string, lines: ReadonlyArray<string>, quiet = true, url?: string) => {
  const fake = FakeScreen.make()
  const input = Readable.from([lines.map((line) => `${line}\n`).join("")])
  const exit = await Effect.runPromiseExit(
    Effect.provide(shell(target, url, input, quiet), Layer.merge(Layer.succeed(Screen, fake.screen), services))
  )
  return { exit, stdout: fake.stdout(), stderr: fake.stderr() }
}

describe("shell", () => {
  it("answers selectors, one a line, and shows no control character of the page", async () => {
    const { stdout, stderr } = await talk(file, ["h1", "", " .tag[] ", "a@href", ".none", "a[", ".exit", "title"])
    assert.strictEqual(stdout, "Lamp\\u{202e}\na\nb\n/next\n")
    assert.match(stderr, /^error: nothing matches\nerror: no selector: "a\[": .*\n$/)
  })
  it("has commands", async () => {
    const { stdout, stderr } = await talk(file, [".links", ".metadata", ".article", ".help"], false)
    assert.include(stdout, "/next\ton\n")
    assert.include(stdout, '"title": "Shop"')
    assert.include(stdout, "a line is a selector")
    assert.include(stderr, `${file}: a selector, or .help\n`)
  })
  it("opens a URL, and knows its addresses", async () => {
    await using site = await Site.start({ files: { "/a/": { body: html, headers: { "content-type": "text/html" } } } })
    const { stdout } = await talk(site.url("/a/"), ["a@href"])
    assert.strictEqual(stdout, `${site.url("/next")}\n`)
  })
  it("opens the whole one of the records of a page", async () => {
    put("a.warc", record("a", "<h1", "WARC-Truncated: disconnect\r\n") + record("a", "<h1>Lamp</h1>"))
    assert.strictEqual((await talk(join(folder, "a.warc"), ["h1"])).stdout, "Lamp\n")
  })
  it("shows no credentials of a URL, whether there is a page or not", async () => {
    await using site = await Site.start()
    const url = site.url("/status/404/x").replace("://", "://user:secret@")
    const { stderr: missing } = await talk(url, [])
    assert.include(missing, `error: ${url.replace("user:secret", "***")}: `)
    const { stderr: given } = await talk(file, [], false, url)
    assert.include(given, `${url.replace("user:secret", "***")}: a selector`)
  })
  it("says why a page cannot be opened", async () => {
    await using site = await Site.start()
    assert.include((await talk(site.url("/status/404/x"), [])).stderr, "HTTP 404")
    const { exit } = await talk(join(folder, "none.html"), [])
    assert.include(String(exit), "PathUnreadable")
  })
  it("says which URL may be meant by what begins like a host, and by no name of a page", async () => {
    const said = async (target: string) => JSON.stringify((await talk(target, [])).exit)
    assert.include(await said("example.com/a"), "did you mean `https://example.com/a`?")
    assert.include(await said("localhost:1/a.html"), "did you mean `http://localhost:1/a.html`?")
    assert.notInclude(await said("none.html"), "did you mean")
  })
  it("says that it needs a terminal for selectors while the page is on standard input", async () => {
    const text = await Program.screen(["shell", "-"], { input: html, detached: true })
    assert.match(
      text,
      /^exit 2\n--- stdout\n--- stderr\nerror: the page is on standard input, and there is no terminal/
    )
  })
  it("is driven through pipes", async () => {
    const text = await Program.screen(["shell", file, "-q"], { input: "title\n" })
    assert.strictEqual(text, "exit 0\n--- stdout\nShop\n--- stderr\n")
  })
})
