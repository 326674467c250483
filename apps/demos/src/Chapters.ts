/** The table of contents: every scenario, in the order in which they teach. */
import { countdowns } from "@simul/core/scenario/Countdown"
import { exhibition } from "@simul/core/scenario/Exhibition"
import { fibonacci } from "@simul/core/scenario/Fibonacci"
import type { Scenario } from "@simul/core/scenario/Scenario"
import { concurrencyVsParallelism } from "./chapter/ConcurrencyVsParallelism.ts"
import { definitions } from "./chapter/Definitions.ts"
import { fibCooperative } from "./chapter/FibCooperative.ts"
import { fibPool } from "./chapter/FibPool.ts"
import { fibSequential } from "./chapter/FibSequential.ts"
import { gilNote } from "./chapter/GilNote.ts"
import { wat } from "./chapter/Wat.ts"

export interface Chapter {
  readonly title: string
  readonly scenarios: ReadonlyArray<Scenario>
}

export const chapters: ReadonlyArray<Chapter> = [
  { title: "Waiting", scenarios: [definitions, exhibition, countdowns, wat] },
  {
    title: "Computing",
    scenarios: [fibSequential, fibCooperative, fibPool, gilNote, fibonacci, concurrencyVsParallelism]
  }
]

export const scenarios: ReadonlyArray<Scenario> = chapters.flatMap(({ scenarios }) => scenarios)
