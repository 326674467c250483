/** The table of contents: every scenario, in the order in which they teach. */
import { countdowns } from "@simul/core/scenario/Countdown"
import { exhibition } from "@simul/core/scenario/Exhibition"
import { fibonacci } from "@simul/core/scenario/Fibonacci"
import type { Scenario } from "@simul/core/scenario/Scenario"
import { amdahl } from "./chapter/Amdahl.ts"
import { backPressure } from "./chapter/BackPressure.ts"
import { blockTheLoop } from "./chapter/BlockTheLoop.ts"
import { littlesLaw } from "./chapter/LittlesLaw.ts"
import { mapChunks } from "./chapter/MapChunks.ts"
import { responsiveness } from "./chapter/Responsiveness.ts"
import { starvation } from "./chapter/Starvation.ts"
import { concurrencyVsParallelism } from "./chapter/ConcurrencyVsParallelism.ts"
import { definitions } from "./chapter/Definitions.ts"
import { fibCooperative } from "./chapter/FibCooperative.ts"
import { fibPool } from "./chapter/FibPool.ts"
import { fibSequential } from "./chapter/FibSequential.ts"
import { gilNote } from "./chapter/GilNote.ts"
import { wat } from "./chapter/Wat.ts"
import { cancellation } from "./chapter/Cancellation.ts"
import { timeouts } from "./chapter/Timeouts.ts"
import { errors } from "./chapter/Errors.ts"
import { hedging } from "./chapter/Hedging.ts"
import { threadVsProcess } from "./chapter/ThreadVsProcess.ts"
import { fibersAtScale } from "./chapter/FibersAtScale.ts"
import { race } from "./chapter/Race.ts"
import { deadlock } from "./chapter/Deadlock.ts"
import { crashResume } from "./chapter/CrashResume.ts"
import { downloadMany } from "./chapter/DownloadMany.ts"
import { getHtml } from "./chapter/GetHtml.ts"
import { politeness } from "./chapter/Politeness.ts"

interface Chapter {
  readonly title: string
  readonly scenarios: ReadonlyArray<Scenario>
}

export const chapters: ReadonlyArray<Chapter> = [
  { title: "Waiting", scenarios: [definitions, exhibition, countdowns, wat] },
  {
    title: "Computing",
    scenarios: [fibSequential, fibCooperative, fibPool, gilNote, fibonacci, concurrencyVsParallelism]
  },
  { title: "Answering", scenarios: [blockTheLoop, responsiveness, starvation] },
  { title: "Sizing", scenarios: [amdahl, littlesLaw, backPressure, mapChunks, threadVsProcess, fibersAtScale] },
  { title: "Ending", scenarios: [cancellation, timeouts, errors, hedging] },
  { title: "Fetching", scenarios: [getHtml, downloadMany, politeness] },
  { title: "Breaking", scenarios: [race, deadlock, crashResume] }
]

export const scenarios: ReadonlyArray<Scenario> = chapters.flatMap(({ scenarios }) => scenarios)

/** Those that ask the web for something. */
export const fetching: ReadonlyArray<Scenario> = [getHtml, downloadMany]
