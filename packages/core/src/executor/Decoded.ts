/** What the schema of a task makes of results; where one does not fit, of those before it. */
import { SchemaMismatch } from "./ExecutorError.ts"
import type { TaskCodec } from "../Task.ts"

export const decoded = (
  codec: TaskCodec | undefined,
  values: ReadonlyArray<unknown>
): { readonly values: ReadonlyArray<unknown>; readonly mismatch?: SchemaMismatch } => {
  if (codec === undefined) return { values }
  const read: Array<unknown> = []
  try {
    for (const value of values) read.push(codec.decode(value))
  } catch (error) {
    return { values: read, mismatch: new SchemaMismatch("result", error) }
  }
  return { values: read }
}
