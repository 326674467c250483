/** What was found wrong in the scraper by simulation, each with the scenario that shows it soonest. */
import type { Page, Scenario } from "./Scenario.ts"

export interface Regression {
  readonly name: string
  readonly scenario: Partial<Scenario>
  /** Seeds that it takes, from 1 on, and crashes for each. */
  readonly seeds: number
  readonly points: number
}

const page: Page = { url: "http://h0.test/p0", kind: "ok", bytes: 500, validator: "strong", declared: false }
const lines = [page.url]
const pagesOf = (count: number) =>
  Array.from({ length: count }, (_, index): Page => ({ ...page, url: `http://h0.test/p${index}` }))
const pages = pagesOf(4)
const manyPages = pagesOf(8)
/** Nothing goes wrong but what is said. */
const quiet: Partial<Scenario> = {
  pages: [page],
  lines,
  batch: 1,
  jobs: 1,
  perHost: 1,
  delayMs: 0,
  retries: 1,
  durability: "process",
  power: false,
  journaled: true,
  clockShifts: [],
  stops: [],
  faults: {},
  diskFaults: {},
  storeFaults: {},
  fresh: false,
  naming: "tree",
  refresh: false,
  recorded: false
}

export const regressions: ReadonlyArray<Regression> = [
  {
    name: "a first line that is no URL comes before there is a committer",
    scenario: { ...quiet, lines: ["no url", page.url] },
    seeds: 20,
    points: 0
  },
  ...Array.from({ length: 4 }, (_, index) => ({
    name: `a transfer ends in the step in which the run is stopped, ${10 + 5 * index} to ${14 + 5 * index} ms after its start`,
    scenario: {
      ...quiet,
      pages: [{ ...page, bytes: 1 }],
      stops: Array.from({ length: 5 }, (_, ms) => 10 + 5 * index + ms)
    },
    seeds: 20,
    points: 0
  })),
  {
    name: "the part of a target that is given up stays",
    scenario: { ...quiet, retries: 0, faults: { cut: 0.9 } },
    seeds: 5,
    points: 0
  },
  {
    name: "a directory that cannot be synced ends the run",
    scenario: { ...quiet, durability: "power", diskFaults: { "eio-sync": 0.5 } },
    seeds: 10,
    points: 0
  },
  {
    name: "a folder of parts that cannot be listed ends the run with a defect",
    scenario: { ...quiet, diskFaults: { "eio-look": 0.2 } },
    seeds: 20,
    points: 0
  },
  {
    name: "a store is called damaged where there is no room to make it",
    scenario: { ...quiet, fresh: true, storeFaults: { full: 0.01 } },
    seeds: 10,
    points: 0
  },
  {
    name: "a commit comes between the end of a request and the clock of its host",
    scenario: {
      ...quiet,
      retries: 3,
      faults: { retryAfter: 0.5 },
      crawl: { seed: page.url, links: new Map([[page.url, []]]), maxDepth: 1 }
    },
    seeds: 5,
    points: 40
  },
  {
    name: "what a commit parks while more is leased is not leased any more",
    scenario: {
      ...quiet,
      retries: 3,
      faults: { status: 0.7 },
      crawl: { seed: page.url, links: new Map([[page.url, []]]), maxDepth: 1 }
    },
    seeds: 40,
    points: 0
  },
  {
    name: "what is leased is lost where the store has no room for what is asked of it next",
    scenario: { ...quiet, retries: 3, faults: { status: 0.7 }, storeFaults: { full: 0.1 } },
    seeds: 60,
    points: 0
  },
  {
    name: "what has a row beyond the place in the list is counted twice, or not at all, when the list is continued",
    scenario: {
      ...quiet,
      // its second page waits for its turn, and holds back the place, when the run is stopped
      pages: [...pages.slice(0, 2), { ...page, url: "http://h1.test/gone", kind: "gone" }],
      lines: [...pages.slice(0, 2).map(({ url }) => url), "http://h1.test/gone", "no url"],
      jobs: 4,
      delayMs: 2000,
      stops: [1000]
    },
    seeds: 10,
    points: 0
  },
  {
    name: "a list passes over a file of another one, and a loss of power damages it",
    scenario: {
      ...quiet,
      pages,
      lines: pages.map(({ url }) => url),
      batch: 4,
      faults: { status: 0.5 },
      power: true,
      stops: [40]
    },
    seeds: 100,
    points: 4
  },
  {
    name: "what is put off when its host asks for a pause is drawn twice in the timeline",
    scenario: {
      ...quiet,
      pages: manyPages,
      lines: manyPages.map(({ url }) => url),
      delayMs: 2000,
      retries: 3,
      faults: { retryAfter: 0.5 },
      recorded: true
    },
    seeds: 5,
    points: 0
  },
  {
    name: "a body is asked for anew in the step of an answer that is of no use for what is there of it",
    scenario: { ...quiet, delayMs: 2000, retries: 3, faults: { cut: 0.5, astray: 0.9 }, recorded: true },
    seeds: 10,
    points: 0
  },
  {
    name: "the file of names that were given cannot be closed, and its number is closed again",
    scenario: { ...quiet, naming: "flat", diskFaults: { "eio-close": 0.5 } },
    seeds: 10,
    points: 0
  },
  {
    name: "a part that cannot be read stays, and its target fails without it",
    scenario: { ...quiet, retries: 3, faults: { cut: 0.5, status: 0.5 }, diskFaults: { "eio-read": 0.5 } },
    seeds: 40,
    points: 0
  }
]
