/**
 * What another process would find emptied: Node's channel to it takes a URL, a Blob or a port for a plain object, and
 * sends `{}`. `structuredClone` knows them, and is asked once for each class that V8 does not copy itself.
 *
 * They are looked for where V8 finds what it sends, among the first 4,096 values of a message, five levels deep. What a task
 * gives is not looked through: it would make the program of a worker, which is sent as text, longer by a tenth.
 */

/** Gives what throws where a message has such an object. */
export function refusesEmptied(): (message: unknown) => void {
  /** Whether its properties are sent, by the prototype of what arrives as it is. */
  const known = new WeakMap<object, boolean>()
  const native = /^\[object (Error|Map|Set|Date|RegExp|Number|String|Boolean|BigInt|(Shared)?ArrayBuffer)\]$/
  // not this `Object.prototype`: a runner of tests may have another realm than its `structuredClone`
  const isPlain = (value: object) => Object.getPrototypeOf(Object.getPrototypeOf(value)) === null
  const sendsProperties = (value: object, prototype: object): boolean => {
    let sends = known.get(prototype)
    if (sends === undefined) {
      sends = !(value instanceof Error || native.test(Object.prototype.toString.call(value)))
      if (sends && !isPlain(structuredClone(value)))
        throw new TypeError(`another process would find a ${value.constructor.name} empty`)
      known.set(prototype, sends)
    }
    return sends
  }
  return (message) => {
    let left = 4096
    const visit = (value: any, depth: number): void => {
      left--
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return
      if (Array.isArray(value) || value instanceof Map || value instanceof Set) {
        if (depth === 0) return
        for (const part of value) {
          if (left <= 0) return
          visit(part, depth - 1)
        }
        return
      }
      const prototype = Object.getPrototypeOf(value)
      const sends = prototype === null || prototype === Object.prototype || sendsProperties(value, prototype)
      if (depth === 0 || !sends) return
      for (const key in value) {
        if (left <= 0) return
        if (Object.hasOwn(value, key)) visit(value[key], depth - 1)
      }
    }
    visit(message, 5)
  }
}
