import { assert, describe, it } from "@effect/vitest"
import * as vm from "node:vm"
import * as TimelineHtml from "../src/TimelineHtml.ts"
import * as TimelineLayout from "../src/TimelineLayout.ts"
import { colours } from "../src/TimelineColours.ts"
import * as Sample from "./TimelineSample.ts"

const hostile = `https://a.example/</script><script>alert(1)</script><img src=x onerror='a'>"&\u2028<!--<script>`

/** The elements of a name, as an HTML parser finds them for texts that hold no tag of that name. */
const elements = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`<${name}\\b([^>]*)>([\\s\\S]*?)</${name}\\s*>`, "gi"))].map(
    ([, attributes = "", content = ""]) => ({ attributes, content })
  )
const dataOf = (html: string) =>
  JSON.parse(elements(html, "script")[0]!.content) as {
    readonly lanes: ReadonlyArray<ReadonlyArray<unknown>>
    readonly spans: ReadonlyArray<number>
    readonly categories: ReadonlyArray<{ readonly waiting: boolean }>
  }

describe("TimelineHtml", () => {
  it("needs nothing from a network, and its policy allows nothing", () => {
    const html = TimelineHtml.render(Sample.make(10, 2), "N")
    assert.include(html, `content="default-src 'none'; script-src 'nonce-N'; style-src 'nonce-N';`)
    assert.notMatch(html, /<(?:link|iframe|object|embed|img|base|form)\b|\bsrc=|@import|url\(|\sstyle=|\son\w+=/i)
    assert.notMatch(
      elements(html, "script")[1]!.content,
      /\b(?:fetch|XMLHttpRequest|WebSocket|import|eval|innerHTML)\b/
    )
  })

  it("gives each file a nonce of its own", () => {
    const timeline = Sample.make(1, 1)
    assert.notStrictEqual(TimelineHtml.render(timeline), TimelineHtml.render(timeline))
    assert.strictEqual(TimelineHtml.render(timeline, "N"), TimelineHtml.render(timeline, "N"))
  })

  it("leaves a hostile name harmless everywhere, and readable in the data", () => {
    const html = TimelineHtml.render(
      Sample.make(3, 1, () => hostile),
      "N"
    )
    const scripts = elements(html, "script")
    assert.strictEqual(scripts.length, 2)
    assert.deepStrictEqual(
      scripts.map(({ attributes }) => attributes.trim()),
      [`type="application/json" id="timeline"`, `nonce="N"`]
    )
    assert.notInclude(scripts[0]!.content, "<")
    assert.strictEqual(dataOf(html).lanes[0]![0], hostile)
    const rest = html.replaceAll(/<script\b[\s\S]*?<\/script>/g, "")
    assert.notMatch(rest, /alert\(1\)<|<img|<script|<!--/)
    assert.include(rest, "&#60;/script&#62;&#60;script&#62;alert(1)")
    assert.include(elements(html, "title")[0]!.content, "&#60;/title&#62;&#60;script&#62;")
  })

  it("says in plain tables where the time went, by category and by group", () => {
    const timeline = Sample.make(60, 4)
    const html = TimelineHtml.render(timeline)
    const [causes, groups, slowest] = elements(html, "table").map(({ content }) =>
      elements(content, "tr").map((row) =>
        [...row.content.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell]) =>
          cell!.replaceAll(/<[^>]*>/g, "")
        )
      )
    )
    const total = (name: string) => timeline.totals.reduce((sum, { times }) => sum + (times[name] ?? 0), 0)
    const expected = ["queue", "request", "body", "commit"].toSorted((a, b) => total(b) - total(a))
    assert.deepStrictEqual(
      causes!.slice(1).map(([name, time]) => [name, time]),
      expected.map((name) => [name, TimelineLayout.duration(total(name))])
    )
    assert.deepStrictEqual(groups![0], ["Host", "Targets", "Together", "queue", "request", "body", "commit"])
    assert.deepStrictEqual(
      groups!.slice(1).map(([host, targets]) => [host, targets]),
      timeline.totals.map(({ group }) => [group, "20"])
    )
    assert.strictEqual(slowest!.length, 11)
    assert.include(html, "60 targets in ")
    assert.include(html, ", 3 hosts, begun 2026-01-02T03:04:05Z")
    assert.notInclude(html, `id="left-out"`)
  })

  it("says what is not drawn", () => {
    const html = TimelineHtml.render({ ...Sample.make(3, 1), leftOut: { lanes: 1234, spans: 1, ungrouped: 0 } })
    assert.include(html, "Not drawn, but in the overview and the sums: 1,234 targets and 1 span of others.")
  })

  it("carries a script that runs, and lays out as the module does", () => {
    const timeline = Sample.make(200, 7)
    const html = TimelineHtml.render(timeline)
    const { content } = elements(html, "script")[1]!
    const end = content.indexOf("const element =")
    assert.isAbove(end, 0)
    // the whole is a script; its part without a page is run
    void new vm.Script(content)
    const json = elements(html, "script")[0]!.content
    const run = vm.runInNewContext(
      `(() => { ${content.slice(0, end)}
        const found = pieces(spans, (index) => timeline.categories[spans[index].category].waiting)
        const works = found.filter(({ first }) => !timeline.categories[spans[first].category].waiting)
        return JSON.stringify({ works: works.length, rows: 1 + Math.max(...pack(works)),
          ticks: ticks(0, 1000, 5).at, first: firstAfter([1, 2, 3], 2), text: duration(1500) }) })()`,
      { document: { getElementById: () => ({ textContent: json }) } }
    ) as string
    assert.deepStrictEqual(JSON.parse(run), {
      works: 200,
      rows: 7,
      ticks: [0, 200, 400, 600, 800, 1000],
      first: 2,
      text: "1.5 s"
    })
  })

  it("tells the script of every span when it was, to the microsecond, and what is known of it", () => {
    const timeline = Sample.make(40, 3)
    const named = {
      ...timeline,
      spans: timeline.spans.map((span, index) => ({
        ...span,
        ...(index % 3 === 0 ? { name: `<${index}>` } : {}),
        ...(index % 2 === 0 ? { arguments: { index } } : {})
      }))
    }
    const [data, program] = elements(TimelineHtml.render(named), "script").map(({ content }) => content)
    const spans = vm.runInNewContext(
      `(() => { ${program!.slice(0, program!.indexOf("const element ="))}
        return JSON.stringify(spans) })()`,
      { document: { getElementById: () => ({ textContent: data }) } }
    ) as string
    assert.deepStrictEqual(
      JSON.parse(spans),
      named.spans.map(({ lane, name, category, startMs, endMs, arguments: known }) => ({
        lane,
        category: named.categories.findIndex((one) => one.name === category),
        startMs: Math.round(startMs * 1000) / 1000,
        endMs: Math.round(endMs * 1000) / 1000,
        ...(name === category ? {} : { name }),
        ...(known === undefined ? {} : { arguments: known })
      }))
    )
  })

  it("counts those that failed, and has a colour of its own for each of eleven causes of work", () => {
    const timeline = Sample.make(3, 1)
    const [one, two, three] = timeline.lanes
    const ended = { ...timeline, lanes: [{ ...one!, end: "failed" }, { ...two!, end: "ok" }, three!] } as const
    assert.include(TimelineHtml.render(ended), "failed: 1</li>")
    assert.deepStrictEqual(
      dataOf(TimelineHtml.render(ended)).lanes.map((lane) => lane.at(-1)),
      [1, 0, 0]
    )
    assert.notInclude(TimelineHtml.render(timeline), "failed: ")
    const works = Array.from({ length: 11 }, () => ({ waiting: false }))
    assert.strictEqual(new Set(colours(works)).size, 11)
  })

  it("draws an empty run", () => {
    assert.include(TimelineHtml.render(Sample.make(0, 1)), "<p>0 targets in 0, begun ")
  })
})
