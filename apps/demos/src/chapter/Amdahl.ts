/** What cannot be divided bounds what dividing gives. */
import { Machine, messageMs } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Ways from "@simul/core/scenario/Ways"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"

const parameters = {
  work: Parameter.number("all of the work", { default: 1000, minimum: 200, maximum: 10_000, unit: "ms" }),
  serial: Parameter.number("the share that cannot be divided", { default: 20, minimum: 1, maximum: 90, unit: "%" }),
  cores: Parameter.whole("cores, at most those there are", { default: 2, minimum: 2, maximum: 16 })
}

const speedUp = (serial: number, cores: number) => 1 / (serial + (1 - serial) / cores)

export const amdahl = Scenario.make({
  name: "amdahl",
  title: "Amdahl's law: the part that stays serial",
  question: {
    text: ({ serial, cores }) =>
      `${serial} % of the work cannot be divided. How many times as fast is it on ${cores} cores?`,
    answer: "measured"
  },
  parameters,
  theory: ({ serial, cores }) => {
    const share = serial / 100
    return {
      measured: {
        what: "times as fast, on all cores",
        formula: "1 / (s + (1 - s) / cores)",
        value: speedUp(share, cores),
        virtual: 0.01,
        real: 0.15
      },
      over: {
        what: "most that a point is over the curve",
        formula: "1: none is",
        value: 1.05,
        is: "at most",
        real: 0.05
      },
      inferred: {
        what: "s, found from the speed-up",
        formula: "(cores / speed-up - 1) / (cores - 1)",
        value: serial,
        unit: "%",
        virtual: 0.1,
        real: 0.3
      },
      limit: { what: "with cores without end", formula: "1 / s", value: 1 / share, is: "at most" }
    }
  },
  lasts: ({ work, cores }) => (2 + Math.log2(cores)) * work,
  program: Effect.fnUntraced(function* ({ work, serial, cores }) {
    const machine = yield* Machine
    const share = serial / 100
    const on = (workers: number) =>
      machine.withWorkers("threads", { workers, cores }, ({ submit }) =>
        Stage.variant(
          `${workers} ${workers === 1 ? "core" : "cores"}`,
          Effect.gen(function* () {
            const alone = yield* Ways.onOwnCores(machine.call("serial", Work.spin(share * work)))
            const part = Work.spin(((1 - share) * work) / workers)
            const divided = yield* Ways.onOwnCores(
              Effect.forEach(
                Array.from({ length: workers }, (_, index) => `part ${index + 1}`),
                (lane) => submit(lane, part),
                { concurrency: "unbounded", discard: true }
              )
            )
            return alone.ownMs + divided.ownMs
          })
        )
      )
    const counts = [...new Set([1, 2, 4, 8, 16].filter((count) => count < cores)), cores]
    const points: Array<{ readonly count: number; readonly ms: number }> = []
    for (const count of counts) points.push({ count, ms: yield* on(count) })
    const alone = points[0]!.ms
    const measured = alone / points.at(-1)!.ms
    return {
      measured,
      over: Math.max(...points.map(({ count, ms }) => alone / ms / speedUp(share, count))),
      inferred: (100 * (cores / measured - 1)) / (cores - 1),
      limit: measured
    }
  }),
  prose: ({ serial, cores }, { measured, inferred }) => [
    `${cores} cores made it ${measured.toFixed(2)} times as fast. The ${serial} % that stay serial allow ${(100 / serial).toFixed(1)} times, with however many cores.`,
    `The formula works backwards, too: from the speed-up alone the serial share is found, ${inferred.toFixed(1)} % (Karp and Flatt, 1990). That is how one finds out what a program does not say.`
  ],
  model: `the parts run at once; a part's way to its worker and back takes ${messageMs} ms.`
})
