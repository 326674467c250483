/** Finds what is of another kind than it must be, where no type told. */
import { InvalidOption } from "./ExecutorError.ts"

export const notArray = (option: string, value: unknown): InvalidOption | undefined =>
  Array.isArray(value) ? undefined : new InvalidOption({ option, expected: "an array", got: value })

/** One that is not given is none of another kind. */
export const notFunction = (option: string, value: unknown): InvalidOption | undefined =>
  value == null || typeof value === "function"
    ? undefined
    : new InvalidOption({ option, expected: "a function", got: value })
