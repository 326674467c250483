/** Work for the workers of an executor. */
export { perform } from "./Work.ts"
