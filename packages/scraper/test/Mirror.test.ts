import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Crawl from "../src/Crawl.ts"
import type { Options } from "../src/Options.ts"
import * as Directory from "../src/store/Directory.ts"
import { Site } from "../src/testing/index.ts"
import * as Folders from "./Folders.ts"
import { replaced } from "./Replaced.ts"

const { folder } = Folders.make("mirror")

const mirror = (seeds: ReadonlyArray<string>, options: Partial<Options> & { readonly directory: string }) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const run = yield* Crawl.open(seeds, { mirror: true }, { backoffMs: 1, retries: 0, robots: false, ...options })
      yield* Stream.runDrain(run.outcomes)
      return run.progress().mirror!
    }).pipe(Effect.scoped)
  )

/** Files below a folder, with their text. */
const filesIn = (directory: string): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== ".mirror")
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(directory.length + 1), fs.readFileSync(file, "utf8")] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
  )

const html = (body: string) => ({ headers: { "content-type": "text/html" }, body })
const hostOf = (site: Site.Site) => `127.0.0.1+${site.port}`

describe("a mirror", () => {
  it("has files that browsers take for what they are, and links that lead to them", async () => {
    await using site = await Site.start({
      files: {
        "/": html(
          "<link rel=stylesheet href=/style.php?v=1><a href=/about>a</a><a href=/about.html>b</a><a href=/moved>c</a><a href=/gone>d</a>"
        ),
        "/style.php": { headers: { "content-type": "text/css" }, body: "p{background:url(/i.png)}" },
        "/i.png": "png",
        "/about": html("<a href=/>up</a>"),
        "/about.html": html("<a href=about>other</a>"),
        "/moved": { status: 302, headers: { location: "/about" } }
      }
    })
    const directory = folder()
    const made = await mirror([site.url("/")], { directory })
    const found = filesIn(join(directory, "mirror", hostOf(site)))
    // `about.html` is the name of another page
    const about = Object.keys(found).find((name) => /^about~.*\.html$/.test(name))!
    assert.deepStrictEqual(found, {
      "about.html": `<a href=${about}>other</a>`,
      [about]: "<a href=index.html>up</a>",
      "i.png": "png",
      "index.html": `<link rel=stylesheet href=style%40v%3D1.php.css><a href=${about}>a</a><a href=about.html>b</a><a href=${about}>c</a><a href=${site.url("/gone")}>d</a>`,
      "moved.html": "<a href=index.html>up</a>",
      "style@v=1.php.css": "p{background:url(i.png)}"
    })
    assert.deepStrictEqual(made, {
      files: 6,
      missing: 0,
      total: 6,
      starts: [`mirror/${hostOf(site)}/index.html`]
    })
  })

  it("leaves what was saved as it came, and shares what stays the same with it", async () => {
    await using site = await Site.start({ files: { "/": html("<img src=/i.png>"), "/i.png": "png" } })
    const directory = folder()
    await mirror([site.url("/")], { directory })
    const saved = join(directory, hostOf(site))
    assert.deepStrictEqual(filesIn(saved), { "i.png": "png", "index.html": "<img src=/i.png>" })
    const inode = (name: string) => fs.statSync(join(directory, name, hostOf(site), "i.png")).ino
    assert.strictEqual(inode("mirror"), inode("."))
  })

  it("leads to one page by each of its URLs", async () => {
    await using site = await Site.start({
      files: {
        "/": html(`<a href="/p?b=2&amp;a=1"><a href="/p?a=1&amp;b=2#c"><a href="/p?utm_source=x&amp;b=2&a=1">`),
        "/p": html("p")
      }
    })
    const directory = folder()
    await mirror([site.url("/")], { directory })
    const name = "p%40b%3D2%26a%3D1.html"
    assert.strictEqual(
      filesIn(join(directory, "mirror", hostOf(site)))["index.html"],
      `<a href="${name}"><a href="${name}#c"><a href="${name}">`
    )
  })

  it("leads to pages behind the credentials of a seed, and has no word of them", async () => {
    await using site = await Site.start({
      files: { "/": html("<a href=/a.html><a href=//u:secret@127.0.0.1/>"), "/a.html": html("a") }
    })
    const directory = folder()
    const { starts } = await mirror([site.url("/", { userinfo: "user:secret" })], { directory })
    const page = fs.readFileSync(join(directory, starts![0]!), "utf8")
    const [, name] = /^<a href=(a~[a-z2-7]{12}\.html)>/.exec(page)!
    assert.strictEqual(fs.readFileSync(join(directory, starts![0]!, "..", name!), "utf8"), "a")
  })

  it("is not made twice of the same state, and anew of another one", async () => {
    await using site = await Site.start({ files: { "/": html("<a href=a.html>"), "/a.html": html("one") } })
    const directory = folder()
    const page = join(directory, "mirror", hostOf(site), "a.html")
    await mirror([site.url("/")], { directory })
    fs.writeFileSync(join(directory, "mirror", "seen"), "")
    await mirror([site.url("/")], { directory })
    assert.isTrue(fs.existsSync(join(directory, "mirror", "seen")))
    site.put("/a.html", html("two"))
    site.put("/", html("<a href=b.html>"))
    site.put("/b.html", html("b"))
    await mirror([site.url("/")], { directory, refresh: true })
    assert.isFalse(fs.existsSync(join(directory, "mirror", "seen")))
    assert.strictEqual(fs.readFileSync(page, "utf8"), "two")
    assert.deepStrictEqual(Object.keys(filesIn(join(directory, "mirror", hostOf(site)))), [
      "a.html",
      "b.html",
      "index.html"
    ])
  })

  it("goes on where making it was cut short", async () => {
    await using site = await Site.start({
      files: { "/": html("<a href=a.html><a href=b.html>"), "/a.html": html("a"), "/b.html": html("b") }
    })
    const directory = folder()
    await mirror([site.url("/")], { directory })
    const made = filesIn(join(directory, "mirror"))
    const aside = join(directory, ".simul", "mirror")
    fs.renameSync(join(directory, "mirror"), aside)
    fs.rmSync(join(aside, hostOf(site), "b.html"))
    fs.writeFileSync(join(aside, ".part"), "half")
    fs.rmSync(join(aside, hostOf(site), "index.html"))
    fs.writeFileSync(join(aside, hostOf(site), "index.html"), "made before")
    await mirror([site.url("/")], { directory })
    assert.deepStrictEqual(filesIn(join(directory, "mirror")), {
      ...made,
      [`${hostOf(site)}/index.html`]: "made before"
    })
    assert.isFalse(fs.existsSync(aside))
  })

  it("belongs to its run: one that failed in it goes on with it, and a refresh asks for nothing again", async () => {
    await using site = await Site.start({ files: { "/": html("<a href=a.html>"), "/a.html": html("a") } })
    const directory = folder()
    const mark = join(directory, "mirror", ".mirror")
    await mirror([site.url("/")], { directory })
    const refreshed = (meanwhile: () => void) => {
      site.reset()
      const options = { backoffMs: 1, robots: false, directory, refresh: true }
      return Effect.gen(function* () {
        const run = Crawl.outcomes([site.url("/")], { mirror: true }, options)
        const made = yield* Effect.exit(Stream.runForEach(run, () => Effect.sync(meanwhile)))
        const { unfinished } = yield* Effect.scoped(Directory.read(directory))
        return { made: made._tag, unfinished, asked: site.requests.length }
      }).pipe(Effect.runPromise)
    }
    // then it is nobody's that simul made
    const failed = await refreshed(() => fs.rmSync(mark, { force: true }))
    assert.deepStrictEqual(failed, { made: "Failure", unfinished: ["crawl"], asked: 2 })
    fs.rmSync(join(directory, "mirror"), { recursive: true })
    assert.deepStrictEqual(await refreshed(() => {}), { made: "Success", unfinished: [], asked: 0 })
    assert.isTrue(fs.existsSync(mark))
    assert.deepStrictEqual(await refreshed(() => {}), { made: "Success", unfinished: [], asked: 2 })
  })

  it("replaces nothing that it has not made", async () => {
    await using site = await Site.start({ files: { "/": html("a") } })
    const directory = folder()
    fs.mkdirSync(join(directory, "mirror"), { recursive: true })
    fs.writeFileSync(join(directory, "mirror", "mine"), "mine")
    const error = await mirror([site.url("/")], { directory }).catch((error) => error)
    assert.strictEqual(error._tag, "MirrorUnusable")
    assert.strictEqual(error.message, `${directory}/mirror is no mirror that simul made: it is left as it is`)
    assert.deepStrictEqual(filesIn(join(directory, "mirror")), { mine: "mine" })
    assert.strictEqual(site.requests.length, 0)
  })

  it("says how many saved files are gone", async () => {
    const files = { "/": html("<a href=a.html><a href=b/b.html>"), "/a.html": html("a"), "/b/b.html": html("b") }
    await using site = await Site.start({ files })
    const directory = folder()
    await mirror([site.url("/")], { directory })
    fs.rmSync(join(directory, "mirror"), { recursive: true })
    fs.rmSync(join(directory, hostOf(site), "a.html"))
    fs.rmSync(join(directory, hostOf(site), "b"), { recursive: true })
    fs.writeFileSync(join(directory, hostOf(site), "b"), "no folder any more")
    assert.deepInclude(await mirror([site.url("/")], { directory }), { files: 1, missing: 2 })
  })

  for (const call of ["lstatSync", "readFileSync"] as const)
    it(`is not made without a saved file that cannot be read (${call})`, async () => {
      await using site = await Site.start({ files: { "/": html("<a href=a.html>"), "/a.html": html("a") } })
      const directory = folder()
      await mirror([site.url("/")], { directory })
      fs.rmSync(join(directory, "mirror"), { recursive: true })
      const file = join(directory, hostOf(site), "a.html")
      const builtin = process.getBuiltinModule("node:fs")
      const own = builtin[call] as (...args: ReadonlyArray<unknown>) => unknown
      const failing = (...args: ReadonlyArray<unknown>) => {
        if (args[0] === file) throw Object.assign(new Error("EIO"), { code: "EIO" })
        return own(...args)
      }
      const made = Effect.promise(() => mirror([site.url("/")], { directory }).catch((error: unknown) => error))
      const whileFailing = Effect.andThen(replaced(builtin, { [call]: failing }), made)
      const error = await Effect.runPromise(Effect.scoped(whileFailing))
      assert.strictEqual((error as Error).message, `cannot look at ${file} (EIO)`)
      assert.deepInclude(await mirror([site.url("/")], { directory }), { files: 2, missing: 0 })
    })

  it("is not made of archives", async () => {
    const error = await mirror(["http://127.0.0.1:1/"], { directory: folder(), format: "warc" }).catch((error) => error)
    assert.strictEqual(error.message, "mirror true: archives hold no files to mirror")
  })

  it("knows what a body is that an earlier version saved without its type", async () => {
    await using site = await Site.start({
      files: {
        "/": html("<a href=about><img src=/pic><link rel=stylesheet href=s.css>"),
        "/about": html("<!doctype html><p>about"),
        "/pic": { headers: { "content-type": "image/png" }, body: "\u0089PNG" },
        "/s.css": "a{b:url(pic)}"
      }
    })
    const directory = folder()
    await mirror([site.url("/")], { directory })
    const { DatabaseSync } = await import("node:sqlite")
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    database.exec("UPDATE target SET type = NULL")
    database.close()
    fs.rmSync(join(directory, "mirror"), { recursive: true })
    await mirror([site.url("/")], { directory })
    assert.deepStrictEqual(filesIn(join(directory, "mirror", hostOf(site))), {
      "about.html": "<!doctype html><p>about",
      "index.html": "<a href=about.html><img src=pic.data><link rel=stylesheet href=s.css>",
      "pic.data": "\u0089PNG",
      "s.css": "a{b:url(pic.data)}"
    })
  })
})
