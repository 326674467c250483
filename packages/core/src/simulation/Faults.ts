/**
 * Faults as data: how likely each kind is, and how often each has struck, so that a test can assert that every kind it
 * is about did strike.
 */
import type { Randomness } from "./Randomness.ts"

/** Chance from 0 to 1 of each kind of fault; what is left out never strikes by chance. */
export type Chances<Kind extends string> = Readonly<Partial<Record<Kind, number>>>

/** Faults that strike by chance, and how often they did. */
export interface Faults<Kind extends string> {
  /** Decides whether a fault strikes here, and counts it if so. */
  readonly strikes: (kind: Kind) => boolean
  /** Counts a fault that something else decided. */
  readonly count: (kind: Kind) => void
  /** How often each kind struck; those that never did are left out. */
  readonly struck: Readonly<Partial<Record<Kind, number>>>
}

/** Faults that strike by these chances, drawn from `random` for kinds that have one. */
export const make = <Kind extends string>(chances: Chances<Kind>, random: Randomness): Faults<Kind> => {
  const struck: Partial<Record<Kind, number>> = {}
  const count = (kind: Kind) => {
    struck[kind] = (struck[kind] ?? 0) + 1
  }
  return {
    struck,
    count,
    strikes: (kind) => {
      const chance = chances[kind] ?? 0
      if (chance === 0 || random() >= chance) return false
      count(kind)
      return true
    }
  }
}

/** Adds what struck in one run to the sums of several. */
export const add = <Kind extends string>(sums: Partial<Record<Kind, number>>, struck: Faults<Kind>["struck"]): void => {
  for (const [kind, count] of Object.entries(struck) as Array<[Kind, number]>) sums[kind] = (sums[kind] ?? 0) + count
}
