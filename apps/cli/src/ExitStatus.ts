/**
 * What the program tells its caller. The numbers are a contract: scripts branch
 * on them.
 */

export const ExitStatus = {
  /** Every target is saved or unchanged; or there was nothing to do. */
  done: 0,
  /** The run could not start or go on. */
  stopped: 1,
  /** The command line or a setting is wrong: nothing was done. */
  usage: 2,
  /** The run went through, and some targets failed or were refused. */
  incomplete: 3,
  /** SIGINT or SIGTERM: what was saved is safe, the same command resumes. */
  interrupted: 130
} as const

export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus]
