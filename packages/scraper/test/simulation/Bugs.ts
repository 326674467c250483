/**
 * Faults that a scraper might have, each a faulty service in the place of a good one, with a law that it breaks. They
 * are what shows that the laws can be broken at all.
 */
import { SimulatedDisk } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import type { Receiver } from "../../src/Session.ts"
import type { Synced } from "../../src/Sink.ts"
import { crawled } from "../../src/Store.ts"
import type { Page, Scenario } from "./Scenario.ts"
import type { Bug, Law } from "./Trial.ts"

export interface Planted {
  readonly name: string
  readonly bug: Bug
  /** Of these one is broken. */
  readonly laws: ReadonlyArray<Law>
  /** Or the run has no end, and so keeps no law either. */
  readonly endless?: true
  /** A crawl finds it. */
  readonly crawl?: true
  /** What shows it soonest. */
  readonly scenario?: Partial<Scenario>
}

const nothing: Synced = { placed: new Map(), failed: new Map(), archives: [], captures: [] }

/**
 * Transfers stall for a second now and then: the first of them holds back the place in the list, and those of another
 * host go on.
 */
const slow: Partial<Scenario> = (() => {
  const pages = Array.from({ length: 10 }, (_, index): Page => {
    const url = `http://h${Math.min(index, 1)}.test/p${index}`
    return { url, kind: "ok", bytes: 200, validator: "none", declared: true }
  })
  const lines = pages.map(({ url }) => url)
  return { pages, lines, batch: 1, jobs: 4, delayMs: 100, stops: [], faults: { stall: 0.3 }, diskFaults: {} }
})()

/** Hears of no error of the disk. */
const passingOver =
  <A extends ReadonlyArray<unknown>>(run: (...about: A) => void) =>
  (...about: A): void => {
    try {
      run(...about)
    } catch (error) {
      if (!(error instanceof SimulatedDisk.DiskError)) throw error
    }
  }

