/**
 * What a function that exports a schema of extraction is given. A module of its own: it has all of effect's `Schema`,
 * of which the program itself uses a quarter.
 */
export { each, field, make, optional } from "@simul/scraper/extract/Extraction"
export * as Schema from "effect/Schema"
