/** A list of URLs to files: how many at once, under which names, in which pieces. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { bodyOf, costs, hosts, largeMebibytes, latencyMs, Web } from "../Web.ts"

const parameters = {
  pages: Parameter.whole("pages of each host, named alike", { default: 6, minimum: 1, maximum: 50 }),
  albums: Parameter.whole("addresses of each host that end in /", { default: 2, minimum: 1, maximum: 20 }),
  limit: Parameter.whole("transfers at once, where that is bounded", { default: 6, minimum: 1, maximum: 64 })
}
type Values = Parameter.Values<typeof parameters>

const urlsOf = ({ pages, albums }: Values): ReadonlyArray<string> =>
  hosts.flatMap((host) => [
    ...Array.from({ length: albums }, (_, index) => `http://${host}/album${index + 1}/`),
    ...Array.from({ length: pages }, (_, index) => `http://${host}/page${index + 1}.html`)
  ])

/** The tutorial's name: `output_{os.path.basename(url)}.html`. */
const seedName = (url: string) => `output_${url.slice(url.lastIndexOf("/") + 1)}.html`

/** A file of a few MiB, whose pieces are what is measured. */
const large = "x".repeat(4 * 2 ** 20)

/** Files that are too large to hold them all. */
const largeFiles = 12

/** So often it is written; the shortest time counts, for whatever else goes on only adds to one. */
const rounds = 3

