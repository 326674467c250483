/**
 * Which links of a page are new? It stands before the store, so that most links
 * cost no query, and holds no URLs but the latest.
 *
 * 1. What it says is new was never known, or is not committed yet: the unique
 *    index of the store takes it once.
 * 2. What it passes over is known: it is among the latest, text for text, or the
 *    store says so. A fingerprint alone never decides against a link, so none is
 *    lost, whatever collides.
 * 3. Memory is at most 16 bytes for each known URL, beyond some 100,000, and a
 *    fixed number of latest ones.
 */
import * as Effect from "effect/Effect"
import * as Fingerprint from "./Fingerprint.ts"

export interface Options<E, R> {
  /** Which of these keys are in the store: by its unique index, committed. At most `batch` at once. */
  readonly lookup: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlySet<string>, E, R>
  /** Makes fingerprints: `Fingerprint.make` with a seed of this run. */
  readonly fingerprint: Fingerprint.Of
  /** How many of the latest keys are kept; a power of two. 65,536, unless given. */
  readonly latest?: number
  /** Keys of one lookup. 500, unless given. */
  readonly batch?: number
}

export interface KnownUrls<E, R> {
  /** Says that a key is in the store: for each of them, when a run begins. */
  readonly load: (key: string) => void
  /** Those of the keys that are new, each once, in their order. They are known from now on. */
  readonly admit: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, E, R>
  /** `collisions`: keys that were new though their fingerprint was there, or not committed yet when it was asked. */
  readonly statistics: () => {
    readonly known: number
    readonly bytes: number
    readonly lookups: number
    readonly collisions: number
  }
}

export const make = <E, R>({ lookup, fingerprint, latest = 65_536, batch = 500 }: Options<E, R>): KnownUrls<E, R> => {
  const table = new Fingerprint.Table()
  const recent: Array<string | undefined> = Array.from({ length: latest })
  let lookups = 0
  let collisions = 0

  const slotOf = ({ low }: Fingerprint.Fingerprint) => low & (latest - 1)

  /** Is it known for certain? If not, whether its fingerprint was there decides if the store must be asked. */
  const see = (key: string): "known" | "new" | "unsure" => {
    const print = fingerprint(key)
    const slot = slotOf(print)
    if (recent[slot] === key) return "known"
    if (!table.add(print)) return "unsure"
    recent[slot] = key
    return "new"
  }

  const remember = (key: string) => {
    recent[slotOf(fingerprint(key))] = key
  }

  const admit = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
    const admitted = new Set<string>()
    const unsure = new Set<string>()
    for (const key of new Set(keys)) {
      const verdict = see(key)
      if (verdict !== "known") admitted.add(key)
      if (verdict === "unsure") unsure.add(key)
    }
    const asked = [...unsure]
    for (let start = 0; start < asked.length; start += batch) {
      const some = asked.slice(start, start + batch)
      const known = yield* lookup(some)
      lookups += some.length
      for (const key of some) {
        if (known.has(key)) admitted.delete(key)
        else collisions++
        remember(key)
      }
    }
    return [...admitted]
  })

  return {
    load: (key) => {
      table.add(fingerprint(key))
    },
    admit,
    statistics: () => ({ known: table.size, bytes: table.bytes, lookups, collisions })
  }
}
