/**
 * What another process would find emptied: Node's channel to it takes a URL, a Blob or a port for a plain object, and
 * sends `{}`. `structuredClone` knows them, and is asked once for each class that V8 does not copy itself.
 *
 * They are looked for where V8 finds what it sends, among the first 4,096 values of a message, five levels deep: by the
 * engine in what tasks are given, and by the process, to which this is sent as text, in what they give.
 */

/** Gives what throws where a message has such an object. */
export function refusesEmptied(): (message: unknown) => void {
  const { isNativeError } = process.getBuiltinModule("node:util").types
  /** Whether its properties are sent, by the prototype of what arrives as it is. */
  const known = new WeakMap<object, boolean>()
  const native = /^\[object (Map|Set|Date|RegExp|Number|String|Boolean|BigInt|(Shared)?ArrayBuffer)\]$/
  const sendsProperties = (value: object, prototype: object): boolean => {
    let sends = known.get(prototype)
    if (sends === undefined) {
      sends = !native.test(Object.prototype.toString.call(value))
      // not this `Object.prototype`: a runner of tests may have another realm than its `structuredClone`
      if (sends && Object.getPrototypeOf(Object.getPrototypeOf(structuredClone(value))) !== null)
        throw new TypeError(`another process would find a ${value.constructor.name} empty`)
      known.set(prototype, sends)
    }
    return sends
  }
  /** The properties of an object that are sent. */
  const keysOf = (value: object): ReadonlyArray<string> => {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== null && prototype !== Object.prototype) {
      if (isNativeError(value)) return Object.hasOwn(value, "cause") ? ["cause"] : []
      if (!sendsProperties(value, prototype)) return []
    }
    return Object.keys(value)
  }
  return (message) => {
    let left = 4096
    const visit = (value: any, depth: number): void => {
      left--
      if (depth === 0 || typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return
      const holds = Array.isArray(value) || value instanceof Map || value instanceof Set
      for (const part of holds ? value : keysOf(value)) {
        if (left <= 0) return
        visit(holds ? part : value[part], depth - 1)
      }
    }
    visit(message, 6)
  }
}
