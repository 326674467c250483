/** What the pools run. */

export const increment = (n: number): number => n + 1
export const incrementAll = (numbers: ReadonlyArray<number>): ReadonlyArray<number> => numbers.map(increment)
export const size = (bytes: ArrayBuffer | Uint8Array): number => bytes.byteLength
export const exit = (code: number): never => process.exit(code)
/** Never ends by itself. */
export const spin = (): never => {
  for (;;);
}
/** Holds its worker, so that the next task needs another one. */
export const nap = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
