/** The version of the program: the package's own. */
import { readFileSync } from "node:fs"

declare const SIMUL_VERSION: string | undefined

/** This is the published program: bundled into a few files, whose places and names of functions say nothing to a person. */
export const isBundled: boolean = typeof SIMUL_VERSION === "string"

/** Put in by the bundler; read from package.json where the sources run. */
export const version: string =
  typeof SIMUL_VERSION === "string"
    ? SIMUL_VERSION
    : (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version
