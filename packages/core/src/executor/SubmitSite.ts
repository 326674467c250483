/** Where a task was submitted from, so that its error can tell: `withSubmitSite` of `ErrorCodec`. */

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
