/** Runs the real program, and tells all that a caller can see of it. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"

export const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

interface Surroundings {
  readonly program?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Without the terminal of whoever started this. */
  readonly detached?: boolean
  /** A test's own: what waits for ever, whatever it is told, ends with that. */
  readonly signal?: AbortSignal
}

/**
 * Starts it, with an environment that no setting of the machine shines through but for where temporary files lie: there
 * a run listens whose directory has a long name, and a command in this process looks for it.
 */
export const start = (
  args: ReadonlyArray<string>,
  { program = main, cwd, env = {}, detached = false, signal }: Surroundings = {}
) =>
  spawn(process.execPath, [program, ...args], {
    detached,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", TMPDIR: tmpdir(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal, killSignal: "SIGKILL" })
  })

/** The whole screen of a run, to its end. */
export const screen = async (args: ReadonlyArray<string>, surroundings: Surroundings = {}): Promise<string> => {
  const child = start(args, surroundings)
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
  })
  child.stdin.end(surroundings.input ?? "")
  const [status] = (await once(child, "close")) as [number | null]
  return `exit ${status}\n--- stdout\n${stdout}--- stderr\n${stderr}`
}
