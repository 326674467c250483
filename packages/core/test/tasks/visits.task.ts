/** Tasks whose parameters and results are plain, for schemas to make more of. */
import type { Task, TaskContext } from "../../src/Task.ts"

export interface Visit {
  readonly url: string
  readonly at: number
}

/** A visit of a port below 0 gives a result that is not what it says. */
export const visit = (url: string, at: number): Visit => ({ url, at: at < 0 ? (String(at) as never) : at })
export const portOf = (url: string): { readonly port: string } => ({ port: new URL(url).port || "none" })
/** `wrong` is no number. */
export function* ports(url: string, wrong: number): Generator<string> {
  for (let port = 0; ; port++) yield port === wrong ? new URL(url).host : String(port)
}
export const unknown = (value: unknown): unknown => value
/** Runs another task with schemas of its own. */
export async function nested(this: TaskContext, module: string): Promise<string> {
  const { withVisitSchemas } = (await import(module)) as {
    readonly withVisitSchemas: () => Task<readonly [URL, Date], { readonly at: Date }>
  }
  const { at } = await this.submit(withVisitSchemas(), new URL("http://a.test/"), new Date(7))
  return at.toISOString()
}
