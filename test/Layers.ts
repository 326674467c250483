/**
 * The rules of the layers, as functions of the text of the source files.
 *
 *     effect <- packages/core <- packages/scraper <- apps/*
 *
 * 1. An import points left only; apps do not import each other; inside a
 *    package imports are relative and between packages they are by name.
 * 2. `undici` is known to scraper/src/session only. `node:*` is known to
 *    core/src/node, scraper/src/{decode,session,sink,store,warc,testing} and apps.
 * 3. No barrels: `effect/Effect`, never `effect`.
 * 4. No import cycles, those of types included.
 *
 * Oxlint says most of this while one types; this holds where a lint comment
 * would silence it, and it knows the whole graph.
 */
import { builtinModules } from "node:module"
import { posix } from "node:path"

/** Source files by their path from the root of the repository, `/` between segments. */
type Files = ReadonlyMap<string, string>

const clause = String.raw`(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})?\s*`
const statement = new RegExp(String.raw`^(?:import|export)\s+${clause}from\s*(["'])([^"'\n]+)\1`, "gm")
const sideEffect = /^import\s*(["'])([^"'\n]+)\1/gm
const dynamic = /\bimport\(\s*(["'])([^"'\n]+)\1/g

/**
 * The specifiers that a file imports or re-exports, types included, in the order of the file. Sees what oxfmt lets
 * pass: statements at the start of a line.
 */
export const importsOf = (text: string): ReadonlyArray<string> =>
  [statement, sideEffect, dynamic]
    .flatMap((pattern) => [...text.matchAll(pattern)])
    .toSorted((one, other) => one.index - other.index)
    .map((match) => match[2]!)

const left: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: [],
  scraper: ["core"],
  cli: ["core", "scraper"],
  demos: ["core", "scraper"]
}
const mayUseNode =
  /^(?:apps\/[^/]+|packages\/core\/src\/node|packages\/scraper\/src\/(?:decode|session|sink|store|warc|testing))\//
const mayUseUndici = /^packages\/scraper\/src\/session\//

const packageOf = (path: string): string | undefined => /^(?:packages|apps)\/([^/]+)\//.exec(path)?.[1]
const isNode = (specifier: string) => specifier.startsWith("node:") || builtinModules.includes(specifier)

/** Where an import of this repository's own code leads, `undefined` for other people's packages. */
const targetOf = (path: string, specifier: string): string | undefined => {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(path), specifier)
  const [, name, module] = /^@simul\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const source = `${name in left && name !== "core" && name !== "scraper" ? "apps" : "packages"}/${name}/src`
  return `${source}/${module ?? "index"}.ts`
}

/** The first of the two that is a file: a subpath export is a module or the index of a folder. */
const resolve = (files: Files, target: string): string =>
  files.has(target) ? target : target.replace(/\.ts$/, "/index.ts")

const wrong = (files: Files, path: string, specifier: string): string | undefined => {
  const own = packageOf(path)
  if (own === undefined || !(own in left)) return "belongs to no known package"
  if (specifier === "effect") return "barrel effect: import the module"
  if (isNode(specifier)) return mayUseNode.test(path) ? undefined : `${specifier} is not known here`
  if (/^undici(?:\/|$)/.test(specifier)) return mayUseUndici.test(path) ? undefined : "undici is not known here"
  const target = targetOf(path, specifier)
  if (target === undefined) return undefined
  const other = packageOf(target)
  if (specifier.startsWith(".")) {
    if (other !== own || !target.includes("/src/")) return `${specifier} leaves the package`
  } else {
    if (other === own) return `${specifier} is its own package: import the file`
    if (other === undefined || !left[own]!.includes(other)) return `${own} must not import ${other}`
  }
  return files.has(resolve(files, target)) ? undefined : `${specifier} is no file`
}

/** Every import that breaks rules 1 to 3, as `file: what`. */
export const violations = (files: Files): ReadonlyArray<string> =>
  [...files].flatMap(([path, text]) =>
    importsOf(text).flatMap((specifier) => {
      const what = wrong(files, path, specifier)
      return what === undefined ? [] : [`${path}: ${what}`]
    })
  )

/**
 * The import cycles that a walk of the graph meets, each as its files in order, the first repeated at the end. None:
 * there is no cycle.
 */
export const cycles = (files: Files): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  const done = new Set<string>()
  const trail: Array<string> = []
  const walk = (path: string): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      found.push([...trail.slice(start), path])
      return
    }
    if (done.has(path)) return
    trail.push(path)
    for (const specifier of importsOf(files.get(path)!)) {
      const target = targetOf(path, specifier)
      const next = target === undefined ? undefined : resolve(files, target)
      if (next !== undefined && files.has(next)) walk(next)
    }
    trail.pop()
    done.add(path)
  }
  for (const path of files.keys()) walk(path)
  return found
}
