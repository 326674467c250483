/** Why a job could not be sent: the first of its parameters that cannot be copied; of a chunk, which item that is. */
import { cloneFailure } from "./CloneFailure.ts"
import { NotCloneable } from "./ExecutorError.ts"
import type { Job } from "./Job.ts"
import type { WorkerHandle } from "./WorkerHandle.ts"

/** `error`: what sending it threw, for where no part can be found that does. */
export const unsendable = (
  { kind, parameters, options }: Job,
  error: unknown,
  { refuse }: Pick<WorkerHandle, "refuse">
): { readonly reason: NotCloneable; readonly item: number | undefined } => {
  const chunk = kind === "chunk"
  const sending = {
    transfer: options.transfer ?? [],
    clone: (value: unknown) => {
      structuredClone(value)
      refuse?.(value)
    }
  }
  const failures = parameters.map((value, index) => cloneFailure(value, chunk ? "item" : `argument ${index}`, sending))
  const index = failures.findIndex((failure) => failure !== undefined)
  const { path, fact } = failures[index] ?? {
    path: chunk ? "an item" : "an argument",
    fact: `is refused (${(error as Error | null)?.message})`
  }
  return { reason: new NotCloneable({ path, fact }), item: chunk && index >= 0 ? index : undefined }
}
