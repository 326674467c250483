/** The command ran to its end, and not all is well; what that is has been told. Exit status 3. */
import * as Data from "effect/Data"

export class Incomplete extends Data.TaggedError("Incomplete") {}
