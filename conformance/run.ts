/**
 * Runs every conformance runner: `node conformance/run.ts DIRECTORY`.
 *
 * The directory holds cases that other projects wrote, one folder a subject. The
 * runner of a folder is the file of its name beside this one; it knows the form
 * of the cases and keeps the list of those that Simul decides otherwise, each
 * with a reason. Prints a table and, as the last line, the totals; writes
 * nothing. Ends with status 1 when a case failed.
 */
import { existsSync, readdirSync } from "node:fs"
import { join, resolve } from "node:path"

/**
 * What became of the cases of one folder. `excepted`: Simul decides otherwise, by an entry of the runner's list.
 * `failed`: `case: what was wrong`.
 */
export interface Result {
  readonly passed: number
  readonly excepted: number
  readonly failed: ReadonlyArray<string>
}

/** What a runner exports as `run`. `directory` holds the cases of its folder. Rejects when the cases cannot be read. */
export type Run = (directory: string) => Promise<Result>

const runOf = async (folder: string): Promise<Run> => {
  const runner: { readonly run?: Run } = await import(new URL(`./${folder}.ts`, import.meta.url).href)
  if (typeof runner.run !== "function") throw new TypeError(`conformance/${folder}.ts exports no run`)
  return runner.run
}

const judge = async (directory: string, folder: string): Promise<Result> => {
  try {
    const run = await runOf(folder)
    return await run(join(directory, folder))
  } catch (cause) {
    return {
      passed: 0,
      excepted: 0,
      failed: [`the runner itself: ${cause instanceof Error ? cause.stack : String(cause)}`]
    }
  }
}

const main = async (directory: string): Promise<number> => {
  if (!existsSync(directory)) {
    console.error(`error: there is no ${directory}`)
    return 1
  }
  // a runner is named like its folder, in lower case; parts that runners share are PascalCase.ts
  const runners = readdirSync(import.meta.dirname)
    .filter((name) => /^[a-z-]+\.ts$/.test(name) && name !== "run.ts")
    .map((name) => name.slice(0, -".ts".length))
  const folders = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)

  const row = (cells: ReadonlyArray<string | number>) =>
    console.log(cells.map((cell, i) => (i === 0 ? String(cell).padEnd(20) : String(cell).padStart(9))).join(""))
  row(["folder", "passed", "excepted", "failed"])
  const total = { passed: 0, excepted: 0, failed: 0 }
  for (const folder of [...new Set([...folders, ...runners])].toSorted()) {
    if (!runners.includes(folder)) console.log(`${folder.padEnd(20)}   no runner yet`)
    else if (!folders.includes(folder)) console.log(`${folder.padEnd(20)}   no cases in ${directory}`)
    else {
      const result = await judge(directory, folder)
      row([folder, result.passed, result.excepted, result.failed.length])
      for (const failure of result.failed) console.log(`  failed ${failure}`)
      total.passed += result.passed
      total.excepted += result.excepted
      total.failed += result.failed.length
    }
  }
  console.log(`${total.passed} passed, ${total.excepted} excepted, ${total.failed} failed`)
  return total.failed === 0 ? 0 : 1
}

if (import.meta.main) {
  const directory = process.argv[2]
  if (directory === undefined) {
    console.error("usage: node conformance/run.ts DIRECTORY")
    process.exitCode = 2
  } else process.exitCode = await main(resolve(directory))
}
