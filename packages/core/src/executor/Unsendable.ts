/** Why a job could not be sent: the first of its parameters that cannot be copied, of a chunk with its item, or what was to be moved. */
import { cloneFailure } from "./CloneFailure.ts"
import { InvalidOption, NotCloneable } from "./ExecutorError.ts"
import type { Job } from "./Job.ts"
import type { WorkerHandle } from "./WorkerHandle.ts"

/** `error`: what sending it threw, for where no part can be found that does. */
export const unsendable = (
  { kind, parameters, options }: Job,
  error: unknown,
  { refuse }: Pick<WorkerHandle, "refuse">
): { readonly reason: NotCloneable | InvalidOption; readonly item: number | undefined } => {
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
  const failure = failures[index]
  if (failure !== undefined) return { reason: new NotCloneable(failure), item: chunk ? index : undefined }
  const fact = (error as Error | null)?.message
  const { transfer } = sending
  const expected = `buffers, not views of them, or ports, each once and none moved before (${fact})`
  const reason =
    transfer.length > 0
      ? new InvalidOption({ option: "transfer", expected, got: transfer })
      : new NotCloneable({ path: chunk ? "an item" : "an argument", fact: `is refused (${fact})` })
  return { reason, item: undefined }
}
