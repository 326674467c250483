import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { basename, join, relative } from "node:path"
import { buffer } from "node:stream/consumers"
import { gzipSync } from "node:zlib"
import { ZipFile } from "yazl"
import * as Crawl from "../../src/Crawl.ts"
import * as Get from "../../src/Get.ts"
import type { Options } from "../../src/Options.ts"
import * as SavedPages from "../../src/sink/SavedPages.ts"
import { Site } from "../../src/testing/index.ts"
import * as Folders from "../Folders.ts"

const { root, folder: unmade } = Folders.make("pages")
const folder = (files: Readonly<Record<string, string | Uint8Array>> = {}) => {
  const directory = unmade()
  fs.mkdirSync(directory)
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(join(directory, name, ".."), { recursive: true })
    fs.writeFileSync(join(directory, name), content)
  }
  return directory
}

const save = async (urls: ReadonlyArray<string>, options: Partial<Options>) => {
  for await (const outcome of Get.get(urls, options)) assert.include(urls, outcome.url)
}

/** What lies under a path, told shortly: file, URL, and what the body begins with or why there is none. */
const at = async (path: string, maxBytes?: number) => {
  const pages = await Effect.runPromise(Stream.runCollect(SavedPages.at(path, maxBytes)))
  return pages
    .map(({ path, url, body }) => ({
      path: relative(root, path),
      url,
      body: Result.isSuccess(body)
        ? new TextDecoder().decode(body.success)
        : `${body.failure._tag}: ${body.failure.message}`
    }))
    .toSorted((one, other) => (one.path + one.url < other.path + other.url ? -1 : 1))
}

const page = "<!doctype html><p>x"

describe("a folder", () => {
  it("gives its pages and passes over the rest", async () => {
    const directory = folder({
      "a/page.data": page,
      "b.html": "no tags at all",
      "c.css": "p {}",
      "d.png": Uint8Array.of(0x89, 0x50, 0),
      "e.html": Uint8Array.of(0),
      "large.html": page.padEnd(200)
    })
    fs.symlinkSync("..", join(directory, "a/circle"))
    const name = relative(root, directory)
    assert.deepStrictEqual(await at(directory, 100), [
      { path: `${name}/a/page.data`, url: undefined, body: page },
      { path: `${name}/b.html`, url: undefined, body: "no tags at all" },
      { path: `${name}/e.html`, url: undefined, body: "\0" },
      { path: `${name}/large.html`, url: undefined, body: "TooLarge: larger than 100 bytes" }
    ])
  })
  it("gives a file whatever it is, when the path names it", async () => {
    const directory = folder({ "a.css": "p {}" })
    assert.strictEqual((await at(join(directory, "a.css")))[0]?.body, "p {}")
  })
  it("waits for nobody who would write to a pipe in the place of a page", async () => {
    const directory = folder()
    const pipe = join(directory, "a.html")
    execFileSync("mkfifo", [pipe])
    const [only] = await at(pipe)
    assert.strictEqual(only!.body, "Unreadable: cannot be read (ESPIPE)")
  })
  it("fails where there is none", async () => {
    const error = await Effect.runPromise(Effect.flip(Stream.runDrain(SavedPages.at(join(root, "none")))))
    assert.deepInclude(error, { _tag: "PathUnreadable", code: "ENOENT" })
  })
})

