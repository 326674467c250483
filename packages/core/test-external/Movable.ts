/** How piscina marks what is to be moved instead of copied. */
export const transferable: unique symbol = Symbol.for("Piscina.transferable") as never
export const value: unique symbol = Symbol.for("Piscina.valueOf") as never
export const queueOptions: unique symbol = Symbol.for("Piscina.queueOptions") as never
/** Where a worker keeps what `Piscina.workerData` gives. */
export const workerDataKey: unique symbol = Symbol.for("Piscina.workerData") as never
const movable = Symbol("Piscina.movable")

export const isTransferable = (it: any): boolean =>
  it !== null && typeof it === "object" && transferable in it && value in it
export const isMovable = (it: any): boolean => isTransferable(it) && it[movable] === true
export const markMovable = (it: object): void => void Object.defineProperty(it, movable, { value: true })
/** Marks something, or what a view is a view of, as to be moved. */
export const move = (it: any): any => {
  if (it === null || typeof it !== "object") return it
  const moved =
    transferable in it && value in it ? it : { [transferable]: ArrayBuffer.isView(it) ? it.buffer : it, [value]: it }
  markMovable(moved)
  return moved
}
