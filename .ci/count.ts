/**
 * Adds up what `.ci/run` did: `node .ci/count.ts BROKEN CONFORMANCE`.
 *
 * `BROKEN` is 1 when a command of the run ended with a failing status: then the
 * count of failures is at least 1, whatever the reports say. `CONFORMANCE` is
 * what the conformance run printed; the file is absent where there are no cases.
 * Reads vitest's reports in `.vitest/` and turbo's summaries in `.turbo/runs/`
 * (a type check or a lint counts as one). Prints what failed and how: what has
 * printed it before lies thousands of lines above. The line of totals is last.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly assertionResults: ReadonlyArray<{
      readonly status: string
      readonly fullName: string
      readonly failureMessages?: ReadonlyArray<string> | null
    }>
  }>
}
interface Summary {
  readonly tasks: ReadonlyArray<{
    readonly taskId: string
    readonly task: string
    readonly execution?: { readonly exitCode: number }
  }>
}

const root = join(import.meta.dirname, "..")
const files = (pattern: string) => globSync(pattern, { cwd: root }).map((path) => join(root, path))
const read = (file: string) => JSON.parse(readFileSync(file, "utf8"))

let passed = 0
let failed = 0
const fail = (what: string) => {
  failed++
  console.log(`failed: ${what}`)
}

for (const file of files("{,packages/*/,apps/*/}.vitest/*.json"))
  for (const { name, status, assertionResults } of (read(file) as Report).testResults) {
    const bad = assertionResults.filter((test) => test.status === "failed")
    passed += assertionResults.filter((test) => test.status === "passed").length
    for (const { fullName, failureMessages } of bad)
      fail([`${relative(root, name)}: ${fullName}`, ...(failureMessages ?? [])].join("\n"))
    // a file that cannot be loaded has no tests that could fail
    if (status === "failed" && bad.length === 0) fail(name)
  }

// a workspace whose tests left no report did not run them
const tested: ReadonlyArray<string> = files("{packages,apps}/*/test/**/*.test.ts").map((file) =>
  file.replace(/[\\/]test[\\/].*$/, "")
)
for (const directory of new Set(tested))
  if (!existsSync(join(directory, ".vitest/results.json"))) fail(`no test report in ${directory}`)

for (const file of files(".turbo/runs/*.json"))
  for (const { taskId, task, execution } of (read(file) as Summary).tasks) {
    if (task.replace("//#", "").startsWith("test")) continue
    if (execution === undefined || execution.exitCode !== 0) fail(taskId)
    else passed++
  }

const [, , broken, conformance] = process.argv
if (conformance !== undefined && existsSync(conformance)) {
  const totals = /^(\d+) passed, \d+ excepted, (\d+) failed\n$/m.exec(
    readFileSync(conformance, "utf8")
      .split(/(?<=\n)/)
      .at(-1) ?? ""
  )
  if (totals === null) fail("the conformance run did not reach its end")
  else {
    passed += Number(totals[1])
    failed += Number(totals[2])
  }
}

if (broken !== "0" && failed === 0) fail("a command ended with a failing status, though no report names a failure")
if (passed === 0 && failed === 0) fail("nothing was run")
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
