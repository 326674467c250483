/** The version of the program: the package's own. */
import { readFileSync } from "node:fs"

declare const SIMUL_VERSION: string | undefined

/** Put in by the bundler; read from package.json where the sources run. */
export const version: string =
  typeof SIMUL_VERSION === "string"
    ? SIMUL_VERSION
    : (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version
