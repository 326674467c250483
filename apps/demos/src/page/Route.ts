/** The address of a demo and what is turned in it: `#/chess?opponents=20`. */
import type { Played } from "@simul/core/scenario/Scenario"
import * as Parameter from "@simul/core/scenario/Parameter"
import { scenarios } from "../Chapters.ts"

export interface Route {
  /** Absent: the contents. */
  readonly name?: string
  readonly parameters: Played["parameters"]
  /** What of the address cannot be. */
  readonly fault?: string
}

const parametersOf = (name: string) => scenarios.find((one) => one.name === name)?.parameters as Parameter.Parameters

export const read = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?")
  if (path === "") return { parameters: {} }
  const parameters = parametersOf(path)
  if (parameters === undefined) return { parameters: {}, fault: `There is no demo called ${path}.` }
  try {
    return { name: path, parameters: Parameter.parse(parameters, Object.fromEntries(new URLSearchParams(query))) }
  } catch (error) {
    if (!(error instanceof Parameter.ParameterError)) throw error
    return { name: path, parameters: Parameter.defaults(parameters), fault: `${error.message.slice(2)}.` }
  }
}

/** What differs from the defaults. */
export const turned = (name: string, values: Played["parameters"]): ReadonlyArray<readonly [string, number]> => {
  const parameters = parametersOf(name)
  return Object.entries(values).filter(([key, value]) => parameters[key]!.default !== value)
}

export const write = (name: string, values: Played["parameters"]): string => {
  const query = turned(name, values)
    .map(([key, value]) => `${key}=${value}`)
    .join("&")
  return `#/${name}${query === "" ? "" : `?${query}`}`
}
