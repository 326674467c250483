/**
 * Lets a user's module import what the program carries, where that is not installed: the published program is parts
 * without packages, and a schema may lie in a folder that has none.
 *
 * An extraction decodes only what is of its own copy of effect, so both are had from one side: where `@simul/scraper` is
 * installed beside the module, from there, and else from here, whatever effect lies beside it.
 */
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import type * as Given from "./Given.ts"

/** The modules that are carried, by the names that one imports them by. */
const modulesOf = (given: typeof Given): Readonly<Record<string, object>> => {
  const { Schema, SchemaGetter, SchemaTransformation, ...Extraction } = given
  return {
    "@simul/scraper/extract": { Extraction },
    "@simul/scraper/extract/Extraction": Extraction,
    effect: { Schema, SchemaGetter, SchemaTransformation },
    "effect/Schema": Schema,
    "effect/SchemaGetter": SchemaGetter,
    "effect/SchemaTransformation": SchemaTransformation
  }
}

const extraction = "@simul/scraper/extract"
const scheme = "simul-carried:"
/** Where the text of a carried module, which is all that Node takes, finds what it exports. */
const place = Symbol.for(scheme)
let isRegistered = false
const found: Array<string> = []

/** The files that were loaded since `register`, the last one first. */
export const loaded = (): ReadonlyArray<string> => found.toReversed()

/** From here on what the scraper is not installed for takes these. */
export const register = (given: typeof Given): void => {
  if (isRegistered) return
  isRegistered = true
  const modules = modulesOf(given)
  Object.assign(globalThis, { [place]: modules })
  registerHooks({
    resolve: (specifier, context, next) => {
      if (!Object.hasOwn(modules, specifier)) return next(specifier, context)
      try {
        // what is installed stays with what it was installed with
        const isPackage = context.parentURL?.includes("/node_modules/")
        const parentURL = isPackage ? context.parentURL : next(extraction, context).url
        return next(specifier, { ...context, parentURL })
      } catch (error) {
        // of `import` and of `require`
        if (!/^(?:ERR_)?MODULE_NOT_FOUND$/.test((error as NodeJS.ErrnoException).code ?? "")) throw error
        return { url: scheme + specifier, format: "module", shortCircuit: true }
      }
    },
    load: (url, context, next) => {
      if (url.startsWith("file:")) found.push(fileURLToPath(url))
      if (!url.startsWith(scheme)) return next(url, context)
      const specifier = url.slice(scheme.length)
      const exported = Object.keys(modules[specifier]!).map((name) => JSON.stringify(name))
      const source = [
        `const carried = globalThis[Symbol.for(${JSON.stringify(scheme)})][${JSON.stringify(specifier)}]`,
        ...exported.map((name, nth) => `const _${nth} = carried[${name}]; export { _${nth} as ${name} }`)
      ].join("\n")
      return { format: "module", source, shortCircuit: true }
    }
  })
}

/** What may be imported, for people. */
export const names = ["@simul/scraper/extract", "effect/Schema", "effect/SchemaGetter", "effect/SchemaTransformation"]
