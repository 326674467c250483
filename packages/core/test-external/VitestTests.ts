/** The tests of a peer that are written for vitest: each case in a run of its own. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Tests } from "./NodeTests.ts"
import { longest, output } from "./NodeTests.ts"
import type { Peer } from "./Peers.ts"

const program = fileURLToPath(new URL("./vitest.mjs", import.meta.resolve("vitest/package.json")))

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly assertionResults: ReadonlyArray<Assertion>
  }>
}

interface Assertion {
  readonly ancestorTitles: ReadonlyArray<string>
  readonly title: string
  readonly status: "passed" | "failed" | "skipped" | "pending"
  readonly failureMessages?: ReadonlyArray<string>
}

const nameOf = ({ ancestorTitles, title }: Assertion): string => [...ancestorTitles, title].join(" > ")

export const vitestTests = (name: string, { folder }: Peer, directory: string): Tests => {
  /** What a run of those cases of a file reports whose names match; undefined where it does not end. */
  const run = async (file: string, pattern: string): Promise<ReadonlyArray<Assertion> | undefined> => {
    const place = await mkdtemp(join(tmpdir(), "simul-peer-"))
    const report = join(place, "report.json")
    const config = join(import.meta.dirname, "VitestConfig.ts")
    const flags = [`--config=${config}`, "--reporter=json", `--outputFile=${report}`, `--testNamePattern=${pattern}`]
    await output(name, directory, [program, "run", join(folder, file), ...flags])
    const text = await readFile(report, "utf8").catch(() => undefined)
    await rm(place, { recursive: true })
    if (text === undefined) return undefined
    return (JSON.parse(text) as Report).testResults.flatMap(({ assertionResults }) => assertionResults)
  }
  return {
    // cases of `describe.each` have their names when the file is loaded, not before: none is run, all are reported
    titles: async (file) => [...new Set((await run(file, "^$"))?.map(nameOf))],
    judge: async (file, title) => {
      const reported = await run(file, `^${title.replaceAll(/[^\w ]/g, "\\$&")}$`)
      if (reported === undefined) return `does not end within ${longest / 1000} s`
      const told = reported.filter((assertion) => nameOf(assertion) === title)
      if (told.length === 0) return "ends before it is reported"
      const failed = told.find(({ status }) => status === "failed")
      if (failed !== undefined) return failed.failureMessages?.[0]?.split("\n")[0] ?? "fails"
      return told.some(({ status }) => status === "passed") ? undefined : null
    }
  }
}
