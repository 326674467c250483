/** The program as it is published: `Process.ts` out of its parts. */
import type * as Process from "./Process.ts"
import { ExitStatus } from "./ExitStatus.ts"
import * as Parts from "./Parts.ts"

/** The bundler's hash of all parts. */
declare const SIMUL_BUILD: string

/** A start is over by then, V8 has not let go of what only a start needs, and its flags are those of the start still. */
const startedMs = 1000

const [, , command, ...given] = process.argv
// it calls little of what the command itself does
const isHelp = given.some((arg) => arg === "--help" || arg === "-h")
const { load, keep } = Parts.make(import.meta.dirname, Parts.folderFor(SIMUL_BUILD, isHelp ? "" : command))

export const { start } = load("Process.part") as typeof Process

const onExit = (status: number) => {
  // one that did not do what it was asked for knows little of what the next one calls
  if (status === ExitStatus.done) keep()
}
process.once("exit", onExit)
setTimeout(() => {
  process.off("exit", onExit)
  keep()
}, startedMs).unref()