export const downloadMany = Scenario.make({
  name: "download-many",
  title: "A list of URLs to files: how many at once, under which names",
  question: {
    text: (values) =>
      `${urlsOf(values).length} URLs, named as in the tutorial. How many of the pages are gone afterwards?`,
    answer: "lost"
  },
  parameters,
  theory: (values) => {
    const { pages, albums, limit } = values
    const all = hosts.length * (pages + albums)
    const perHost = Math.max(1, Math.floor(limit / hosts.length))
    const write = (chunk: number) => (large.length / chunk) * costs.hop + (large.length / 1024) * costs.kibibyte
    return {
      sequential: {
        what: "one after the other",
        formula: "URLs x latency",
        value: all * latencyMs,
        unit: "ms",
        virtual: 0.02,
        real: 0.5
      },
      unbounded: {
        what: "all at once",
        formula: "one latency",
        value: latencyMs,
        unit: "ms",
        virtual: 0.02,
        real: 5
      },
      bounded: {
        what: "bounded",
        formula: "ceil(URLs / limit) latency",
        value: Math.ceil(all / limit) * latencyMs,
        unit: "ms",
        virtual: 0.02,
        real: 0.6
      },
      mostUnbounded: { what: "in flight at most, all at once", formula: "URLs", value: all },
      mostBounded: { what: "in flight at most, bounded", formula: "limit", value: limit, is: "at most" },
      mostPerHost: { what: "of one host, bounded by host", formula: "limit / hosts", value: perHost, is: "at most" },
      lost: {
        what: "pages overwritten by the tutorial's names",
        formula: "URLs - (1 + pages)",
        value: all - (1 + pages)
      },
      whole: { what: "files that are whole, simul get", formula: "URLs", value: all },
      heldWhole: {
        what: `memory for ${largeFiles} files of ${largeMebibytes} MiB, each body whole`,
        formula: "all of them, at least",
        value: largeFiles * largeMebibytes,
        unit: "MiB",
        is: "at least"
      },
      held: {
        what: "the same, simul get",
        formula: "less than all of them",
        value: largeFiles * largeMebibytes,
        unit: "MiB",
        is: "at most"
      },
      chunks: {
        what: "4 MiB in 1 KiB pieces / in 64 KiB pieces",
        formula: "64 hops for one, nearly",
        value: write(1024) / write(65_536),
        only: "virtual"
      },
      dearer: { what: "the same, at least", formula: "3", value: 3, is: "at least", real: 0 }
    }
  },
  lasts: (values) => 3 * urlsOf(values).length * latencyMs,
  program: Effect.fnUntraced(function* (values) {
    const { limit } = values
    const web = yield* yield* Web
    const urls = urlsOf(values)
    const bodies = new Set(urls.map(bodyOf))
    const whole = Effect.map(web.files, (files) => new Set(files.filter((text) => bodies.has(text))).size)

    const run = (title: string, concurrency: number, perHost = concurrency) =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          const flying = new Map<string, number>()
          let most = 0
          let mostOfHost = 0
          const places = new Map<string, Semaphore.Semaphore>()
          for (const host of hosts) places.set(host, yield* Semaphore.make(perHost))
          const download = (url: string) => {
            const { hostname, pathname } = new URL(url)
            const lane = `${hostname.slice(-1)}${pathname}`
            return places.get(hostname)!.withPermits(1)(
              Effect.gen(function* () {
                flying.set(hostname, (flying.get(hostname) ?? 0) + 1)
                most = Math.max(
                  most,
                  Array.from(flying.values()).reduce((sum, count) => sum + count)
                )
                mostOfHost = Math.max(mostOfHost, flying.get(hostname)!)
                const text = yield* Stage.lane(lane, Stage.during(lane, "worker", web.fetch(url)))
                flying.set(hostname, flying.get(hostname)! - 1)
                yield* web.write(seedName(url), text, 65_536)
              })
            )
          }
          yield* Effect.forEach(urls, download, { concurrency, discard: true })
          return { ms: yield* Stage.now, most, mostOfHost }
        })
      )
    const sequential = yield* run("one after the other", 1)
    const lost = urls.length - (yield* whole)
    const unbounded = yield* run("all at once, as gather does", urls.length)
    const bounded = yield* run(`${limit} at once`, limit)
    const perHost = yield* run(
      `${limit} at once, of each host its share`,
      limit,
      Math.max(1, Math.floor(limit / hosts.length))
    )
    yield* web.files
    yield* Stage.variant("simul get", Stage.lane("get", Stage.during("get", "worker", web.get(urls, limit))))
    const saved = yield* whole
    // in this order: what the other has taken would be there for it
    const held = yield* web.memory("get", largeFiles, limit)
    const heldWhole = yield* web.memory("whole", largeFiles, limit)
    yield* web.files
    const least = (lane: string, chunkBytes: number) =>
      Effect.map(
        Effect.forEach(Array.from({ length: rounds }), () =>
          Stage.during(lane, "worker", web.write("large", large, chunkBytes))
        ),
        (all) => Math.min(...all)
      )
    const pieces = yield* Stage.variant(
      `4 MiB in pieces, ${rounds} times each`,
      Effect.all({
        small: least("1 KiB", 1024),
        large: least("64 KiB", 65_536)
      })
    )
    yield* web.files
    return {
      sequential: sequential.ms,
      unbounded: unbounded.ms,
      bounded: bounded.ms,
      mostUnbounded: unbounded.most,
      mostBounded: bounded.most,
      mostPerHost: perHost.mostOfHost,
      lost,
      whole: saved,
      heldWhole,
      held,
      chunks: pieces.small / pieces.large,
      dearer: pieces.small / pieces.large
    }
  }),
  prose: (values, { sequential, unbounded, bounded, mostUnbounded, lost, whole, heldWhole, held, chunks }) => [
    `One after the other ${sequential.toFixed(0)} ms, all at once ${unbounded.toFixed(0)}, ${values.limit} at once ${bounded.toFixed(0)}. All at once means ${mostUnbounded} transfers in flight for ${mostUnbounded} URLs; for a million it means a million, and the server has a say in that as well. A bound costs little time and has a number.`,
    `The tutorial's names lost ${lost} of ${urlsOf(values).length} pages: every address that ends in / is output_.html, and page1.html of one host is page1.html of the other. \`simul get\` had ${whole} whole files: its names are made so that two URLs never share one.`,
    `${largeFiles} files of ${largeMebibytes} MiB, all at once and each whole before it is written, take ${heldWhole.toFixed(0)} MiB of memory; \`simul get\` takes ${held.toFixed(0)}: a body goes to its file as it comes.`,
    `Written in pieces of 1 KiB a file takes ${chunks.toFixed(1)} times as long as in pieces of 64: each write is a way to a thread and back.`
  ],
  corrections: [
    {
      says: "after reading 1024 bytes the flow is released",
      is: "only if the next 1024 are not there yet; and each write of 1 KiB is a hop to a thread, 4096 of them for 4 MiB"
    },
    {
      says: "a ClientSession for each URL, all gathered at once",
      is: "that is a connection for each URL and as many in flight as there are URLs: 24 for 24, a million for a million"
    },
    {
      says: "output_{basename}.html",
      is: "with 24 URLs 17 pages are overwritten, and .html is put behind images too. A name must be decided by the whole URL"
    },
    {
      does: "no status is looked at, there is no time-out and no retry, and a file has its name from its first byte on",
      is: "an error page is saved as a page, a server that says nothing holds a place for ever, a crash leaves half a file that looks whole. `simul get` has a rule for each, and leaves 0 half files (see crash-resume)"
    },
    {
      says: "this is the architecture of popular download managers",
      is: "of their inner loop. Most of one is the rest: names, retries, what is resumed after a crash, and a bound on all of it"
    }
  ],
  model: `an answer takes ${latencyMs} ms; a write ${costs.hop} ms for its way to a thread and ${costs.kibibyte} ms a KiB; a transfer of \`simul get\` holds ${costs.buffer} MiB. The real run fetches from a site on loopback and writes real files; its last variant is the scraper itself.`
})
