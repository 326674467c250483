/**
 * Errors that cross a thread or a process and arrive as what they were.
 *
 * Structured clone keeps of an error its message, its stack and little else:
 * class, code, own properties and the errors of an AggregateError are lost.
 * A worker calls `encodeError` on what was thrown, the engine `decodeError` on
 * what came, and `withSubmitSite` adds where the work was asked for.
 *
 * 1. `encodeError` never throws. What it gives can be cloned by `postMessage`,
 *    by a process with `serialization: "advanced"` and by `structuredClone`.
 * 2. `encodeError` refers to nothing but globals, its parameters and itself:
 *    its text is sent to workers.
 * 3. What cannot be cloned is replaced by its description, a string; nothing
 *    beside it is lost. Symbol keys are, as in structured clone.
 * 4. Shared references stay shared and cycles stay cycles.
 * 5. `decodeError` never throws, and leaves what it reads as it was.
 */
import { framesOf, type SubmitSite } from "./SubmitSite.ts"

/** One error, taken apart. Values may refer to other records of the same `EncodedError`. */
interface ErrorRecord {
  /** Names of its class and of the classes above, its own first. */
  readonly classes: ReadonlyArray<string>
  /**
   * What is mostly inherited or computed, as read: `stack`, `name`, `message`, `code` and the two numbers of a
   * QuotaExceededError.
   */
  readonly fields: ReadonlyMap<string, unknown>
  /** Own enumerable properties. */
  readonly shown: ReadonlyMap<string, unknown>
  /** The other own properties, such as `message`, `cause` and `errors`. */
  readonly hidden: ReadonlyMap<string, unknown>
}

/**
 * Whatever was thrown, cloneable. Where `thrown` leads to an object of `errors`, that object stands for the error it
 * describes.
 */
export interface EncodedError {
  readonly thrown: unknown
  readonly errors: ReadonlySet<ErrorRecord>
}

/**
 * Takes apart what was thrown, an error or anything else.
 *
 * Errors are found wherever properties, arrays, maps and sets lead, 100 levels
 * deep and among 10,000 objects; what lies beyond is described. Instances of
 * classes that are no errors become plain objects, as in structured clone. Own
 * methods that override one of `Object.prototype` are left out: a description
 * in the place of `toString` would make the object unprintable.
 */
export function encodeError(thrown: unknown): EncodedError {
  const errors = new Set<ErrorRecord>()
  const seen = new Map<object, unknown>()
  const describe = (value: any): string => {
    try {
      return typeof value === "function" ? `[Function: ${value.name}]` : String(value)
    } catch {
      return `[${typeof value} that throws when read]`
    }
  }
  const get = (from: any, key: string): any => {
    try {
      return from[key]
    } catch (thrown) {
      return `[getter throws ${describe(thrown)}]`
    }
  }
  const encode = (value: any, depth: number): any => {
    if (typeof value === "symbol" || typeof value === "function") return describe(value)
    if (value === null || typeof value !== "object") return value
    if (seen.has(value)) return seen.get(value)
    if (depth > 100 || seen.size > 10_000) return describe(value)
    const keep = (copy: any) => (seen.set(value, copy), copy)
    const read = (key: string) => encode(get(value, key), depth + 1)
    const parts = (keys: ReadonlyArray<string | symbol>) =>
      keys.filter(
        (key) => typeof key === "string" && !(key in {} && typeof get(value, key) === "function")
      ) as Array<string>
    try {
      const tag = Object.prototype.toString.call(value).slice(8, -1)
      if (value instanceof Error || tag === "Error" || tag === "DOMException") {
        const record = keep({ classes: [], fields: new Map(), shown: new Map(), hidden: new Map() })
        errors.add(record)
        for (let at = value; record.classes.length < 20 && (at = Object.getPrototypeOf(at));)
          record.classes.push(describe(get(get(at, "constructor"), "name")))
        for (const key of ["stack", "name", "message", "code", "quota", "requested"]) record.fields.set(key, read(key))
        for (const key of parts(Reflect.ownKeys(value)))
          if (key !== "stack") record[{}.propertyIsEnumerable.call(value, key) ? "shown" : "hidden"].set(key, read(key))
        return record
      }
      if (value instanceof Map || value instanceof Set) {
        const copy = keep(value instanceof Map ? new Map() : new Set())
        for (const entry of value.entries()) {
          const [key, held] = encode(entry, depth)
          if (value instanceof Map) copy.set(key, held)
          else copy.add(key)
        }
        return copy
      }
      if (ArrayBuffer.isView(value) || /^(ArrayBuffer|Date|RegExp|Number|String|Boolean|BigInt)$/.test(tag))
        return keep(structuredClone(value))
      const keys = Object.keys(value)
      if (!keys.length && !/^(Object|Array|Arguments)$/.test(tag)) return keep(describe(value))
      const copy = keep(Array.isArray(value) ? Array(value.length) : {})
      for (const key of parts(keys))
        Object.defineProperty(copy, key, { value: read(key), writable: true, enumerable: true, configurable: true })
      return copy
    } catch {
      return keep(describe(value))
    }
  }
  return { thrown: encode(thrown, 0), errors }
}

