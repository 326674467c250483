/**
 * Loaded before a test of another pool, in its process and in its workers: what the
 * test imports of that pool is ours instead. Nothing in the checkout is changed.
 */
import { readFileSync } from "node:fs"
import { createRequire, registerHooks } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { mocha } from "./Mocha.ts"
import { peers } from "./Peers.ts"

const { SIMUL_PEER = "", SIMUL_PEER_DIRECTORY = "" } = process.env
const { folder, modules, vitest } = peers[SIMUL_PEER]!
const tests = join(SIMUL_PEER_DIRECTORY, folder)
const inside = `${pathToFileURL(tests).href}/`

registerHooks({
  resolve: (specifier, context, next) => {
    if (context.parentURL?.startsWith(inside) === true) {
      const ours = modules.find(([pattern]) => pattern.test(specifier))
      if (ours !== undefined) return { url: new URL(ours[1], import.meta.url).href, shortCircuit: true }
      if (specifier.endsWith(".json")) {
        const { version } = JSON.parse(readFileSync(new URL(specifier, context.parentURL), "utf8"))
        return { url: `data:text/javascript,export const version = "${version}"`, shortCircuit: true }
      }
    }
    return next(specifier, context)
  },
  load: (url, context, next) => {
    if (!url.startsWith(inside) || !url.endsWith(".ts")) return next(url, context)
    // a module that imports is one of the newer kind to Node, whatever it was meant to be compiled to
    const source = readFileSync(new URL(url), "utf8")
    if (!/^import /m.test(source)) return next(url, context)
    const exporting = source.replace(/^module\.exports =/m, "export default")
    return { format: "module-typescript", source: exporting, shortCircuit: true }
  }
})

// tests in TypeScript expect to be compiled to CommonJS, and some expect the globals of mocha
if (vitest !== true) Object.assign(globalThis, { __dirname: tests, require: createRequire(inside), ...mocha })
