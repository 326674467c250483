/** What the line's stages are told where a test wants nothing of the rest of it. */
import type * as Committer from "../src/Committer.ts"
import type * as Frontier from "../src/Frontier.ts"
import type * as Politeness from "../src/Politeness.ts"
import * as Effect from "effect/Effect"

/** Each outcome is a commit of its own. */
export const committer: Committer.CommitterOptions = {
  list: 1,
  isCrawl: false,
  patterns: () => [],
  withinMs: 1,
  most: 1,
  isHungry: () => false,
  inFlight: () => [],
  noteworthy: () => [],
  isNoteworthy: () => false,
  unplaced: () => {},
  robots: () => [],
  now: Date.now,
  diskFull: Effect.void
}

/** Hosts may be asked at once, nine times at a time. */
export const politeness: Politeness.PolitenessOptions = {
  perHost: 9,
  delayMs: 0,
  strikes: 9,
  backoff: { baseMs: 1, random: Math.random },
  robots: false
}

/** A list that is read from its start and names nothing. */
export const frontier = {
  list: 1,
  run: 1,
  window: 10,
  freshSince: 0,
  path: undefined,
  claim: () => Effect.succeed([]),
  isNamedByUrl: true,
  place: undefined,
  targets: 0,
  holds: () => true,
  archives: false,
  inOtherForm: false,
  invalid: () => {},
  park: () => {},
  uncommitted: Effect.void,
  now: Date.now,
  room: Effect.void,
  crawl: undefined
} satisfies Frontier.FrontierOptions
