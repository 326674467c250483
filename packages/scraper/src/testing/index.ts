/** Loopback servers for tests, kind and cruel. */

// Web sites
export * as Site from "./Site.ts"
export * as SiteProcess from "./SiteProcess.ts"
// Bytes as they are
export * as Replay from "./Replay.ts"
// Around them
export * as ForwardProxy from "./ForwardProxy.ts"
export * as Certificate from "./Certificate.ts"
