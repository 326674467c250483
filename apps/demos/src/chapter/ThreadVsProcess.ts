/** What a worker costs as a thread and as a process: its start, its messages, and what a crash takes with it. */
import { costs, Machine, type Sending } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"

const parameters = {
  kibibytes: Parameter.whole("size of a large message", { default: 1024, minimum: 64, maximum: 65_536, unit: "KiB" })
}

const kinds = ["threads", "processes"] as const

/** Each message so often; the shortest time counts. */
const rounds = 5

const sizes = (largest: number) => [1, 16, 256, largest]

export const threadVsProcess = Scenario.make({
  name: "thread-vs-process",
  title: "Threads and processes: start, messages, crashes",
  question: {
    text: ({ kibibytes }) => `A message of ${kibibytes} KiB there and back: how many times as long with a process?`,
    answer: "large"
  },
  parameters,
  theory: ({ kibibytes }) => {
    const { threads, processes } = costs
    const echo = (kind: (typeof kinds)[number], size: number) => costs[kind].message + costs[kind].kibibyte * size
    return {
      boot: {
        what: "start of two, processes / threads",
        formula: "1.2: a program is loaded, too",
        value: 1.2,
        is: "at least",
        real: 0
      },
      large: {
        what: "large message, process / thread",
        formula: "their ratio in the model",
        value: echo("processes", kibibytes) / echo("threads", kibibytes),
        only: "virtual"
      },
      dearer: {
        what: "the same, at least",
        formula: "1.5: pipes copy more often",
        value: 1.5,
        is: "at least",
        real: 0
      },
      moved: {
        what: "four times as much to a thread, moved / copied",
        formula: "no byte is copied",
        value: 0.5,
        is: "at most",
        real: 0
      },
      shared: { what: "the same, shared / copied", formula: "no byte is copied", value: 0.5, is: "at most", real: 0 },
      memory: {
        what: "memory of one, process / thread",
        formula: "a runtime of its own: 2 at least",
        value: 2,
        is: "at least"
      },
      crossover: {
        what: "a process's message costs twice from",
        formula: "(2 - p/t) / (per KiB)",
        value: Math.max(0, (2 * threads.message - processes.message) / (processes.kibibyte - 2 * threads.kibibyte)),
        unit: "KiB",
        only: "virtual"
      },
      killed: { what: "the task whose worker died", formula: "fails, with its reason", value: "WorkerCrashed" },
      others: { what: "tasks elsewhere that failed with it", formula: "0", value: 0 }
    }
  },
  lasts: ({ kibibytes }) =>
    rounds * [...sizes(kibibytes), 12 * kibibytes].reduce((sum, size) => sum + costs.processes.kibibyte * size, 1000),
  program: Effect.fnUntraced(function* ({ kibibytes }) {
    const machine = yield* Machine
    const measure = (kind: (typeof kinds)[number]) =>
      Stage.variant(
        kind,
        Effect.gen(function* () {
          yield* Stage.begin(kind, "waiting", "boot")
          return yield* machine.withWorkers(kind, { workers: 2, cores: 2 }, ({ bootMs, echo, memory, crash }) =>
            Effect.gen(function* () {
              yield* Stage.say(kind, `two are ready after ${bootMs.toFixed(1)} ms`)
              const least = (way: Sending, size: number) =>
                Effect.map(
                  Stage.during(
                    kind,
                    "worker",
                    Effect.forEach(Array.from({ length: rounds }), () => echo(1024 * size, way)),
                    `${size} KiB ${way}`
                  ),
                  (all) => Math.min(...all)
                )
              yield* echo(1024)
              const echoes: Array<number> = []
              for (const size of sizes(kibibytes)) {
                const ms = yield* least("copied", size)
                yield* Stage.say(kind, `${size} KiB there and back: ${ms.toFixed(2)} ms`)
                echoes.push(ms)
              }
              // a process gets a copy whatever is asked for
              const ways = kind === "threads" ? (["copied", "moved", "shared"] as const) : []
              const sent: Array<number> = []
              for (const way of ways) {
                sent.push(yield* least(way, 4 * kibibytes))
                yield* Stage.say(kind, `${4 * kibibytes} KiB ${way}: ${sent.at(-1)!.toFixed(2)} ms`)
              }
              yield* Stage.say(kind, `one takes ${memory.toFixed(1)} MiB`)
              const { killed, other } = yield* Stage.during(kind, "worker", crash, "crash")
              return { bootMs, echoes, sent, memory, killed, others: other === "done" ? 0 : 1 }
            })
          )
        })
      )
    const threads = yield* measure("threads")
    const processes = yield* measure("processes")
    // the size where the straight lines through the smallest and the largest message are a factor 2 apart
    const line = (echoes: ReadonlyArray<number>) => {
      const perKibibyte = (echoes.at(-1)! - echoes[0]!) / (kibibytes - 1)
      return { perKibibyte, fixed: echoes[0]! - perKibibyte }
    }
    const [t, p] = [line(threads.echoes), line(processes.echoes)]
    const [copied, moved, shared] = threads.sent
    const ratio = processes.echoes.at(-1)! / threads.echoes.at(-1)!
    return {
      boot: processes.bootMs / threads.bootMs,
      large: ratio,
      dearer: ratio,
      moved: moved! / copied!,
      shared: shared! / copied!,
      memory: processes.memory / threads.memory,
      crossover: Math.max(0, (2 * t.fixed - p.fixed) / (p.perKibibyte - 2 * t.perKibibyte)),
      killed: threads.killed === processes.killed ? threads.killed : `${threads.killed}, ${processes.killed}`,
      others: threads.others + processes.others
    }
  }),
  prose: ({ kibibytes }, { boot, large, moved, memory, others }) => [
    `Two processes took ${boot.toFixed(1)} times as long to start as two threads, one had ${memory.toFixed(1)} times the memory, and a message of ${kibibytes} KiB took ${large.toFixed(1)} times as long there and back. To a thread a buffer can be moved, in ${moved.toFixed(2)} of the time of a copy, or shared; a process always gets a copy.`,
    `What a process buys is a heap, permissions and a crash of its own: even one in native code takes nothing else along.`,
    `When a worker died here, ${others} other tasks failed with it, on threads and on processes: its own task got an error with the exit code, the others never knew.`
  ],
  model: `until two are ready 40 ms for threads, 100 ms for processes; a message 0.1 and 0.15 ms, each KiB of it that is copied 0.0004 and 0.004 ms; 10 and 60 MiB: the order of magnitude, not a machine. A real run measures.`
})