export const bugs: ReadonlyArray<Planted> = [
  {
    name: "commits before it places files",
    bug: {
      // what one sync leaves undone is done before the next one
      sink: (sink) => {
        let before = Effect.succeed(nothing) as ReturnType<typeof sink.sync>
        return {
          ...sink,
          sync: () => {
            const now = sink.sync()
            const late = before
            before = now
            return Effect.as(late, nothing)
          }
        }
      }
    },
    laws: ["every saved file is whole"]
  },
  {
    name: "renames before it syncs",
    bug: { files: (files) => ({ ...files, sync: () => Effect.void }) },
    laws: ["every saved file is whole", "no final name shows a partial file"]
  },
  {
    name: "does not sync directories",
    bug: { files: (files) => ({ ...files, syncDirectory: () => Effect.void }) },
    laws: ["every saved file is whole"]
  },
  {
    name: "takes a file that could not be closed for whole",
    bug: { files: (files) => ({ ...files, close: passingOver(files.close) }) },
    laws: ["every saved file is whole", "no final name shows a partial file"]
  },
  {
    name: "takes a rename that failed for done",
    bug: { files: (files) => ({ ...files, rename: passingOver(files.rename) }) },
    laws: ["every saved file is whole"]
  },
  {
    name: "pops instead of leasing",
    bug: {
      store: (store, { sqlite }) => ({
        ...store,
        lease: (list, limit, nowMs) =>
          Effect.tap(store.lease(list, limit, nowMs), ({ targets }) =>
            Effect.sync(() => {
              for (const { url } of targets) sqlite.prepare("DELETE FROM target WHERE url = ?").run(url)
            })
          )
      })
    },
    laws: ["every URL has one outcome"]
  },
  {
    name: "commits the place before the rows",
    bug: {
      store: (store) => ({
        ...store,
        commit: (commit) =>
          Effect.andThen(store.commit({ ...commit, settled: [], waiting: [], hosts: [] }), store.commit(commit))
      })
    },
    laws: ["every URL has one outcome"]
  },
  {
    name: "passes over a commit that found no room",
    bug: {
      store: (store) => ({
        ...store,
        commit: (commit) =>
          Effect.catchTag(store.commit(commit), "StoreFull", () => Effect.succeed({ added: 0, isNearer: false }))
      })
    },
    scenario: { storeFaults: { full: 0.05 } },
    laws: ["every URL has one outcome"]
  },
  {
    name: "leaves the place of a commit that failed",
    bug: {
      store: (store) => ({
        ...store,
        commit: (commit) =>
          Effect.tapError(store.commit(commit), () => store.commit({ ...commit, settled: [], waiting: [], hosts: [] }))
      })
    },
    scenario: { storeFaults: { full: 0.05 } },
    laws: ["every URL has one outcome"]
  },
  {
    name: "lets the place pass a target that has no row",
    bug: {
      // what holds the place back gets no row, and the place goes on all the same
      store: (store) => ({
        ...store,
        commit: (commit) => store.commit({ ...commit, waiting: commit.waiting.filter(({ leased }) => !leased) })
      })
    },
    scenario: slow,
    laws: ["every URL has one outcome"]
  },
  {
    name: "writes a transfer as in flight once more when it has its outcome",
    bug: {
      store: (store) => {
        let flying: Parameters<typeof store.commit>[0]["waiting"] = []
        return {
          ...store,
          commit: (commit) => {
            const late = flying
            flying = commit.waiting.filter(({ leased }) => leased)
            return store.commit({ ...commit, waiting: [...commit.waiting, ...late] })
          }
        }
      }
    },
    laws: ["every URL has one outcome", "nothing that was saved and committed is fetched again"],
    endless: true
  },
  {
    name: "forgets Retry-After when it resumes",
    bug: {
      store: (store) => ({
        ...store,
        hosts: (origins) =>
          Effect.map(store.hosts(origins), (clocks) => clocks.map((clock) => ({ ...clock, pausedMs: 0 })))
      })
    },
    laws: ["no host is asked before its Retry-After"]
  },
  {
    name: "does not commit the clocks of hosts",
    bug: { store: (store) => ({ ...store, commit: (commit) => store.commit({ ...commit, hosts: [] }) }) },
    laws: ["no host is asked before its Retry-After", "no host is asked sooner than its delay"]
  },
  {
    name: "takes a back-off for a pause that its host asked for",
    bug: {
      politeness: (politeness) => ({
        ...politeness,
        restore: (clocks, nowMs) =>
          politeness.restore(
            clocks.map((clock) => ({ ...clock, asked: true })),
            nowMs
          )
      })
    },
    // the second run begins an hour before the first one ended
    scenario: {
      clockShifts: [500, 0].map((afterMs) => ({ afterMs, byMs: -3_600_000 })),
      delayMs: 2000,
      stops: [1000],
      faults: { refused: 0.5 }
    },
    laws: ["no wait is longer because the clock was set back"]
  },
  {
    name: "does not say that it begins a list",
    bug: { store: (store) => ({ ...store, begun: () => Effect.void }) },
    laws: ["a list is known for unfinished until it is read to its end"]
  },
  {
    name: "begins a refresh anew that was killed",
    bug: {
      store: (store) => ({
        ...store,
        places: (isRefresh) => (isRefresh ? Effect.succeed([]) : store.places(isRefresh))
      })
    },
    scenario: { refresh: true },
    laws: ["nothing that was saved and committed is fetched again"]
  },
  {
    name: "begins a refresh of a crawl anew that was killed",
    crawl: true,
    bug: {
      store: (store) => ({
        ...store,
        crawl: (seeds, refresh) =>
          Effect.flatMap(store.crawl(seeds, false), (crawl) =>
            refresh
              ? Effect.andThen(store.finished(crawl.list, crawled), store.crawl(seeds, true))
              : Effect.succeed(crawl)
          )
      })
    },
    scenario: { refresh: true },
    laws: ["nothing that was saved and committed is fetched again"]
  },
  {
    name: "leaks a slot on a retry",
    bug: {
      politeness: (politeness) => ({
        ...politeness,
        release: (target, nowMs, verdict) => {
          if (verdict === "answered" || verdict === undefined) politeness.release(target, nowMs, verdict)
        }
      })
    },
    laws: [],
    endless: true
  },
  {
    name: "gives a slot back twice",
    bug: {
      politeness: (politeness) => ({
        ...politeness,
        release: (target, nowMs, verdict) => {
          politeness.release(target, nowMs, verdict)
          if (typeof verdict === "object") politeness.release(target, nowMs)
        }
      })
    },
    laws: ["no host has more than its slots"]
  },
  {
    name: "counts a file before it is whole",
    bug: {
      session: (session) => ({
        ...session,
        open: (request, receiver) => {
          const believing: Receiver = {
            onHead: (head) => receiver.onHead(head),
            onData: (chunk) => receiver.onData(chunk),
            onEnd: () => receiver.onEnd(),
            onError: (reason) => (reason._tag === "TruncatedError" ? receiver.onEnd() : receiver.onError(reason))
          }
          return session.open(request, believing)
        }
      })
    },
    laws: ["no final name shows a partial file", "every saved file is whole"]
  },
  {
    name: "continues a body with another version of it",
    bug: {
      session: (session) => ({
        ...session,
        open: (request, receiver) => {
          const { range } = request.headers ?? {}
          const blind: Receiver = {
            onHead: (head) =>
              receiver.onHead({
                ...head,
                header: (name) => (name === "etag" && range !== undefined ? undefined : head.header(name))
              }),
            onData: (chunk) => receiver.onData(chunk),
            onEnd: () => receiver.onEnd(),
            onError: (reason) => receiver.onError(reason)
          }
          return session.open(range === undefined ? request : { ...request, headers: { range } }, blind)
        }
      })
    },
    laws: ["no final name shows a partial file", "every saved file is whole"]
  },
  {
    name: "asks again at once where what there is of a body is of no use",
    bug: { politeness: (politeness) => ({ ...politeness, startAgain: () => true }) },
    scenario: { delayMs: 2000, retries: 3, faults: { cut: 0.3, astray: 0.9 }, stops: [], diskFaults: {} },
    laws: ["no host is asked sooner than its delay"]
  },
  {
    name: "does not know again the names that it has given",
    bug: { files: (files) => ({ ...files, read: () => Effect.succeed(false) }) },
    scenario: { naming: "flat" },
    laws: ["nothing lies about"]
  },
  {
    name: "leaves parts behind",
    bug: { sink: (sink) => ({ ...sink, sweep: () => Effect.void, forget: () => {} }) },
    laws: ["nothing lies about"]
  },
  {
    name: "commits links apart from the page they were found in",
    crawl: true,
    bug: {
      store: (store) => ({
        ...store,
        commit: (commit) =>
          Effect.gen(function* () {
            const settled = commit.settled.map(({ links: _, ...rest }) => rest)
            let found = yield* store.commit({ ...commit, settled })
            for (const { target, links = [] } of commit.settled) {
              const { added, isNearer } = yield* store.link(commit.list, target, links)
              found = { added: found.added + added, isNearer }
            }
            return found
          })
      })
    },
    laws: ["every URL has one outcome"]
  },
  {
    name: "pops what a crawl found instead of leasing it",
    crawl: true,
    bug: {
      store: (store, { sqlite }) => ({
        ...store,
        leaseBySite: (...asked) =>
          Effect.tap(store.leaseBySite(...asked), ({ targets }) =>
            Effect.sync(() => {
              for (const { url } of targets) sqlite.prepare("DELETE FROM target WHERE url = ?").run(url)
            })
          )
      })
    },
    laws: [],
    endless: true
  },
  {
    name: "does not count what it has of a host and has not committed",
    crawl: true,
    bug: {
      store: (store) => ({
        ...store,
        leaseBySite: (list, limit, nowMs, room, ofHost) =>
          store.leaseBySite(list, limit, nowMs, room, ofHost && { ...ofHost, taken: new Map() })
      })
    },
    laws: ["no host has more pages saved than it may"]
  },
  {
    name: "follows links by the way on which their page was found first",
    crawl: true,
    // the last page, with the short cut, is at a host of its own
    scenario: {
      pages: Array.from({ length: 6 }, (_, index): Page => {
        const url = `http://h${index === 5 ? 1 : 0}.test/p${index}`
        return { url, kind: "ok", bytes: 1, validator: "none", declared: true }
      }),
      jobs: 2,
      delayMs: 0,
      retries: 3,
      stops: [],
      faults: { status: 0.3 },
      diskFaults: {}
    },
    bug: {
      store: (store) => ({
        ...store,
        nearer: () => Effect.succeed([]),
        commit: (commit) => Effect.map(store.commit(commit), ({ added }) => ({ added, isNearer: false }))
      })
    },
    laws: ["every URL has one outcome", "a page is as deep as the shortest way to it"]
  },
  {
    name: "commits a target before its host's clock",
    crawl: true,
    bug: {
      store: (store) => {
        let late: Parameters<typeof store.commit>[0]["hosts"] = []
        return {
          ...store,
          commit: (commit) => {
            const hosts = late
            late = commit.hosts
            return store.commit({ ...commit, hosts })
          }
        }
      }
    },
    laws: ["no host is asked before its Retry-After", "no host is asked sooner than its delay"]
  },
  {
    name: "hands out targets without what is recorded of them",
    bug: {
      politeness: (politeness) => ({
        ...politeness,
        take: (nowMs) => {
          const admission = politeness.take(nowMs)
          if (admission === undefined) return undefined
          const { recorded: _, ...target } = admission.target
          return { ...admission, target }
        }
      })
    },
    laws: ["the timeline has every target once, as it ended"]
  }
]
