#!/usr/bin/env node
/** The entry: what must be fast or must happen first, before anything heavy is loaded. */
import * as module from "node:module"
import { isBundled, version } from "./Version.ts"

// Relative paths mean the folder the person stands in. pnpm runs a script in the folder of its package and leaves the
// other in INIT_CWD: so it is for `start` of this package, and of the repository, which runs this file. Under any other
// script, or none, the working directory is right as it is.
const { npm_lifecycle_event: script, npm_package_name: owner = "", INIT_CWD: standing } = process.env
if (script === "start" && ["@simul/cli", "simul-monorepo"].includes(owner) && standing) process.chdir(standing)

// Some Nodes say that their SQLite, their execve or the imports of a part (`Parts.ts`) are experimental: nothing a
// person could act on. Other warnings stay.
const printers = process.listeners("warning")
process.removeAllListeners("warning").on("warning", (warning) => {
  if (warning.name === "ExperimentalWarning" && /SQLite|execve|vm\.USE/.test(warning.message)) return
  for (const print of printers) print(warning)
})

const args = process.argv.slice(2)

/** What `engines` in package.json says: what is loaded late imports modules that older ones do not have. */
const oldest = [22, 19] as const
const isOld = (node: string) => {
  const [major = 0, minor = 0] = node.split(".").map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
}

// Node takes some settings of V8 only at its start, so the process puts a fresh start in its own place, same pid, before
// anything is loaded: 0.04 s, which a crawl or a list of some thousand URLs has back many times over. The nursery for
// short-lived objects would grow to 32 MiB, and to touch them takes its time. With 4 it is full of what waits for a commit,
// which is copied again and again: a long list takes less CPU with 16, a crawl does not. What is done often V8 compiles anew
// for the machine, on threads of its own: in turn with the work that takes less CPU, and 20 to 40 MiB less.
const small = 4
const large = 16
/** What the nursery may grow to, in MiB; `undefined` where a fresh start would take more than it gives. */
const nursery = () => {
  // nobody knows how long a crawl will be
  if (args[0] === "crawl") return small
  const at = args.findIndex((arg) => /^(?:-i|--input)/.test(arg))
  if (args[0] !== "get" || at === -1) return undefined
  // an import would load the streams of it as well, at every start
  const fs = process.getBuiltinModule("node:fs")
  const named = args[at]!.replace(/^(?:-i|--input)=?/, "")
  const file = named === "" ? (args[at + 1] ?? "") : named
  try {
    const found = file === "-" ? fs.fstatSync(0) : fs.statSync(file)
    // standard input and pipes may be of any length
    if (!found.isFile()) return small
    return found.size > 1 << 21 ? large : found.size > 1 << 18 ? small : undefined
  } catch {
    return undefined // the command says what is wrong with the list
  }
}
const isFresh = process.execArgv.some((flag) => flag.startsWith("--max-semi-space-size"))
const most = isFresh ? undefined : nursery()
if (most !== undefined) {
  const flags = [`--max-semi-space-size=${most}`, "--no-concurrent-recompilation"]
  const again = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)]
  try {
    // not told the last, Node 22.19 and 24.0 start it with no environment at all
    process.execve?.(process.execPath, again, process.env)
  } catch {
    // Windows has none, and with `--permission` Node may start nothing: so it takes more
  }
}

if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    // as `ReaderGone.ts` has it, without what that loads
    if (code === "EPIPE") return
    process.stderr.write(`error: cannot write to standard output (${code})\n`)
    process.exitCode = 1
  })
  process.stdout.write(`simul ${version}\n`)
} else if (isOld(process.versions.node)) {
  process.stderr.write(`error: simul needs Node ${oldest.join(".")} or newer, and this is ${process.version}\n`)
  process.stderr.write("hint: install a newer Node (https://nodejs.org), or put it first in PATH\n")
  process.exitCode = 1
} else {
  // the parts of the published program are kept by themselves, with more of what was compiled (`Parts.ts`)
  if (!isBundled) module.enableCompileCache()
  // What lives is some 20 MiB, and V8 would let garbage grow to four times that before it looks. Twice that costs no more
  // CPU that could be measured, and 45 MiB less. To load what says so takes 2 ms, and a run of a second has no such garbage.
  const frugal = () => process.getBuiltinModule("node:v8").setFlagsFromString("--heap-growing-percent=100")
  const { start } = await import("./Process.ts")
  // not before: what V8 compiles is kept until then, and is for its flags of now (`Published.ts`)
  setTimeout(frugal, 1000).unref()
  start(args)
}
