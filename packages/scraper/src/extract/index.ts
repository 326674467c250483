// Records from saved pages
export * as Extraction from "./Extraction.ts"
export * as Selector from "./Selector.ts"
export * as Page from "./Page.ts"
export * as PageError from "./PageError.ts"
export * as Encoding from "./Encoding.ts"
// What a page says without being asked for it
export * as Metadata from "./Metadata.ts"
export * as Microdata from "./Microdata.ts"
export * as Hyperlinks from "./Hyperlinks.ts"
export * as Text from "./Text.ts"
