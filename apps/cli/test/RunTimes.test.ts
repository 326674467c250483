import { assert, describe, it } from "@effect/vitest"
import type { Timeline } from "@simul/core/Timeline"
import * as Report from "@simul/scraper/Report"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ReportPage from "../src/ReportPage.ts"
import * as RunTimes from "../src/RunTimes.ts"

const timeline = (hosts: number): Timeline => ({
  title: "simul get -i <list>",
  startedAtMs: 0,
  durationMs: 1000,
  words: { lane: "target", group: "host" },
  categories: [
    { name: "queue", description: "waits", waiting: true },
    { name: "body", description: "works", waiting: false }
  ],
  lanes: [],
  spans: [],
  totals: Array.from({ length: hosts }, (_, index) => ({
    group: `http://<${index}>/`,
    lanes: 1,
    times: { queue: 2, body: hosts - index }
  })),
  overview: { binMs: 1, counts: [] },
  leftOut: { lanes: 0, spans: 0, ungrouped: 0 }
})

describe("RunTimes", () => {
  it("keeps a bounded number of hosts and loses no time of the others", () => {
    const { hosts } = RunTimes.fromTimeline(timeline(2500), ["#111111", "#222222"])
    assert.strictEqual(hosts.length, 1001)
    assert.deepInclude(hosts.at(-1)!, { host: "all other hosts", targets: 1500 })
    const sum = (name: string) => hosts.reduce((total, { times }) => total + (times[name] ?? 0), 0)
    assert.deepStrictEqual([sum("queue"), sum("body")], [5000, (2500 * 2501) / 2])
  })

  it("are undefined where none were kept, or where they are of another kind", () => {
    const directory = mkdtempSync(join(tmpdir(), "simul-times-"))
    try {
      const times = RunTimes.fromTimeline(timeline(2), ["#111111", "#222222"])
      RunTimes.keep(directory, times)
      assert.isUndefined(RunTimes.read(directory))
      mkdirSync(join(directory, ".simul"))
      RunTimes.keep(directory, times)
      assert.deepStrictEqual(RunTimes.read(directory), times)
      assert.deepStrictEqual(readdirSync(join(directory, ".simul")), ["times.json"])
      writeFileSync(join(directory, ".simul", "times.json"), "{}")
      assert.isUndefined(RunTimes.read(directory))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it("are shown as text that runs nothing", () => {
    const times = RunTimes.fromTimeline(timeline(2), ["#111111", "red;}</style><script>"])
    const page = ReportPage.render(Report.make().result(), "dir", times)
    assert.notMatch(page, /<script|<list>|<0>|red;/)
    assert.include(page, 'title="body 2ms, 50 %"')
    assert.include(page, "<td>works</td>")
    assert.include(page, ", 1970-01-01T00:00:00Z: the run took ")
  })
})
