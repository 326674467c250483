import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
/** Collects all that nothing keeps; of `minor` what is young alone. */
export const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void
