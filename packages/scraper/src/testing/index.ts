/** Loopback servers for tests, kind and cruel, and stages of a run that need neither network nor disk. */

// Web sites
export * as Site from "./Site.ts"
export * as SiteProcess from "./SiteProcess.ts"
// Bytes as they are
export * as Replay from "./Replay.ts"
// Around them
export * as ForwardProxy from "./ForwardProxy.ts"
export * as Certificate from "./Certificate.ts"
// In the place of a run's own
export * as StubSession from "./StubSession.ts"
export * as MemorySink from "./MemorySink.ts"