describe("the directory of a run", () => {
  const serve = () =>
    Site.start({
      files: {
        "/index.html": page,
        "/deep/Other.html": { body: page.replace("x", "other"), headers: { "content-type": "text/html" } },
        "/style.css": "p {}",
        "/broken": { status: 404, body: "<p>no", headers: { "content-type": "text/html" } }
      }
    })
  it.each(["files", "warc"] as const)("gives the pages of its outcomes, with their URLs (%s)", async (format) => {
    await using site = await serve()
    const directory = folder()
    const urls = ["/index.html", "/deep/Other.html", "/style.css", "/broken"].map((path) => site.url(path))
    await save(urls, { directory, format, retries: 0 })
    fs.writeFileSync(join(directory, "stray.html"), page)
    const pages = await at(directory)
    assert.deepStrictEqual(
      pages.map(({ url, body }) => ({ url, body })).toSorted((one, other) => (one.url! < other.url! ? -1 : 1)),
      [
        { url: urls[1], body: "<!doctype html><p>other" },
        { url: urls[0], body: page }
      ]
    )
    const paths = pages.map(({ path }) => path)
    for (const path of paths)
      assert.match(path, format === "warc" ? /^\d+\/simul-00000\.warc\.gz#\d+\+\d+$/ : /^\d+\/127/)
  })
  it("knows the URL of a file within it, and of a folder only what lies there", async () => {
    await using site = await serve()
    const directory = folder()
    const urls = ["/index.html", "/deep/Other.html"].map((path) => site.url(path))
    await save(urls, { directory })
    const [deep, index] = (await at(directory)).toSorted((one, other) => (one.url! < other.url! ? -1 : 1))
    assert.deepStrictEqual(await at(join(root, index!.path)), [index])
    assert.deepStrictEqual(await at(join(root, deep!.path)), [deep])
    assert.deepStrictEqual(await at(join(root, deep!.path, "..")), [deep])
  })
  it("knows the URL of a file with a short name", async () => {
    await using site = await serve()
    const directory = folder()
    await save([site.url("/index.html")], { directory, naming: "flat" })
    assert.strictEqual((await at(join(directory, "index.html")))[0]?.url, site.url("/index.html"))
  })
  it("says of a page where it came from, for its addresses", async () => {
    await using site = await serve()
    const directory = folder()
    await save([site.url("/redirect/1/index.html"), site.url("/redirect-to?url=/deep/Other.html")], { directory })
    const pages = await at(directory)
    const urls = new Set(["/deep/Other.html", "/index.html"].map((path) => site.url(path)))
    assert.deepStrictEqual(new Set(pages.map(({ url }) => url!)), urls)
    for (const found of pages) assert.deepStrictEqual(await at(join(root, found.path)), [found])
  })
  it.each(["a crawl", "a list"])("says in what a page of %s was sent, for its encoding", async (kind) => {
    const contentType = "text/html; charset=shift_jis"
    await using site = await Site.start({
      files: { "/index.html": { headers: { "content-type": contentType }, body: page } }
    })
    const directory = folder()
    const options = { directory, robots: false }
    const seeds = [site.url("/index.html")]
    const outcomes = kind === "a list" ? Get.outcomes(seeds, options) : Crawl.outcomes(seeds, {}, options)
    await Effect.runPromise(Stream.runDrain(outcomes))
    const typesAt = async (path: string) =>
      (await Effect.runPromise(Stream.runCollect(SavedPages.at(path)))).map((saved) => saved.contentType)
    assert.deepStrictEqual(await typesAt(directory), [contentType])
    assert.deepStrictEqual(await typesAt(join(root, (await at(directory))[0]!.path)), [contentType])
  })
  it("leaves a folder that somebody else put there what it is", async () => {
    await using site = await serve()
    const directory = folder({ "other/own.html": page })
    await save([site.url("/index.html")], { directory })
    const path = join(directory, "other/own.html")
    const own = { path: relative(root, path), url: undefined, body: page }
    assert.deepStrictEqual(await at(join(directory, "other")), [own])
    assert.deepStrictEqual(await at(path), [own])
  })
  it("reads a page by its name below a store that is damaged", async () => {
    await using site = await serve()
    const directory = folder({ "other/own.html": page })
    await save([site.url("/index.html")], { directory })
    fs.writeFileSync(join(directory, ".simul/store.sqlite"), "no store".padEnd(5000))
    const path = join(directory, "other/own.html")
    assert.deepStrictEqual(await at(path), [{ path: relative(root, path), url: undefined, body: page }])
    const error = await Effect.runPromise(Effect.flip(Stream.runDrain(SavedPages.at(directory))))
    assert.strictEqual(error._tag, "StoreDamaged")
  })
  it("knows the URL of a file with a hash in its name", async () => {
    await using site = await serve()
    const directory = folder()
    // for its credentials
    const url = site.url("/index.html").replace("://", "://me:secret@")
    await Effect.runPromise(Stream.runDrain(Get.outcomes([url], { directory })))
    const [found] = await at(directory)
    assert.match(found!.path, /~[a-z2-7]{12}\.html$/)
    assert.strictEqual(found!.url, site.url("/index.html"))
    assert.deepStrictEqual(await at(join(root, found!.path)), [found])
  })
  it("tells a page that is gone", async () => {
    await using site = await serve()
    const directory = folder()
    await save([site.url("/index.html")], { directory })
    const [found] = await at(directory)
    fs.rmSync(join(root, found!.path))
    assert.deepStrictEqual(await at(directory), [{ ...found, body: "Unreadable: no such file" }])
  })
})

describe("an archive", () => {
  const record = (url: string, http: string | Uint8Array, type = "response", fields = "") => {
    const block = Buffer.from(http)
    const head = `WARC/1.0\r\nWARC-Type: ${type}\r\nWARC-Target-URI: <${url}>\r\n${fields}Content-Length: ${block.length}\r\n\r\n`
    return Buffer.concat([Buffer.from(head), block, Buffer.from("\r\n\r\n")])
  }
  const answer = (fields: string, body: string | Uint8Array) =>
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`), Buffer.from(body)])
  const html = "Content-Type: text/html"

  it("of anybody is read: codings and chunks undone, what is no page passed over", async () => {
    const records = [
      record("http://h/request", "GET / HTTP/1.1\r\n\r\n", "request"),
      record("http://h/plain", answer(html, page)),
      record(
        "http://h/chunked",
        answer(`${html}\r\nTransfer-Encoding: chunked`, "3\r\n<p>\r\n1;a=b\r\nx\r\n0\r\n\r\n")
      ),
      record("http://h/claims", answer(`${html}\r\nTransfer-Encoding: chunked`, page)),
      record("http://h/folded", answer(`Content-Type:\r\n text/html;\r\n\tcharset=utf-8\r\n X-A: b`, page)),
      record("http://h/image-folded", answer(`X-A: b\r\n ${html}\r\nContent-Type: image/png`, "x")),
      record("http://h/gzip", answer(`${html}\r\nContent-Encoding: gzip`, gzipSync(page))),
      record("http://h/typed-last", answer(`Content-Type: image/png\r\n${html}`, page)),
      record("http://h/typed-twice", answer(`${html}, image/png`, page)),
      record("http://h/untyped", answer("Server: x", page)),
      record("http://h/cut", answer(`${html}\r\nContent-Encoding: gzip`, gzipSync(page).subarray(0, 20))),
      record("http://h/large", answer(html, page.padEnd(500))),
      record("http://h/bomb", answer(`${html}\r\nContent-Encoding: gzip`, gzipSync(Buffer.alloc(1000)))),
      record("http://h/image", answer("Content-Type: image/png", "x")),
      record("http://h/half", answer(html, page), "response", "WARC-Truncated: length\r\n"),
      record("http://h/half.png", answer("Content-Type: image/png", page), "response", "WARC-Truncated: length\r\n"),
      record("http://h/missing", `HTTP/1.1 404 Not Found\r\n${html}\r\n\r\n${page}`)
    ]
    const directory = folder({
      "a.warc": Buffer.concat(records),
      "b.warc.gz": Buffer.concat(records.map((one) => gzipSync(one)))
    })
    const expected = [
      ["bomb", "TooLarge: larger than 400 bytes"],
      ["chunked", "<p>x"],
      ["claims", page],
      ["cut", "BadRecord: "],
      ["folded", page],
      ["gzip", page],
      ["half", "CutRecord: only a part of it came (length)"],
      ["large", "TooLarge: larger than 400 bytes"],
      ["plain", page],
      ["typed-last", page],
      ["untyped", page]
    ]
    for (const name of ["a.warc", "b.warc.gz"]) {
      const pages = await at(join(directory, name), 400)
      assert.deepStrictEqual(
        pages.map(({ url, body }) => [url?.slice(9), body.replace(/^(BadRecord: ).*/, "$1")]),
        expected
      )
    }
    assert.strictEqual((await at(directory, 400)).length, 2 * expected.length)
  })
  it("gives what follows a response without a head, and says of that one", async () => {
    const records = [
      record("http://h/empty", ""),
      record("http://h/headless", page),
      record("http://h/revisit", "HTTP/1.1 200 OK", "revisit", "WARC-Payload-Digest: sha1:A\r\n"),
      record("http://h/lines", `HTTP/1.1 200 OK\n${html}\n\n${page}`),
      // what has an empty line is no message for it
      record("http://h/page", "<html>\n<p>a\n\n<p>b"),
      record("http://h/page-crlf", "<html>\r\n\r\n<p>b"),
      record("http://h/page-again", "<html>\r\n\r\n", "revisit", "WARC-Payload-Digest: sha1:A\r\n"),
      record("http://h/late", Buffer.concat([Buffer.from("\n\r\n"), answer(html, page)]))
    ]
    const directory = folder({ "a.warc": Buffer.concat(records) })
    assert.deepStrictEqual(
      (await at(directory)).map(({ url, body }) => [url, body]),
      [
        ["http://h/empty", "BadRecord: a message without a head"],
        ["http://h/headless", "BadRecord: the message ends within a head"],
        ["http://h/late", page],
        ["http://h/lines", page],
        ["http://h/page", "BadRecord: a message without a status line"],
        ["http://h/page-again", "BadRecord: a message without a status line"],
        ["http://h/page-crlf", "BadRecord: a message without a status line"],
        ["http://h/revisit", "BadRecord: the message ends within a head"]
      ]
    )
  })
  it("that is damaged gives what stands before the damage, and says so", async () => {
    const whole = record("http://h/plain", answer(html, page))
    const directory = folder({ "a.warc": Buffer.concat([whole, whole.subarray(0, -20)]), "b.warc.gz": "no gzip" })
    const bodies = (await at(directory)).map(({ body }) => body)
    assert.strictEqual(bodies.length, 3)
    assert.include(bodies.join("\n"), "BadRecord: the file ends 16 bytes before its last record")
    assert.include(bodies.join("\n"), "BadRecord: damaged gzip: incorrect header check")
  })
  it("is read out of a package, stored or compressed", async () => {
    const archive = gzipSync(record("http://h/plain", answer(html, page)))
    const zip = new ZipFile()
    zip.addBuffer(archive.subarray(0, -9), "archive/cut.warc.gz")
    zip.addBuffer(archive, "archive/a.warc.gz", { compress: false })
    zip.addBuffer(record("http://h/other", answer(html, page)), "archive/b.warc")
    zip.addBuffer(Buffer.from(page), "pages/c.html")
    zip.end()
    const directory = folder({ "a.wacz": await buffer(zip.outputStream), "b.wacz": "no ZIP" })
    const name = relative(root, directory)
    assert.deepStrictEqual(await at(directory), [
      { path: `${name}/a.wacz/archive/a.warc.gz`, url: "http://h/plain", body: page },
      { path: `${name}/a.wacz/archive/b.warc`, url: "http://h/other", body: page },
      {
        path: `${name}/a.wacz/archive/cut.warc.gz`,
        url: "http://h/plain",
        body: page
      },
      {
        path: `${name}/a.wacz/archive/cut.warc.gz`,
        url: undefined,
        body: "BadRecord: damaged gzip: unexpected end of file"
      },
      {
        path: `${name}/b.wacz`,
        url: undefined,
        body: "BadRecord: End of central directory record signature not found. Either not a zip file, or file is truncated."
      }
    ])
    assert.strictEqual((await at(join(directory, "a.wacz"))).length, 4)
  })
  it("is told once where a package of it lies beside it, or two", async () => {
    const archive = gzipSync(record("http://h/plain", answer(html, page)))
    const packed = async (...archives: ReadonlyArray<Buffer>) => {
      const zip = new ZipFile()
      for (const [index, bytes] of archives.entries()) zip.addBuffer(bytes, `archive/${index}.warc.gz`)
      zip.end()
      return buffer(zip.outputStream)
    }
    const other = gzipSync(record("http://h/other", answer(html, page)))
    const urls = async (files: Parameters<typeof folder>[0]) => (await at(folder(files))).map(({ url }) => url)
    const copy = await packed(archive)
    assert.deepStrictEqual(await urls({ "a.wacz": copy, "archive/x.warc.gz": archive }), ["http://h/plain"])
    assert.deepStrictEqual(await urls({ "a.wacz": copy, "b.wacz": copy }), ["http://h/plain"])
    const both = ["http://h/other", "http://h/plain"]
    assert.sameMembers(await urls({ "a.wacz": await packed(archive, other), "x.warc.gz": archive }), both)
    // one that is damaged is no copy
    assert.strictEqual((await urls({ "a.wacz": copy, "x.warc.gz": archive.subarray(0, -9) })).length, 3)
  })
  it("is told where a package before it has no more of it than its length and its sum", async () => {
    const archive = gzipSync(record("http://h/plain", answer(html, page)))
    const zip = new ZipFile()
    for (const name of ["damaged", "encrypted", "whole", "copy"])
      zip.addBuffer(archive, `archive/${name}.warc.gz`, { compress: false })
    zip.end()
    const bytes = await buffer(zip.outputStream)
    bytes[bytes.indexOf(archive)]! ^= 1
    const encrypted = bytes.lastIndexOf("archive/encrypted.warc.gz") - 46
    bytes[encrypted + 8]! |= 1
    bytes[encrypted + 20]! += 12
    assert.deepStrictEqual(
      (await at(folder({ "a.wacz": bytes }))).map(({ path, url }) => [basename(path), url]),
      [
        ["damaged.warc.gz", undefined],
        ["encrypted.warc.gz", undefined],
        ["whole.warc.gz", "http://h/plain"]
      ]
    )
  })
  it("is read out of a package in which others are encrypted, damaged or compressed in an unknown way", async () => {
    const zip = new ZipFile()
    for (const name of ["encrypted", "damaged", "unknown", "whole"])
      zip.addBuffer(record(`http://h/${name}`, answer(html, page)), `archive/${name}.warc`, { compress: false })
    zip.end()
    const bytes = await buffer(zip.outputStream)
    // in the directory, 46 bytes before a name: flags at 8, method at 10, compressed size at 20 (APPNOTE 4.3.12)
    const entry = (name: string) => bytes.lastIndexOf(`archive/${name}.warc`) - 46
    bytes[entry("encrypted") + 8]! |= 1
    bytes[entry("encrypted") + 20]! += 12
    bytes[entry("unknown") + 10] = 93
    bytes[bytes.indexOf(page, bytes.indexOf("http://h/damaged"))]! ^= 1
    const pages = await at(folder({ "a.wacz": bytes }))
    assert.deepStrictEqual(
      pages.map(({ path, url, body }) => [basename(path), url, body.replace(page.slice(1), "")]),
      [
        ["damaged.warc", "http://h/damaged", "="],
        ["damaged.warc", undefined, "BadRecord: damaged: its CRC-32 is another one than the package says"],
        ["encrypted.warc", undefined, "BadRecord: encrypted: decrypt the package and read that"],
        ["unknown.warc", undefined, "BadRecord: unsupported compression method: 93"],
        ["whole.warc", "http://h/whole", "<"]
      ]
    )
  })
})
