/**
 * What may listen to a run: it stands between the line and its stages and
 * passes everything on unchanged. A run without one has the stages themselves.
 */
import type { Politeness } from "./Politeness.ts"
import type { Session } from "./Session.ts"
import type { Sink } from "./Sink.ts"
import type { Store } from "./Store.ts"

/** Puts itself before each stage, once in a run. */
export interface Recorder {
  readonly session: (session: Session["Service"]) => Session["Service"]
  readonly sink: (sink: Sink["Service"]) => Sink["Service"]
  readonly store: (store: Store["Service"]) => Store["Service"]
  readonly politeness: (politeness: Politeness) => Politeness
}

/** Listens to nothing. */
export const none: Recorder = {
  session: (session) => session,
  sink: (sink) => sink,
  store: (store) => store,
  politeness: (politeness) => politeness
}
