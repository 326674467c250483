import type { Differences } from "./Differences.ts"

export const differences: Differences = {
  unfit: {},
  cases: []
}
