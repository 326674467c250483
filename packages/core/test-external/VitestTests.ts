/** The tests of a peer that are written for vitest: a file in one run, and what is asked again in a run of its own. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Tests } from "./NodeTests.ts"
import { longest, output } from "./NodeTests.ts"
import type { Peer } from "./Peers.ts"

const program = fileURLToPath(new URL("./vitest.mjs", import.meta.resolve("vitest/package.json")))

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly assertionResults: ReadonlyArray<{
      readonly ancestorTitles: ReadonlyArray<string>
      readonly title: string
      readonly status: "passed" | "failed" | "skipped" | "pending"
      readonly failureMessages?: ReadonlyArray<string>
    }>
  }>
}

/** Why each case of a name fails, in their order; of those that ran. */
type Outcomes = ReadonlyMap<string, string | undefined>

export const vitestTests = (name: string, { folder }: Peer, directory: string): Tests => {
  const run = async (file: string, ...flags: ReadonlyArray<string>): Promise<Outcomes> => {
    const config = `--config=${join(import.meta.dirname, "VitestConfig.ts")}`
    const parameters = [program, "run", join(folder, file), config, "--reporter=json", ...flags]
    const place = join(await mkdtemp(join(tmpdir(), "simul-peer-")), "report.json")
    await output(name, directory, [...parameters, `--outputFile=${place}`], {}, 4 * longest)
    const text = await readFile(place, "utf8").catch(() => undefined)
    await rm(dirname(place), { recursive: true })
    const outcomes = new Map<string, string | undefined>()
    for (const result of text === undefined ? [] : (JSON.parse(text) as Report).testResults)
      for (const { ancestorTitles, title, status, failureMessages } of result.assertionResults) {
        const full = [...ancestorTitles, title].join(" > ")
        if (status === "passed" && !outcomes.has(full)) outcomes.set(full, undefined)
        if (status === "failed") outcomes.set(full, failureMessages?.[0]?.split("\n")[0] ?? "fails")
      }
    return outcomes
  }
  const first = new Map<string, Map<string, string | undefined>>()
  return {
    titles: async (file) => {
      const outcomes = await run(file)
      first.set(file, new Map(outcomes))
      return [...outcomes.keys()]
    },
    judge: async (file, title) => {
      const told = first.get(file)!
      if (told.has(title)) {
        const why = told.get(title)
        told.delete(title)
        return why
      }
      const pattern = title.replaceAll(" > ", " ").replaceAll(/[^\w ]/g, "\\$&")
      const again = await run(file, `--testNamePattern=^${pattern}$`)
      return again.has(title) ? again.get(title) : "ends before it is reported"
    }
  }
}
