/** Work for the workers of an executor. */
export { perform } from "./Work.ts"

/** The tiniest of tasks. */
export const square = (number: number): number => number * number
