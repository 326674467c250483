/**
 * Where workers keep what Node made of the modules that they load. Most of the start of
 * a worker whose tasks are TypeScript is Node's parser for that; one that takes the
 * place of another, and the first of the next run, find its work done.
 *
 * What lies there is run, so nobody else may have put it there:
 *
 * 1. A program that has a cache of its own (`module.enableCompileCache()`, or
 *    `NODE_COMPILE_CACHE`) shares it with its workers.
 * 2. Else it is a folder among the temporary files that belongs to this user and is open to no other.
 * 3. There is none where that cannot be had, Node is told to do without
 *    (`NODE_DISABLE_COMPILE_CACHE=1`), or coverage is taken, which it would blur.
 */
import { getCompileCacheDir } from "node:module"
import { dirname } from "node:path"
import { privateFolder } from "./PrivateFolder.ts"

/** The folder; undefined where there is to be none. */
export const compileCache = (): string | undefined => {
  if (process.env["NODE_DISABLE_COMPILE_CACHE"] === "1" || process.env["NODE_V8_COVERAGE"] !== undefined)
    return undefined
  const shared = getCompileCacheDir()
  // Node keeps a folder for each of its versions in the one that it is given
  return shared === undefined ? privateFolder() : dirname(shared)
}

/** In a worker: uses the folder; gives what is to be called when a module was loaded. Sent as text; see `Bootstrap.ts`. */
export function useCompileCache(folder: string | undefined): () => void {
  const { enableCompileCache, flushCompileCache } = process.getBuiltinModule("node:module")
  if (folder === undefined) return () => {}
  enableCompileCache(folder)
  // once the task that waited for the module has run: by itself Node writes at the worker's end, which a killed one does not see
  return () => void setTimeout(flushCompileCache, 0)
}
