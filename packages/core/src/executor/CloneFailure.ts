/**
 * Which part of a value keeps it from being sent to a worker.
 *
 * A DataCloneError says "() => {} could not be cloned" and leaves the search
 * to the reader. This is the search; it runs once a clone has failed.
 *
 * 1. The part named is the first that structured clone itself would meet: it
 *    looks where structured clone looks, in the same order.
 * 2. Cycles end, depth costs no stack, and at most a million parts are looked
 *    at: beyond them the value as a whole is named.
 */

/** `argument 1.user.callbacks[3]` and `is a function`: the two read as one sentence. */
export interface CloneFailure {
  readonly path: string
  readonly fact: string
}

type Part = readonly [step: string, read: () => unknown]

const limit = 1_000_000

/** Whether the own properties of an object are sent with it: of these kinds only the content is. */
const sendsProperties = (value: object, tag: string): boolean =>
  !ArrayBuffer.isView(value) && !/^(Map|Set|Error|Date|RegExp|Number|String|Boolean|BigInt|ArrayBuffer)$/.test(tag)

const said = (thrown: unknown): string => {
  try {
    return String(thrown)
  } catch {
    return typeof thrown
  }
}

const tagOf = (value: object): string => {
  try {
    return Object.prototype.toString.call(value).slice(8, -1)
  } catch {
    return "Object"
  }
}

const classOf = (value: { readonly constructor?: unknown }): string => {
  try {
    const { name } = value.constructor as { readonly name?: unknown }
    if (typeof name === "string" && name !== "") return name
  } catch {
    // A constructor that cannot be read names nothing.
  }
  return tagOf(value)
}

/** How a property is read: `.name` or `["any name"]`. */
export const propertyStep = (key: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `.${key}`
    : `[${/^(0|[1-9]\d{0,9})$/.test(key) ? key : JSON.stringify(key)}]`

const mapStep = (key: unknown, index: number): string => {
  if (typeof key === "string") return `.get(${JSON.stringify(key)})`
  return (typeof key === "object" && key !== null) || typeof key === "function" || typeof key === "symbol"
    ? `.values()[${index}]`
    : `.get(${String(key)}${typeof key === "bigint" ? "n" : ""})`
}

/** The parts that structured clone reads, in its order. */
function* partsOf(value: object, tag: string): Generator<Part, void> {
  if (value instanceof Map) {
    let index = 0
    for (const [key, held] of value) {
      yield [`.keys()[${index}]`, () => key]
      yield [mapStep(key, index++), () => held]
    }
  } else if (value instanceof Set) {
    let index = 0
    for (const held of value) yield [`.values()[${index++}]`, () => held]
  } else if (tag === "Error") {
    for (const key of ["name", "message", "stack"] as const) yield [`.${key}`, () => void (value as Error)[key]]
    const cause = Object.getOwnPropertyDescriptor(value, "cause")
    if (cause !== undefined) yield [".cause", () => cause.value]
  } else if (sendsProperties(value, tag)) {
    // By index first: all keys of a long array are as many strings. The keys begin with the indices.
    let indices = 0
    for (let index = 0; Array.isArray(value) && index < Math.min(value.length, limit); index++)
      if (Object.hasOwn(value, index)) {
        indices++
        yield [`[${index}]`, () => value[index]]
      }
    for (const key of Object.keys(value).slice(indices)) yield [propertyStep(key), () => value[key as keyof object]]
  }
}

/**
 * The path to the part of `value` that cannot be cloned, and what it is;
 * `undefined` if `value` can be cloned. `root` is what to call `value`.
 *
 * `clone` is what failed: `structuredClone` for threads, `serialize` of
 * `node:v8` for processes, which refuses some things that threads share. What
 * was to be transferred, `transfer`, is not asked to be cloneable.
 */
export const cloneFailure = (
  value: unknown,
  root: string,
  {
    clone = structuredClone,
    transfer = []
  }: { readonly clone?: (value: unknown) => unknown; readonly transfer?: ReadonlyArray<unknown> } = {}
): CloneFailure | undefined => {
  const refusal = (value: unknown): string | undefined => {
    try {
      clone(value)
      return undefined
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : said(thrown)
    }
  }
  const whole = refusal(value)
  if (whole === undefined) return undefined

  // No language feature tells a proxy from its target. Asked for rather than imported: this module needs no Node.
  const isProxy = globalThis.process?.getBuiltinModule?.("node:util").types.isProxy
  const seen = new Set<object>()

  /** What is wrong with a value itself; its parts to look at if nothing is. */
  const enter = (value: unknown): string | Generator<Part, void> | undefined => {
    if (typeof value === "function" || typeof value === "symbol") return `is a ${typeof value}`
    if (value === null || typeof value !== "object" || seen.has(value)) return undefined
    seen.add(value)
    if (isProxy?.(value)) return "is a proxy"
    const tag = tagOf(value)
    if (
      value instanceof ArrayBuffer
        ? value.detached
        : ArrayBuffer.isView(value) && (value.buffer as ArrayBuffer).detached
    )
      return "was transferred before"
    // What has no parts is tried alone; what has some might be refused for one of them.
    const hasNoParts =
      /^(Arguments|Module)$/.test(tag) ||
      (!Array.isArray(value) && sendsProperties(value, tag) && Object.keys(value).length === 0)
    const message = hasNoParts && !transfer.includes(value) ? refusal(value) : undefined
    if (message === undefined) return partsOf(value, tag)
    const name = tag === "Arguments" ? tag : classOf(value)
    const remedy = /transferList/.test(message) ? ", which can only be transferred" : ""
    return `is ${/^[AEIO]/.test(name) ? "an" : "a"} ${name}${remedy}`
  }

  const path = [root]
  const open: Array<Generator<Part, void>> = []
  const visit = (read: () => unknown): string | undefined => {
    let found
    try {
      found = enter(read())
    } catch (thrown) {
      return `throws ${said(thrown)}`
    }
    if (typeof found === "object") open.push(found)
    else if (found === undefined) path.pop()
    return typeof found === "string" ? found : undefined
  }
  let fact = visit(() => value)
  for (let looked = 0; fact === undefined && open.length > 0 && looked < limit; looked++) {
    const next = open.at(-1)!.next()
    if (next.done) {
      open.pop()
      path.pop()
    } else {
      path.push(next.value[0])
      fact = visit(next.value[1])
    }
  }
  return fact === undefined ? { path: root, fact: `cannot be cloned: ${whole}` } : { path: path.join(""), fact }
}
