/** Where a task was submitted from, so that its error can tell: `withSubmitSite` of `ErrorCodec`. */

export interface SubmitSite {
  readonly stack?: string
}

/** Frames that are kept; each costs a third of a microsecond for every task. */
const frames = 4

/** The frames above `entry`, the function that the user called. They are put into words only if they are read. */
export const submitSite = (entry: Function): SubmitSite => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = frames
  const site: SubmitSite = {}
  Error.captureStackTrace(site, entry)
  Error.stackTraceLimit = stackTraceLimit
  return site
}
