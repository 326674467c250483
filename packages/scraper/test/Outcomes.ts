/** The outcomes of runs over a few URLs, with options that a file of tests has in common. */
import { assert } from "@effect/vitest"
import * as Get from "../src/Get.ts"
import type { Options } from "../src/Options.ts"
import type { Outcome } from "../src/Outcome.ts"

/** `common` is asked once for each run. */
export const make = (common: () => Partial<Options>) => {
  const collect = async (urls: Iterable<string>, options: Partial<Options> = {}): Promise<ReadonlyArray<Outcome>> => {
    const outcomes: Array<Outcome> = []
    for await (const outcome of Get.get(urls, { ...common(), ...options })) outcomes.push(outcome)
    return outcomes
  }
  const one = async (url: string, options: Partial<Options> = {}): Promise<Outcome> => {
    const [outcome, ...others] = await collect([url], options)
    assert.deepStrictEqual(others, [])
    return outcome ?? assert.fail(`no outcome: ${url}`)
  }
  return { collect, one }
}
