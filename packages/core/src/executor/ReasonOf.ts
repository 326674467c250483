/** What a worker's word for a failure is to whoever submitted the task. */
import type { EncodedError, ErrorRegistry } from "./ErrorCodec.ts"
import { decodeError, withSubmitSite } from "./ErrorCodec.ts"
import type { Reason } from "./ExecutorError.ts"
import {
  ExportMissing,
  InitializationFailed,
  ModuleFailed,
  ModuleMissing,
  NotCloneable,
  TaskFailed
} from "./ExecutorError.ts"
import type { Problem } from "./Protocol.ts"
import type { SubmitSite } from "./SubmitSite.ts"

/** `registry`: classes that errors are brought back with; `site`: where the task was submitted. */
export const reasonOf = (problem: Problem, registry: ErrorRegistry, site?: SubmitSite): Reason => {
  const decode = (encoded: EncodedError) => decodeError(encoded, registry)
  switch (problem.kind) {
    case "threw":
      return new TaskFailed({
        error: site === undefined ? decode(problem.error) : withSubmitSite(decode(problem.error), site)
      })
    case "missing":
      return new ModuleMissing({ url: problem.url })
    case "broken":
      return new ModuleFailed({ url: problem.url, error: decode(problem.error) })
    case "export":
      return new ExportMissing({ url: problem.url, name: problem.name, found: problem.found, exports: problem.exports })
    case "setup":
      return new InitializationFailed({ error: decode(problem.error), stderr: "" })
    case "clone":
      return new NotCloneable({ path: problem.path, fact: problem.fact })
  }
}
