/**
 * Schemas of extraction as people write them: a module whose default export is
 * an `Extraction`, or a function that is given what one is made with. Neither
 * needs anything installed (`Carried.ts`):
 *
 * ```ts
 * export default ({ make, field, Schema }) => make({ name: "h1", price: field(".price", Schema.FiniteFromString) })
 * ```
 */
import * as Extraction from "@simul/scraper/extract/Extraction"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { existsSync, realpathSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"
import { inspect } from "node:util"
import * as Carried from "./Carried.ts"
import { oneOf } from "./Flags.ts"
import { UsageError } from "./UsageError.ts"

const form = 'for example: `export default ({ make }) => make({ title: "h1", tags: ".tag[]" })`'

const isScript = /\.[cm]?[jt]s$/
const isNoModule = /^ERR_(?:UNKNOWN_FILE_EXTENSION|UNSUPPORTED_DIR_IMPORT|IMPORT_ATTRIBUTE_MISSING)$/

/** What a module threw, which may be anything. */
const errorOf = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(`it threw ${inspect(thrown)}`)

/** The file and the line that stand in a text at `pattern`. */
const placeAt = (pattern: RegExp, text: string) => {
  const [, file, line] = pattern.exec(text) ?? []
  return file === undefined ? undefined : { file: file.startsWith("file:") ? fileURLToPath(file) : file, line }
}
const top = /^((?:file:|[/\\]|[a-z]:).*):(\d+)$/im
const frame = /^ +at (?:.*\()?((?:file:|[/\\]|[a-z]:).*?):(\d+):\d+\)?$/im

/**
 * Where an error arose, as far as that can be told: what cannot be read stands at the top of a stack, and of JavaScript's
 * modules Node tells it on a screen alone. That is mostly the last one loaded; Node 22 loads what a module imports first.
 */
const placeOf = ({ stack }: Error, path: string) => {
  const text = String(stack)
  const frames = text.split("\n").flatMap((line) => placeAt(frame, line) ?? [])
  const loaded = Carried.loaded()
  const known =
    placeAt(top, text) ?? frames.find(({ file }) => file === path) ?? frames.find(({ file }) => loaded.includes(file))
  if (known !== undefined || !/^ +at compileSourceTextModule /m.test(text)) return known
  for (const file of loaded.filter((file) => isScript.test(file)).slice(0, 20)) {
    const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" })
    const place = placeAt(top, stderr)
    if (place !== undefined) return place
  }
}

/** The extraction that a module exports. The module runs as part of this program. */
export const load = (file: string): Effect.Effect<Extraction.Extraction<unknown>, UsageError> =>
  Effect.gen(function* () {
    if (!existsSync(file)) return yield* UsageError.of(`no such file: ${file}`, form)
    // as Node names it in a stack
    const path = realpathSync(file)
    const given = yield* Effect.promise(() => import("./Given.ts"))
    Carried.register(given)
    const { default: exported } = yield* Effect.tryPromise({
      try: async (): Promise<{ readonly default?: unknown }> => {
        // Node 22 asks no hook for what an imported module requires
        return /\.c[jt]s$/.test(path) ? { default: createRequire(path)(path) } : import(pathToFileURL(path).href)
      },
      catch: (thrown) => {
        const error: NodeJS.ErrnoException = errorOf(thrown)
        // what a module imports may be none, too
        if (isNoModule.test(String(error.code)) && !isScript.test(path))
          return UsageError.of(`${file} is no module of JavaScript or TypeScript`, form)
        const message = error.message.replace(/\nRequire stack:[^]*/, "")
        // a package.json above the file may say that its modules are CommonJS
        const hints = /token 'export'|import statement outside/.test(message)
          ? ["name it .mts or .mjs", form]
          : /Cannot find (?:package|module '[^./])|module 'effect' does not provide/.test(message)
            ? [
                `without an installation it may import ${oneOf(Carried.names)}`,
                "`npm install @simul/scraper` and what else it needs beside it"
              ]
            : [form]
        const place = placeOf(error, path)
        const line = place?.file === path ? `:${place.line}` : ""
        const elsewhere = place === undefined || line !== "" ? "" : `${place.file}:${place.line}: `
        return UsageError.of(`${file}${line} cannot be loaded: ${elsewhere}${message}`, ...hints)
      }
    })
    const made = yield* Effect.try({
      try: () => (typeof exported === "function" ? exported(given) : exported),
      catch: (thrown) => {
        const error = errorOf(thrown)
        const place = placeOf(error, path)
        return UsageError.of(
          `${file}${place?.file === path ? `:${place.line}` : ""}: ${error.message}`,
          error.name === "ForeignSchema"
            ? "take `Schema` from what the function is given: `export default ({ make, field, Schema }) => ...`"
            : form
        )
      }
    })
    if (!Extraction.isExtraction(made)) return yield* UsageError.of(`${file} exports no extraction by default`, form)
    return made
  })
