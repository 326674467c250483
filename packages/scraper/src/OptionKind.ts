/**
 * What an option may be, said where a run is opened: a program that no compiler
 * checked would hear of it as of something else, or not at all.
 */
import * as Effect from "effect/Effect"
import { OptionUnusable } from "./RunError.ts"
import * as Url from "./Url.ts"

/** What a value must be. */
export interface Kind {
  /** Completes "it takes". */
  readonly takes: string
  readonly has: (value: unknown) => boolean
  /** What was given is not told. */
  readonly isSecret?: boolean
}

export type Kinds<A> = { readonly [K in keyof A]-?: Kind }

/** `Infinity` is one. */
export const number = (least: number): Kind => ({
  takes: `a number of at least ${least}`,
  has: (value) => typeof value === "number" && value >= least
})
export const finite = (least: number): Kind => ({
  takes: `a finite number of at least ${least}`,
  has: (value) => Number.isFinite(value) && number(least).has(value)
})
/** `Infinity` is one, where there is no `most`. */
export const whole = (least: number, most = Infinity): Kind => ({
  takes: `a whole number ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}`,
  has: (value) => number(least).has(value) && (value as number) <= most && Math.floor(value as number) === value
})
export const positive: Kind = { takes: "a number above 0", has: (value) => typeof value === "number" && value > 0 }
export const text: Kind = { takes: "some text", has: (value) => typeof value === "string" && value !== "" }
export const toggle: Kind = { takes: "true or false", has: (value) => typeof value === "boolean" }
export const callback: Kind = { takes: "a function", has: (value) => typeof value === "function" }
export const choice = (...values: ReadonlyArray<string>): Kind => ({
  takes: values.map((value) => `"${value}"`).join(" or "),
  has: (value) => typeof value === "string" && values.includes(value)
})
export const list = (of: string, has: (item: unknown) => boolean): Kind => ({
  takes: `an array of ${of}`,
  has: (value) => Array.isArray(value) && value.every(has)
})
/** In one string `for` would find characters. There may be a password in it. */
export const urls: Kind = {
  isSecret: true,
  takes: "an array of URLs",
  has: (value) => typeof value !== "string" && Symbol.iterator in Object(value)
}
export const record = (takes: string, has: (value: Readonly<Record<string, unknown>>) => boolean): Kind => ({
  takes,
  has: (value) => typeof value === "object" && value !== null && has(value as Readonly<Record<string, unknown>>)
})
export const either = (one: Kind, other: Kind): Kind => ({
  takes: `${one.takes} or ${other.takes}`,
  has: (value) => one.has(value) || other.has(value)
})

const mostText = 100
const cut = (text: string): string => (text.length > mostText ? `${text.slice(0, mostText)}...` : text)
/** Credentials are left out, and longer text is cut: in this order, or a cut would hide the `@` that ends them. */
export const bounded = (text: string): string => cut(Url.redact(text))

/** A plain value as it is, unless it may be a secret. */
const shown = (value: unknown, isSecret = false): string => {
  if (Array.isArray(value)) return "(array)"
  if (value !== null && (isSecret || /^(?:object|function)$/.test(typeof value))) return `(${typeof value})`
  // before it is quoted: a quotation mark would hide where a URL begins
  const text = Url.redact(String(value))
  return cut(typeof value === "string" ? JSON.stringify(text) : text)
}

/** Fails where an option is none of these, or is not what it may be. `of`: what has them, where that is no object. */
export const check = <A>(kinds: Kinds<A>, given: unknown, of = "options"): Effect.Effect<void, OptionUnusable> => {
  if (typeof given !== "object" || given === null)
    return Effect.fail(new OptionUnusable({ option: of, value: shown(given), detail: "it takes an object" }))
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined) continue
    const kind = Object.hasOwn(kinds, option) ? kinds[option as keyof A] : undefined
    if (kind?.has(value) === true) continue
    const about =
      kind === undefined
        ? { isUnknown: true, detail: `no such option among ${Object.keys(kinds).join(", ")}` }
        : { detail: `it takes ${kind.takes}` }
    return Effect.fail(
      new OptionUnusable({ option, value: shown(value, kind === undefined || kind.isSecret), ...about })
    )
  }
  return Effect.void
}
