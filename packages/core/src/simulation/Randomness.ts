/**
 * Seeded numbers: the same seed and stream give the same numbers, on every machine.
 *
 * A run draws from several streams (its schedule, the program's `Random`, the faults), so that a schedule can be
 * changed while program and faults keep their numbers.
 */

/** Draws a number from 0 (included) to 1 (excluded). */
export type Randomness = () => number

const scramble = (value: number): number => {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/** Makes a source of numbers. Neighbouring seeds give unrelated numbers. Generator: sfc32 of PractRand, after 12 rounds. */
export const make = (seed: number, stream = 0): Randomness => {
  let a = scramble(seed)
  let b = scramble(Math.floor(seed / 2 ** 32) ^ 0x9e3779b9)
  let c = scramble(stream + 0x243f6a88)
  let counter = 1
  const next = () => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 12; round++) next()
  return next
}

/** Draws a whole number from 0 to `count - 1`. */
export const below = (random: Randomness, count: number): number => Math.floor(random() * count)
