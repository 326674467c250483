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
      return new TaskFailed(site === undefined ? decode(problem.error) : withSubmitSite(decode(problem.error), site))
    case "missing":
      return new ModuleMissing(problem.url)
    case "broken":
      return new ModuleFailed(problem.url, decode(problem.error))
    case "export":
      return new ExportMissing(problem.url, problem.name, problem.found, problem.exports)
    case "setup":
      return new InitializationFailed(decode(problem.error), "")
    case "clone":
      return new NotCloneable(problem.path, problem.fact)
  }
}
