/** The globals of mocha, on Node's test runner. */
import { after, afterEach, before, beforeEach, describe, it } from "./Cases.ts"

type Body = (this: unknown, done?: (error?: unknown) => void) => unknown

// Node gives a test its context before the callback
const adapted = (body: Body) =>
  body.length === 0
    ? () => body.call(patient)
    : (_: unknown, done: (error?: unknown) => void) => body.call(patient, done)
/** A body may ask for more time; the runner gives each case enough. */
const patient = { timeout: () => {} }

const itOf = (name: string, body: Body): void => it(name, adapted(body))
export const mocha = {
  describe: (name: string, body: Body): void => describe(name, () => void body.call(patient)),
  it: Object.assign(itOf, { skip: () => {} }),
  before: (body: Body): void => before(adapted(body)),
  after: (body: Body): void => after(adapted(body)),
  beforeEach: (body: Body): void => beforeEach(adapted(body)),
  afterEach: (body: Body): void => afterEach(adapted(body))
}
