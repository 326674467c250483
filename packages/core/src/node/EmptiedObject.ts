/**
 * What another process would find emptied: Node's channel to it takes a URL, a Blob or a port for a plain object, and
 * sends `{}`. `structuredClone` knows them, and is asked once for each class that V8 does not copy itself.
 *
 * They are looked for among the first 4,096 objects of a message, five levels deep.
 */

/** Gives what throws where a message has such an object. Sent as text; see `Bootstrap.ts`. */
export function refusesEmptied(): (message: unknown) => void {
  /** Prototypes of what arrives as it is. */
  const known = new WeakSet<object>([Object.prototype, Array.prototype])
  const native = /^\[object (Map|Set|Date|RegExp|Number|String|Boolean|BigInt|(Shared)?ArrayBuffer)\]$/
  const isNative = (value: object) =>
    value instanceof Error || Array.isArray(value) || native.test(Object.prototype.toString.call(value))
  return (message) => {
    let left = 4096
    const visit = (value: any, depth: number): void => {
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || left-- < 0) return
      const prototype = Object.getPrototypeOf(value)
      if (prototype !== null && !known.has(prototype)) {
        if (!isNative(value) && Object.getPrototypeOf(structuredClone(value)) !== Object.prototype)
          throw new TypeError(`another process would find a ${value.constructor.name} empty`)
        known.add(prototype)
      }
      if (depth === 0) return
      if (Array.isArray(value)) for (const part of value) visit(part, depth - 1)
      else for (const key in value) visit(value[key], depth - 1)
    }
    visit(message, 5)
  }
}
