/**
 * Node's test runner, of which only one case is run: the one of the number
 * `SIMUL_PEER_CASE`, counted from 0 in the order of the file. Without that the cases
 * are named, one a line of JSON, and none is run.
 */
import * as runner from "node:test"

type Body = (...parameters: Array<any>) => unknown

const wanted = process.env["SIMUL_PEER_CASE"]
let count = 0
let suites: ReadonlyArray<string> = []

const bodyOf = (rest: ReadonlyArray<any>): Body | undefined => rest.find((part) => typeof part === "function")

export const test = (name: string, ...rest: ReadonlyArray<any>): void => {
  const number = count++
  if (wanted === undefined) console.log(JSON.stringify([...suites, name].join(" > ")))
  else if (number === Number(wanted)) void runner.test(name, ...(rest as ReadonlyArray<never>))
}
test.skip = (): void => {}
export const it = test

export const describe = (name: string, ...rest: ReadonlyArray<any>): void => {
  const before = suites
  suites = [...suites, name]
  if (wanted === undefined) bodyOf(rest)?.()
  // a suite whose cases are all left out would still run its hooks
  else void runner.describe(name, ...(rest as ReadonlyArray<never>))
  suites = before
}

export const { before, after, beforeEach, afterEach } = runner
export default test
// a type, which is imported as if it were a value
export const TestContext = undefined
