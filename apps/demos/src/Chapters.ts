/** The table of contents: every scenario, in the order in which they teach. */
import { exhibition } from "@simul/core/scenario/Exhibition"
import type { Scenario } from "@simul/core/scenario/Scenario"

export interface Chapter {
  readonly title: string
  readonly scenarios: ReadonlyArray<Scenario>
}

export const chapters: ReadonlyArray<Chapter> = [{ title: "Waiting", scenarios: [exhibition] }]

export const scenarios: ReadonlyArray<Scenario> = chapters.flatMap(({ scenarios }) => scenarios)