/** What a function of the registry gets: `class`, `stack`, `name`, `message`, and every own property of the error. */
type ErrorData = Readonly<Record<string, unknown>>

/**
 * The program's own error classes, by class name or by the `name` (an Effect `_tag`) of their errors.
 *
 * A class gives its prototype; its constructor does not run, so what it keeps
 * in private fields is not there. A function makes the error itself, with
 * whatever checks or schema it likes; own properties that it leaves out are
 * added. One that throws is passed over.
 */
export type ErrorRegistry = Readonly<Record<string, { readonly prototype: Error } | ((data: ErrorData) => Error)>>

const natives: Readonly<Record<string, (record: ErrorRecord) => Error>> = {
  ...Object.fromEntries(
    [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Native) => [
      Native.name,
      () => new Native()
    ])
  ),
  AggregateError: () => new AggregateError([]),
  SuppressedError: () => new SuppressedError(undefined, undefined),
  DOMException: ({ fields }) => new DOMException(String(fields.get("message")), String(fields.get("name"))),
  QuotaExceededError: ({ fields }) => new QuotaExceededError(String(fields.get("message")), Object.fromEntries(fields))
}

const attempt = <A>(make: () => A): A | undefined => {
  try {
    return make()
  } catch {
    return undefined
  }
}

const define = (error: object, key: string, value: unknown, enumerable: boolean) =>
  Reflect.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })

/**
 * Puts together what `encodeError` took apart; what was not an error arrives as it is.
 *
 * An error becomes an instance of the first of its classes that the registry
 * or JavaScript knows, `Error` at last, with its own properties as they were
 * and `stack`, `name`, `message` and `code` that read as they read in the
 * worker. Errors that refer to one made by a function of the registry from
 * inside its own data see a plain one.
 */
export const decodeError = (encoded: EncodedError, registry: ErrorRegistry = {}): unknown => {
  const made = new Map<object, unknown>()

  const rehydrate = (record: ErrorRecord): unknown => {
    const [own, ...above] = record.classes
    const entry = [own, record.fields.get("name"), ...above]
      .filter((name) => typeof name === "string")
      .map((name) => (Object.hasOwn(registry, name) ? registry[name] : undefined))
      .find((entry) => entry !== undefined)
    const prototype = entry?.prototype instanceof Error ? entry.prototype : undefined

    // Only a native constructor makes what `Error.isError` and structured clone take for an error, so a class lends its
    // prototype.
    const native = record.classes.find((name) => Object.hasOwn(natives, name)) ?? "Error"
    const error = attempt(() => natives[native]!(record)) ?? new Error()
    if (prototype !== undefined) Object.setPrototypeOf(error, prototype)
    made.set(record, error)
    for (const [key, value] of record.shown) define(error, key, decode(value), true)
    for (const [key, value] of record.hidden) define(error, key, decode(value), false)
    for (const [key, field] of record.fields) {
      const value = decode(field)
      if (
        !Object.is(
          attempt(() => error[key as keyof Error]),
          value
        )
      )
        define(error, key, value, false)
    }
    if (entry === undefined || prototype !== undefined) return error

    const data = Object.fromEntries(Reflect.ownKeys(error).map((key) => [key, error[key as keyof Error]]))
    const rehydrated = attempt(() =>
      (entry as (data: ErrorData) => Error)({ ...data, name: error.name, message: error.message, class: own })
    )
    if (!(rehydrated instanceof Error)) return error
    for (const key of Reflect.ownKeys(error))
      if (key === "stack" || !Object.hasOwn(rehydrated, key))
        Reflect.defineProperty(rehydrated, key, Object.getOwnPropertyDescriptor(error, key)!)
    made.set(record, rehydrated)
    return rehydrated
  }

  const decode = (value: unknown): unknown => {
    if (value === null || typeof value !== "object") return value
    if (made.has(value)) return made.get(value)
    if (encoded.errors.has(value as ErrorRecord)) return rehydrate(value as ErrorRecord)
    if (value instanceof Map) {
      const map = new Map()
      made.set(value, map)
      for (const [key, held] of value) map.set(decode(key), decode(held))
      return map
    }
    if (value instanceof Set) {
      const set = new Set()
      made.set(value, set)
      for (const held of value) set.add(decode(held))
      return set
    }
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value
    const copy = Array.isArray(value) ? Array(value.length) : {}
    made.set(value, copy)
    for (const [key, held] of Object.entries(value)) define(copy, key, decode(held), true)
    return copy
  }

  return decode(encoded.thrown)
}

/**
 * Adds to an error's stack where its work was submitted: below the worker's
 * frames a line `--- submitted from ---`, then the frames of `site` outside of
 * this package, of Effect and of Node. Changes the error and gives it back; what is
 * no error, or has no such frame to show, stays as it is.
 *
 * `site` is an error made when the work was submitted; its stack is first read here.
 */
export const withSubmitSite = <A>(error: A, site: SubmitSite): A => {
  if (!(error instanceof Error)) return error
  const frames = framesOf(site)
  const stack = typeof error.stack === "string" ? error.stack : String(error)
  if (frames.length > 0) define(error, "stack", [stack, "    --- submitted from ---", ...frames].join("\n"), false)
  return error
}
