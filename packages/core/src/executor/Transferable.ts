/** What leaves a worker with a result instead of being copied. Sent to threads as text, as `Serve.ts` is. */

/** A whole buffer is moved, a view on a part of one is copied. `mayMove`: whether a buffer may be given away. */
export function transferable(
  given: unknown,
  mayMove: (buffer: ArrayBuffer) => boolean
): ReadonlyArray<unknown> | undefined {
  if (given === null || typeof given !== "object") return undefined
  const found = new Set<unknown>()
  let looks = 0
  const visit = (value: unknown, depth: number): void => {
    if (value === null || typeof value !== "object" || looks++ > 4096) return
    const buffer = ArrayBuffer.isView(value)
      ? value.byteLength === value.buffer.byteLength
        ? value.buffer
        : undefined
      : value instanceof ArrayBuffer
        ? value
        : undefined
    if (buffer !== undefined) {
      if (buffer instanceof ArrayBuffer && !buffer.detached && mayMove(buffer)) found.add(buffer)
    } else if (typeof MessagePort === "function" && value instanceof MessagePort) found.add(value)
    else if (depth > 0 && !ArrayBuffer.isView(value)) {
      const prototype = Object.getPrototypeOf(value)
      if (Array.isArray(value)) for (const item of value) visit(item, depth - 1)
      else if (prototype === Object.prototype || prototype === null)
        for (const key of Object.keys(value)) {
          const property = Object.getOwnPropertyDescriptor(value, key)
          if (property !== undefined && "value" in property) visit(property.value, depth - 1)
        }
    }
  }
  visit(given, 3)
  return found.size === 0 ? undefined : [...found]
}
