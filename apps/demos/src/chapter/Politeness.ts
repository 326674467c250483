/** Many pages of few hosts, asked for politely: the delay is the host's, the speed is yours. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Rules from "@simul/scraper/Politeness"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

const parameters = {
  hosts: Parameter.whole("hosts", { default: 6, minimum: 1, maximum: 20 }),
  pages: Parameter.whole("pages of each", { default: 5, minimum: 2, maximum: 50 }),
  delay: Parameter.number("time between two requests to a host", {
    default: 100,
    minimum: 10,
    maximum: 5000,
    unit: "ms"
  }),
  answer: Parameter.number("what an answer takes", { default: 30, minimum: 1, maximum: 1000, unit: "ms" })
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `host ${index + 1}`)

export const politeness = Scenario.make({
  name: "politeness",
  title: "A delay for each host, speed from many hosts",
  question: {
    text: ({ hosts, pages, delay }) =>
      `${pages} pages of each of ${hosts} hosts, a request to a host each ${delay} ms. How many ms for all?`,
    answer: "wall"
  },
  parameters,
  theory: ({ hosts, pages, delay, answer }) => {
    const gap = Math.max(delay, answer)
    const wall = (pages - 1) * gap + answer
    return {
      wall: {
        what: "all pages",
        formula: "(pages - 1) max(delay, answer) + answer",
        value: wall,
        unit: "ms",
        real: 0.25
      },
      gap: {
        what: "least time between two, of a host",
        formula: "delay",
        value: gap,
        unit: "ms",
        is: "at least"
      },
      inTurn: {
        what: "host after host it would be",
        formula: "hosts times that",
        value: hosts * wall,
        unit: "ms",
        real: 0.25
      },
      rate: {
        what: "pages a second, all together",
        formula: "hosts pages / wall",
        value: (1000 * hosts * pages) / wall,
        real: 0.25
      },
      most: { what: "most at a host at once", formula: "1", value: 1, is: "at most" }
    }
  },
  lasts: ({ hosts, pages, delay, answer }) => (hosts + 1) * pages * Math.max(delay, answer),
  program: Effect.fnUntraced(function* ({ hosts, pages, delay, answer }) {
    const ask = (names: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const rules = Rules.make({
          perHost: 1,
          delayMs: delay,
          robots: false,
          strikes: 4,
          backoff: { baseMs: 1000, random: () => 0.5 }
        })
        const starts = new Map<string, Array<number>>()
        const flying = new Map<string, number>()
        let most = 0
        for (let page = 1; page <= pages; page++)
          for (const host of names) rules.add({ url: `http://${host}/${page}`, host, path: "", attempts: 0 })
        const fetch = (target: Parameters<typeof rules.add>[0]) =>
          Effect.gen(function* () {
            const { host } = target
            flying.set(host, (flying.get(host) ?? 0) + 1)
            most = Math.max(most, flying.get(host)!)
            yield* Stage.during(host, "worker", Effect.sleep(answer))
            flying.set(host, flying.get(host)! - 1)
            rules.release(target, yield* Stage.now, "answered")
          })
        const all: Array<Fiber.Fiber<void>> = []
        for (let left = names.length * pages; left > 0;) {
          const now = yield* Stage.now
          const admission = rules.take(now)
          if (admission === undefined) {
            const wake = rules.wakeMs()
            yield* Effect.sleep(Number.isFinite(wake) ? Math.max(0.1, wake - (yield* Stage.now)) : 1)
            continue
          }
          left--
          // a request leaves when it is let go: a fiber that begins later would be counted by another clock than the rules
          const { host } = admission.target
          starts.set(host, [...(starts.get(host) ?? []), now])
          all.push(yield* Effect.forkChild(fetch(admission.target), { startImmediately: true }))
        }
        yield* Fiber.awaitAll(all)
        const gaps = Array.from(starts.values()).flatMap((times) =>
          times.slice(1).map((time, index) => time - times[index]!)
        )
        return { ms: yield* Stage.now, gap: Math.min(...gaps), most }
      })
    const together = yield* Stage.variant("all hosts at once", ask(names(hosts)))
    const inTurn = yield* Stage.variant(
      "host after host",
      Effect.andThen(
        Effect.forEach(names(hosts), (host) => ask([host]), { discard: true }),
        Stage.now
      )
    )
    return {
      wall: together.ms,
      gap: together.gap,
      inTurn,
      rate: (1000 * hosts * pages) / together.ms,
      most: together.most
    }
  }),
  prose: ({ hosts, delay }, { wall, inTurn, gap, rate }) => [
    `No host was asked twice within ${gap.toFixed(0)} ms, and ${delay} is what was promised. All together it was ${rate.toFixed(1)} pages a second: ${wall.toFixed(0)} ms for ${hosts} hosts, where host after host takes ${inTurn.toFixed(0)}.`,
    "So politeness costs time only where a list has one host. The rules here are those of `simul get`, at a slot and a delay for each host."
  ],
  corrections: [
    {
      says: "some websites do not allow automated engines, it is therefore illegal",
      is: "that is for lawyers and depends on place and case. What a tool can do: obey robots.txt, keep a delay (0 violations here), say who it is"
    }
  ]
})
