/** Where a task was submitted from, so that its error can tell: `ExecutorError`, and `withSubmitSite` of `ErrorCodec`. */

export interface SubmitSite {
  readonly stack?: string
}

/** Frames that are kept, two of them this package's own; each costs a third of a microsecond for every task. */
const frames = 5

/** The call that leads here. It is put into words only if it is read. */
export const submitSite = (): SubmitSite => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = frames
  const site: SubmitSite = {}
  Error.captureStackTrace(site)
  Error.stackTraceLimit = stackTraceLimit
  return site
}

/** `null` in a bundle: there its frames cannot be told from the program's. CommonJS by esbuild has no `import.meta.url` at all. */
const engine = /\/executor\/SubmitSite\.[jt]s$/.test(import.meta.url) ? new URL("..", import.meta.url) : null
const isEngine = (frame: string) =>
  (engine !== null && (frame.includes(engine.href) || frame.includes(decodeURIComponent(engine.pathname)))) ||
  /\(?node:internal\/|\/node_modules\/effect\//.test(frame)

/** The lines of its stack that are frames outside of this package, of Effect and of Node. */
export const framesOf = ({ stack = "" }: SubmitSite): ReadonlyArray<string> =>
  stack.split("\n").filter((line) => /^\s+at /.test(line) && !isEngine(line))
