import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Crawl from "../../src/Crawl.ts"
import { StatusError } from "../../src/FetchError.ts"
import * as Get from "../../src/Get.ts"
import type { Outcome } from "../../src/Outcome.ts"
import type { RunError } from "../../src/RunError.ts"
import type { Request } from "../../src/Session.ts"
import { Session } from "../../src/Session.ts"
import { Sink } from "../../src/Sink.ts"
import { MemorySink, StubSession } from "../../src/testing/index.ts"
import * as Folders from "../Folders.ts"

const { folder } = Folders.make("memory")

const told = (outcomes: ReadonlyArray<Outcome>) =>
  outcomes.map((outcome) => `${outcome._tag} ${new URL(outcome.url).pathname}`).toSorted()

/** A site in memory, and what it was asked for. */
const site = (pages: Readonly<Record<string, StubSession.Answer>>) => {
  const asked: Array<Request> = []
  const session = StubSession.make((request) => {
    asked.push(request)
    if (request.headers?.["if-none-match"] !== undefined) return { status: 304 }
    return pages[new URL(request.url).pathname] ?? { status: 404 }
  })
  return { asked, session }
}
const page = (...links: ReadonlyArray<string>): StubSession.Answer => ({
  headers: { "content-type": "text/html", etag: `"1"` },
  body: links.map((link) => `<a href="${link}">there</a>`).join("")
})

describe("MemorySink and StubSession", () => {
  const pages = { "/": page("/a"), "/a": page("/b"), "/b": page("/"), "/gone": { status: 410 } }
  const { sink, bodies } = MemorySink.make()
  const run = async (outcomes: Stream.Stream<Outcome, RunError>, own = site(pages), into = sink) => {
    const provided = outcomes.pipe(
      Stream.provideService(Sink, into),
      Stream.provideService(Session, own.session),
      Stream.runCollect
    )
    return { asked: own.asked, outcomes: await Effect.runPromise(provided) }
  }

  it("take the place of disk and network, over runs", async () => {
    const directory = folder()
    const urls = ["/a", "/b", "/gone"].map((path) => `http://a.test${path}`)
    const { outcomes } = await run(Get.outcomes(urls, { directory }))
    assert.deepStrictEqual(told(outcomes), ["Failed /gone", "Saved /a", "Saved /b"])
    assert.instanceOf(outcomes.flatMap((one) => (one._tag === "Failed" ? [one.error] : []))[0], StatusError)
    assert.strictEqual(Buffer.from(bodies.get("a.test+80/a.data")!).toString(), pages["/a"].body)
    // what it holds is not asked for again
    const again = await run(Get.outcomes(urls, { directory }))
    assert.deepStrictEqual(
      again.asked.map(({ url }) => url),
      [urls[2]]
    )
    assert.deepStrictEqual(fs.readdirSync(directory), [".simul"])
  })

  it("lose with the sink what a list asks for again, and a crawl where it refreshes", async () => {
    const directory = folder()
    const url = "http://d.test/b"
    const asked = async (outcomes: Stream.Stream<Outcome, RunError>) => {
      const own = site(pages)
      await run(outcomes.pipe(Stream.provideService(Sink, MemorySink.make().sink)), own)
      return own.asked.length
    }
    const crawl = (refresh: boolean) =>
      asked(Crawl.outcomes([url], { depth: 0 }, { directory: join(directory, "crawl"), refresh, robots: false }))
    const get = () => asked(Get.outcomes([url], { directory: join(directory, "list") }))
    assert.deepStrictEqual([await get(), await get()], [1, 1])
    assert.deepStrictEqual([await crawl(false), await crawl(false), await crawl(true)], [1, 0, 1])
  })

  it("hold a body whole by its length where it has no sum", async () => {
    const { sink } = MemorySink.make()
    const part = sink.open({ head: { status: 200, url: "http://e.test/a", header: () => undefined } })
    part.write(Buffer.from("abc"))
    part.finish()
    part.place("a")
    const isWhole = (bytes: number) => Effect.runPromise(sink.isWhole("a", { bytes, sha256: undefined }))
    assert.deepStrictEqual([await isWhole(3), await isWhole(4)], [true, false])
  })

  it("are what a crawl reads links from again", async () => {
    const directory = folder()
    const crawl = (rules: Partial<Crawl.Rules>, refresh = false) =>
      run(Crawl.outcomes(["http://b.test/"], rules, { directory, refresh, robots: false }))
    assert.deepStrictEqual(told((await crawl({ depth: 0 })).outcomes), ["Saved /"])
    // deeper, from what was saved
    const deeper = await crawl({ depth: 1 })
    assert.deepStrictEqual(told(deeper.outcomes), ["Saved /a"])
    assert.deepStrictEqual(
      deeper.asked.map(({ url }) => new URL(url).pathname),
      ["/a"]
    )
    // and what a 304 leaves as it is
    const refreshed = await crawl({ depth: 2 }, true)
    assert.deepStrictEqual(told(refreshed.outcomes), ["Saved /b", "Unchanged /", "Unchanged /a"])
  })

  it("end a crawl that is to read links again from what does not answer, and lose none of them", async () => {
    const directory = folder()
    const crawl = (depth: number, into = sink) =>
      run(Crawl.outcomes(["http://f.test/"], { depth }, { directory, robots: false }), site(pages), into)
    await crawl(0)
    const read = () => {
      throw Object.assign(new Error(), { code: "ESTALE" })
    }
    const error = await crawl(1, { ...sink, read }).catch((error: unknown) => error)
    assert.deepInclude(error, { _tag: "DirectoryUnusable", code: "ESTALE" })
    assert.deepStrictEqual(told((await crawl(1)).outcomes), ["Saved /a"])
  })

  it("are asked for all of what is not modified, where it cannot be read", async () => {
    const directory = folder()
    const crawl = (refresh: boolean) => Crawl.outcomes(["http://d.test/"], {}, { directory, refresh, robots: false })
    await run(crawl(false))
    const read = () => {
      throw new Error("the network storage does not answer")
    }
    const { asked, outcomes } = await run(crawl(true), site(pages), { ...sink, read })
    assert.deepStrictEqual(told(outcomes), ["Saved /", "Saved /a", "Saved /b"])
    assert.strictEqual(asked.length, 6)
  })

  it("are told from files where those are needed", async () => {
    const mirrored = Crawl.outcomes(["http://c.test/"], { mirror: true }, { directory: folder() })
    const error = await run(mirrored).catch((error: unknown) => error)
    assert.include(String(error), "a sink of one's own has no files to mirror")
  })
})
