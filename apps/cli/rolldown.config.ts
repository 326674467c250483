/**
 * The published program: one file, so that it starts fast and brings no dependencies.
 *
 * `main.ts` alone is code of that file. All that it imports late (the commands, and effect, undici and parsers under
 * them) stands as text in one comment of it, which costs nothing where it is not read: a scan of 2.5 MB in place of a
 * parse. Compiled from text it also comes out of Node's compile cache, which an ES module that is the entry never does.
 */
import { readFileSync } from "node:fs"
import { defineConfig, rolldown, type Plugin, type RolldownOptions } from "rolldown"

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string }

/**
 * One character beyond ASCII, and the whole text takes two bytes a character and twice the time to load. As escapes they mean
 * the same in strings, templates, expressions and names.
 */
const ascii: Plugin = {
  name: "ascii",
  generateBundle: (_options, bundle) => {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue
      // oxlint-disable-next-line no-control-regex -- ASCII begins with NUL
      chunk.code = chunk.code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    }
  }
}

/**
 * A module of Node's is loaded where it is first used, not where it is imported: half of them (TLS, compression, child
 * processes, the inspector) serve what a run seldom does. It also spares the copy of its names that stands for a namespace.
 */
const onUse: Plugin = {
  name: "on use",
  renderChunk(code) {
    const declared = /^let (node_\w+) = require\("(node:[\w/]+)"\);\n(?:\1 = __toESM\(\1(?:, 1)?\);\n)?/gm
    const found = Array.from(code.matchAll(declared))
    const bare = code.replace(declared, "")
    const named = String.raw`(?<![\w$]|[^.]\.)(${found.map(([, name]) => name).join("|")})(?![\w$])`
    if (found.length === 0 || new RegExp(`${named}\\.default\\b`).test(bare))
      this.error("a module of Node's is not imported as was thought")
    const loads = found.map(([, name, id]) => `let ${name}; const ${name}_use = () => ${name} ??= require("${id}");\n`)
    return loads.join("") + bare.replace(new RegExp(named, "g"), "($1_use())")
  }
}

const common = {
  platform: "node",
  // it brings a parser and a document of its own for markup as text, which it is never given
  resolve: { alias: { turndown: "turndown/lib/turndown.browser.es.js" } },
  transform: { define: { SIMUL_VERSION: JSON.stringify(version) } }
} satisfies RolldownOptions

/** What the comment begins with, and what stands in it for the end of one. */
const begin = "\n/* late\n"
const ended = "*~/"

/** Puts the module that `main.ts` imports late behind its code, in a comment. */
const late: Plugin = {
  name: "late",
  resolveId: (id) => (id === "./Process.ts" ? "late" : null),
  load: (id) =>
    id === "late"
      ? `import { readFileSync } from "node:fs"
         import { Module } from "node:module"
         const load = (file) => {
           const own = readFileSync(file, "latin1")
           const text = own.slice(own.lastIndexOf(${JSON.stringify(begin)}) + ${begin.length}, own.lastIndexOf("*/"))
           const late = new Module(file)
           late.filename = file
           late._compile(text.replaceAll(${JSON.stringify(ended)}, "*/"), file)
           return late.exports
         }
         export const { start } = load(import.meta.filename)`
      : null,
  async generateBundle(_options, bundle) {
    const built = await rolldown({ ...common, input: "src/Process.ts", plugins: [onUse, ascii] })
    const { output } = await built.generate({ format: "cjs", minify: true, codeSplitting: false })
    const { code } = output[0]
    if (output.length > 1 || [begin, ended].some((mark) => code.includes(mark)))
      this.error("what is late cannot stand in one comment")
    for (const chunk of Object.values(bundle))
      if (chunk.type === "chunk") chunk.code = `${chunk.code.trimEnd()}${begin}${code.replaceAll("*/", ended)}*/\n`
  }
}

/** The second file is what the workers of `simul race` load. */
export default defineConfig([
  {
    ...common,
    input: "src/main.ts",
    plugins: [late, ascii],
    output: { file: "dist/simul.js", format: "esm", minify: true, codeSplitting: false }
  },
  {
    ...common,
    input: "src/work.task.ts",
    plugins: [ascii],
    output: { file: "dist/work.task.js", format: "esm", minify: true, codeSplitting: false }
  }
])
