/** A timeline of lanes that wait, work and wait again, `atOnce` of them at work at one time; the same for the same numbers. */
import * as Timeline from "../src/Timeline.ts"

const categories = [
  { name: "queue", description: "waits <for> a turn", waiting: true },
  { name: "request", description: "asked", waiting: false },
  { name: "body", description: "bytes & more", waiting: false },
  { name: "commit", description: "waits for the commit", waiting: true }
]

export const make = (count: number, atOnce: number, nameOf = (index: number) => `https://a.example/${index}`) => {
  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 0x7fffffff
    return seed / 0x7fffffff
  }
  const collector = Timeline.collect({
    title: "a run </title><script>",
    words: { lane: "target", group: "host" },
    categories,
    most: count
  })
  const free = Array.from({ length: atOnce }, () => 0)
  let lastMs = 0
  for (let index = 0; index < count; index++) {
    const worker = free.indexOf(Math.min(...free))
    const startMs = Math.max(0, free[worker]! - 20 * random())
    const times = new Float64Array(categories.length)
    const spans: Array<Omit<Timeline.Span, "lane">> = []
    let atMs = startMs
    const pass = (category: number, ms: number) => {
      const { name } = categories[category]!
      spans.push({ name, category: name, startMs: atMs, endMs: atMs + ms, ...(ms > 9 ? { arguments: { ms } } : {}) })
      collector.spread(category, atMs, atMs + ms, ms)
      times[category]! += ms
      atMs += ms
    }
    pass(0, free[worker]! - startMs)
    pass(1, 3 + 10 * random())
    pass(2, 10 * random())
    free[worker] = atMs
    pass(3, 5 * random())
    lastMs = Math.max(lastMs, atMs)
    collector.add({
      name: () => nameOf(index),
      group: `https://${index % 3}.example`,
      startMs,
      endMs: atMs,
      slownessMs: atMs - startMs,
      times: (sums) => times.forEach((ms, category) => (sums[category]! += ms)),
      spans: (lane) => spans.map((span) => ({ lane, ...span })),
      arguments: { outcome: "saved", status: 200 }
    })
  }
  return collector.result(Date.UTC(2026, 0, 2, 3, 4, 5), lastMs)
}
