/**
 * What a schema of extraction is given, and may import though it is not installed. A module of its own: it has all of
 * effect's `Schema`, of which the program itself uses a quarter.
 */
export { each, field, make, optional } from "@simul/scraper/extract/Extraction"
export * as Schema from "effect/Schema"
export * as SchemaGetter from "effect/SchemaGetter"
export * as SchemaTransformation from "effect/SchemaTransformation"
