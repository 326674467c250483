/**
 * The parts of the published program, loaded with all that V8 compiled of them in an earlier run.
 *
 * Node's own compile cache keeps a module as it is before its first line runs, so what a start calls, 1,700 functions,
 * is parsed and compiled at every start again. What is kept here is taken from a part that ran.
 *
 * 1. V8 takes what is kept as it is, and with one bit of it changed it runs something else: nobody else can write where it lies,
 *    it gets its name when it is on the disk as a whole, and ends with a digest of what is before.
 * 2. It serves the text it was made of and nothing else. V8 compares their lengths alone, so `folder` is for one build.
 * 3. Whatever is wrong with it, a part is compiled from its text and nothing is said.
 * 4. What other builds kept goes a month later, with the next that is kept.
 */
import { hash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
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

/**
 * Where to keep what `build` compiles for a command: each runs other functions. `undefined` where there is no such
 * place, or nothing is to be kept.
 */
export const folderFor = (build: string, command = ""): string | undefined => {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env
  if (NODE_DISABLE_COMPILE_CACHE === "1" || NODE_V8_COVERAGE !== undefined) return undefined
  const own = privateFolder()
  // V8 refuses what another version of it made, or other flags: where they take turns each would replace what the other kept
  const key = [build, process.version, process.arch, ...process.execArgv, /^[a-z]+$/.test(command) ? command : ""]
  return own && join(own, "parts", key.join(" ").replace(/[^\w.=-]+/g, "_"))
}

/** The parts in `directory`, kept in `folder`. */
export const make = (directory: string, folder: string | undefined): Parts => {
  const modules = new Map<string, { exports: unknown }>()
  const fresh = new Map<string, Script>()
  const require = createRequire(join(directory, "Parts.cjs"))

  const compile = (name: string, filename: string): Part => {
    const cachedData = folder && readWhole(join(folder, name))
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
        const data = script.createCachedData()
        writeFileSync(half, Buffer.concat([data, digest(data)]), { mode: 0o600, flush: true })
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
    sweep(dirname(folder))
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

const monthMs = 30 * 86_400_000

/** Removes the folders to which nothing was added for a month. Who still needs one makes it anew. */
const sweep = (folders: string) => {
  try {
    for (const name of readdirSync(folders)) {
      const folder = join(folders, name)
      if (Date.now() - statSync(folder).mtimeMs > monthMs) rmSync(folder, { recursive: true, force: true })
    }
  } catch {
    // another process was there first
  }
}

/** Against accidents. A `get` has this module loaded anyway: 1.3 MB take 0.8 ms. */
const digest = (data: Buffer) => hash("sha1", data, "buffer")
const digestBytes = 20

/** What was kept, if it is there and as it was written. */
const readWhole = (file: string) => {
  try {
    const bytes = readFileSync(file)
    const data = bytes.subarray(0, -digestBytes)
    return digest(data).equals(bytes.subarray(-digestBytes)) ? data : undefined
  } catch {
    return undefined
  }
}
