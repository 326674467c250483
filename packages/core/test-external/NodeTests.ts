/** The tests of a peer that are written for Node's test runner, or for mocha: each case in a process of its own. */
import { spawn } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import type { Line } from "./Reporter.ts"
import type { Peer } from "./Peers.ts"

/** Milliseconds that a case may take. */
export const longest = 120_000

/** The tests of a peer, by file. */
export interface Tests {
  /** The names of a file's cases. */
  readonly titles: (file: string) => Promise<ReadonlyArray<string>>
  /** Why a case fails; undefined if it passes, null if it says itself that it is not to be run here. */
  readonly judge: (file: string, title: string, number: number) => Promise<string | undefined | null>
}

/** What a program prints in the checkout, with the peer's modules ours, and whether it had to be killed. */
export const output = async (
  name: string,
  directory: string,
  parameters: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Promise<{ readonly output: string; readonly hung: boolean }> => {
  const child = spawn(process.execPath, parameters, {
    stdio: ["ignore", "pipe", "ignore"],
    cwd: directory,
    env: {
      ...process.env,
      NODE_OPTIONS: `--no-warnings --require=${join(import.meta.dirname, "Hooks.ts")}`,
      SIMUL_PEER: name,
      SIMUL_PEER_DIRECTORY: directory,
      // the tasks of adapters are TypeScript, those of a peer are not: a worker shall not begin with Node's parser for it
      NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
      ...env
    },
    timeout: longest,
    killSignal: "SIGKILL"
  })
  return { output: await text(child.stdout), hung: child.signalCode === "SIGKILL" }
}

export const nodeTests = (name: string, { folder }: Peer, directory: string): Tests => {
  /** What a file prints with one of its cases run, or, without a number, with all of them named. */
  const lines = async <A>(file: string, number?: number) => {
    const reporter = new URL("./Reporter.ts", import.meta.url).href
    const printed = await output(
      name,
      directory,
      [`--test-reporter=${reporter}`, join(directory, folder, file)],
      number === undefined ? {} : { SIMUL_PEER_CASE: String(number) }
    )
    const told = printed.output.split("\n").filter((line) => /^["{]/.test(line))
    return { hung: printed.hung, lines: told.map((line) => JSON.parse(line) as A) }
  }
  return {
    titles: async (file) => (await lines<string>(file)).lines,
    judge: async (file, _, number) => {
      const { lines: reports, hung } = await lines<Line>(file, number)
      if (hung) return `does not end within ${longest / 1000} s`
      const failure = reports.find((line) => !line.passed)
      if (failure !== undefined) return failure.why
      if (reports.length === 0) return "ends before it is reported"
      return reports.every(({ skipped }) => skipped) ? null : undefined
    }
  }
}
