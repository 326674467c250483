/**
 * The parts of the published program, loaded with all that V8 compiled of them in an earlier run.
 *
 * Node's own compile cache keeps a module as it is before its first line runs, so what a start calls, 1,700 functions,
 * is parsed and compiled at every start again. What is kept here is taken from a part that ran.
 *
 * 1. V8 takes what is kept as it is: nobody else can write where it lies, and it gets its name when it is on the disk as a whole.
 * 2. It serves the text it was made of and nothing else. V8 compares their lengths alone, so `folder` is for one build.
 * 3. Whatever is wrong with it, a part is compiled from its text and nothing is said.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { constants, Script } from "node:vm"
import { privateFolder } from "@simul/core/node/PrivateFolder"

/** As Node calls a CommonJS module; the text of a part is one such function. */
type Part = (
  exports: unknown,
  require: (id: string) => unknown,
  module: { exports: unknown },
  filename: string,
  dirname: string
) => void

export interface Parts {
  /** What a part exports. Runs it the first time. */
  readonly load: (name: string) => unknown
  /** Keeps what has been compiled of the parts that had nothing kept. */
  readonly keep: () => void
}

/** Where to keep what `build` compiles for a command: each runs other functions. `undefined` where there is no such place, or nothing is to be kept. */
export const folderFor = (build: string, command = ""): string | undefined => {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env
  if (NODE_DISABLE_COMPILE_CACHE === "1" || NODE_V8_COVERAGE !== undefined) return undefined
  const own = privateFolder()
  // V8 refuses what another version of it made, or other flags: where they take turns each would replace what the other kept
  const key = [build, process.version, process.arch, ...process.execArgv, /^[a-z]+$/.test(command) ? command : ""]
  return own && join(own, key.join(" ").replace(/[^\w.=-]+/g, "_"))
}

/** The parts in `directory`, kept in `folder`. */
export const make = (directory: string, folder: string | undefined): Parts => {
  const modules = new Map<string, { exports: unknown }>()
  const fresh = new Map<string, Script>()
  const require = createRequire(join(directory, "Parts.cjs"))

  const compile = (name: string, filename: string): Part => {
    const cachedData = folder && readIfThere(join(folder, name))
    const script = new Script(readFileSync(filename, "latin1"), {
      filename,
      ...(cachedData ? { cachedData } : {}),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    })
    if (!cachedData || script.cachedDataRejected) fresh.set(name, script)
    return script.runInThisContext()
  }

  const load = (name: string): unknown => {
    const known = modules.get(name)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    modules.set(name, module)
    const filename = join(directory, name)
    // effect looks at the stack of an error while it loads, and to tell it V8 parses the whole part once more: 5 ms
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    try {
      const part = compile(name, filename)
      part(module.exports, (id) => (id.startsWith("./") ? load(id.slice(2)) : require(id)), module, filename, directory)
    } catch (error) {
      modules.delete(name)
      throw error
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
    return module.exports
  }

  const keep = () => {
    if (folder === undefined || fresh.size === 0 || !isMade(folder)) return
    for (const [name, script] of fresh) {
      const kept = join(folder, name)
      // processes of two containers may have one number
      const half = `${kept}.${process.pid}.${Math.random().toString(36).slice(2)}`
      try {
        writeFileSync(half, script.createCachedData(), { mode: 0o600, flush: true })
        renameSync(half, kept)
      } catch {
        try {
          rmSync(half, { force: true })
        } catch {
          // a file system that can be read alone keeps it
        }
      }
    }
    fresh.clear()
  }

  return { load, keep }
}

const isMade = (folder: string) => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return true
  } catch {
    return false
  }
}

const readIfThere = (file: string) => {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
