/** What of a scenario can be turned: a number with bounds, and how it is read from text. */
import * as Schema from "effect/Schema"

export interface Parameter {
  /** In a few words: what it counts. */
  readonly description: string
  /** `min`, `ms`, `%`; empty for a count. */
  readonly unit: string
  readonly default: number
  readonly minimum: number
  readonly maximum: number
  readonly whole: boolean
}

export type Parameters = Readonly<Record<string, Parameter>>

/** A value for each parameter. */
export type Values<P extends Parameters> = { readonly [K in keyof P]: number }

interface Bounds {
  readonly default: number
  readonly minimum: number
  readonly maximum: number
  readonly unit?: string
}

/** A whole number. */
export const whole = (description: string, { unit = "", ...bounds }: Bounds): Parameter => ({
  description,
  unit,
  ...bounds,
  whole: true
})

/** Any number. */
export const number = (description: string, { unit = "", ...bounds }: Bounds): Parameter => ({
  description,
  unit,
  ...bounds,
  whole: false
})

/** A value that its parameter does not allow, or one without a parameter. */
export class ParameterError extends Schema.TaggedError<ParameterError>()("ParameterError", {
  parameter: Schema.String,
  given: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `--${this.parameter} must be ${this.expected}, got ${this.given.trim() || "nothing"}`
  }
}

const schema = ({ whole, minimum, maximum }: Parameter) =>
  (whole ? Schema.Int : Schema.Finite).check(Schema.isBetween({ minimum, maximum }))

/** All of them, for whoever decodes, generates or documents values. */
export const schemaOf = <P extends Parameters>(parameters: P) =>
  Schema.Struct(
    Object.fromEntries(Object.entries(parameters).map(([name, one]) => [name, schema(one)]))
  ) as Schema.Codec<Values<P>>

export const defaults = <P extends Parameters>(parameters: P): Values<P> =>
  Object.fromEntries(Object.entries(parameters).map(([name, one]) => [name, one.default])) as Values<P>

/** What a parameter takes, in words: `a whole number from 1 to 50`. */
export const expected = ({ whole, minimum, maximum, unit }: Parameter): string =>
  `a ${whole ? "whole " : ""}number from ${minimum} to ${maximum}${unit === "" ? "" : ` (${unit})`}`

/** The defaults, but for what is given as text. Throws a `ParameterError` for the first that cannot be. */
export const parse = <P extends Parameters>(parameters: P, given: Readonly<Record<string, string>>): Values<P> => {
  const values: Record<string, number> = { ...defaults(parameters) }
  for (const [name, text] of Object.entries(given)) {
    const parameter = parameters[name]
    if (parameter === undefined)
      throw new ParameterError({
        parameter: name,
        given: text,
        expected: `one of ${
          Object.keys(parameters)
            .map((one) => `--${one}`)
            .join(", ") || "none: there is nothing to turn"
        }`
      })
    const value = text.trim() === "" ? Number.NaN : Number(text)
    if (!Schema.is(schema(parameter))(value))
      throw new ParameterError({ parameter: name, given: text, expected: expected(parameter) })
    values[name] = value
  }
  return values as Values<P>
}
