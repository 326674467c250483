/**
 * The published program: one file, so that it starts fast and brings no dependencies.
 *
 * `main.ts` alone is code of that file. All that it imports late (the commands, and effect, undici and parsers under
 * them) stands as text in a comment of it, split where a command imports on use: what is not used costs a scan in place
 * of a parse. Compiled from text each part also comes out of Node's compile cache, which an ES module that is the entry
 * never does; and that cache reads, hashes and revives a part as a whole, so what a fetch does not need is in others.
 */
import { readFileSync } from "node:fs"
import { brotliCompressSync } from "node:zlib"
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
    const declared = /^let (node_\w+) = require\("(node:[\w/]+)"\);\n(?:\1 = [\w$.]+\(\1(?:, 1)?\);\n)?/gm
    const found = Array.from(code.matchAll(declared))
    const bare = code.replace(declared, "")
    const named = String.raw`(?<![\w$]|[^.]\.)(${found.map(([, name]) => name).join("|")})(?![\w$])`
    if (found.length === 0) return null
    if (new RegExp(`${named}\\.default\\b`).test(bare)) this.error("a module of Node's is not imported as was thought")
    const loads = found.map(([, name, id]) => `let ${name}; const ${name}_use = () => ${name} ??= require("${id}");\n`)
    return loads.join("") + bare.replace(new RegExp(named, "g"), "($1_use())")
  }
}

/** effect's help screens count what stands for one character by Unicode's rules, and load these at every start: 10 ms. */
const segmenter: Plugin = {
  name: "segmenter",
  transform(code, id) {
    if (!/[\\/]effect[\\/]dist[\\/]cli[\\/]CliOutput\.js$/.test(id)) return null
    const made = /const graphemeSegmenter = \/\*#__PURE__\*\/(new Intl\.Segmenter\([^;]*\));/
    if (!made.test(code)) this.error("effect counts characters in another way: look whether it is still slow to load")
    return code.replace(
      made,
      "let segmenter; const graphemeSegmenter = { segment: (text) => (segmenter ??= $1).segment(text) };"
    )
  }
}

const common = {
  platform: "node",
  // it brings a parser and a document of its own for markup as text, which it is never given
  resolve: { alias: { turndown: "turndown/lib/turndown.browser.es.js" } },
  transform: { define: { SIMUL_VERSION: JSON.stringify(version) } }
} satisfies RolldownOptions

/** What `simul get` brings, beside what every command does: one part, for each costs as much as 20 KB of code. */
const ofGet = [
  "cli/src/Process",
  "cli/src/command/Get",
  "cli/src/Watched",
  "scraper/src/Get",
  "core/src/Recorder",
  "core/src/node/DumpOnSignal"
]

/**
 * What a user's schema is given has a copy of its own of what it needs: for the sake of it all of effect's `Schema` would be
 * in the part of every command, a quarter of it. An extraction may come from another copy, so nothing is to be shared.
 */
const given: Plugin = {
  name: "given",
  resolveId: (id) => (id === "./Given.ts" ? { id: "./Given", external: true } : null)
}

/** All that `main.ts` imports late, split where it imports on use: each part as CommonJS that asks `module.part` for others. */
const parts = async (): Promise<ReadonlyArray<readonly [name: string, code: string]>> => {
  const written = { format: "cjs", minify: true, entryFileNames: "[name]", chunkFileNames: "[name]" } as const
  const program = await rolldown({
    ...common,
    input: "src/Process.ts",
    plugins: [given, segmenter, onUse, ascii],
    // what one command loads on use may stand in the part that another brings
    checks: { ineffectiveDynamicImport: false }
  })
  const apart = await rolldown({ ...common, input: "src/Given.ts", plugins: [onUse, ascii] })
  const built = await Promise.all([
    program.generate({
      ...written,
      codeSplitting: {
        groups: [
          { name: "Get", test: (id) => ofGet.some((module) => id.replaceAll("\\", "/").endsWith(`${module}.ts`)) }
        ]
      }
    }),
    apart.generate({ ...written, codeSplitting: false })
  ])
  return built
    .flatMap(({ output }) => output)
    .flatMap((chunk) =>
      chunk.type === "chunk"
        ? [
            [
              chunk.fileName,
              chunk.code
                .replace(/\bimport\((["'`])\.\/Given\1\)/g, 'Promise.resolve(module.part("Given"))')
                .replace(/\brequire\((["'`])\.\/([\w-]+)\1\)/g, 'module.part("$2")')
            ] as const
          ]
        : []
    )
}

/** What stands in the comment for the end of one. */
const ended = "*~/"

/**
 * Puts the parts behind the code of `main.ts`, in a comment, and in place of its late import what reads them there. Packed,
 * for Node reads, decodes and scans the whole file at every start; but what every fetch needs is not, for to unpack it takes
 * longer than that.
 */
const late: Plugin = {
  name: "late",
  resolveId: (id) => (id === "./Process.ts" ? "late" : null),
  load: (id) =>
    id === "late"
      ? `import { Module } from "node:module"
         const { getBuiltinModule } = process
         const fs = getBuiltinModule("node:fs")
         const file = import.meta.filename
         const places = PLACES
         const loaded = {}
         const part = (name) => {
           if (loaded[name] !== undefined) return loaded[name].exports
           const [fromEnd, length, isPacked] = places[name]
           const bytes = Buffer.allocUnsafe(length)
           const open = fs.openSync(file)
           fs.readSync(open, bytes, 0, length, fs.fstatSync(open).size - fromEnd)
           fs.closeSync(open)
           const text = bytes.latin1Slice()
           const late = (loaded[name] = new Module(file + "." + name))
           late.filename = file
           late.part = part
           // effect looks at the stack of an error while it loads, and to tell it V8 parses the part once more: 5 ms
           const { stackTraceLimit } = Error
           Error.stackTraceLimit = 0
           try {
             late._compile(
               isPacked
                 ? getBuiltinModule("node:zlib").brotliDecompressSync(Buffer.from(text, "base64")).latin1Slice()
                 : text.replaceAll(${JSON.stringify(ended)}, "*/"),
               late.id
             )
           } finally {
             Error.stackTraceLimit = stackTraceLimit
           }
           return late.exports
         }
         export const { start } = part("Process")`
      : null,
  async generateBundle(_options, bundle) {
    const places: Record<string, readonly [fromEnd: number, length: number, isPacked?: 1]> = {}
    let behind = "*/\n"
    for (const [name, code] of await parts()) {
      if (code.includes(ended)) this.error("what is late cannot stand in a comment")
      const isPacked = name !== "Get" && code.length > 2048
      const text = isPacked ? brotliCompressSync(code).toString("base64") : code.replaceAll("*/", ended)
      behind = `\n${text}${behind}`
      places[name] = [behind.length - 1, text.length, ...(isPacked ? ([1] as const) : [])]
    }
    for (const chunk of Object.values(bundle))
      if (chunk.type === "chunk")
        chunk.code = `${chunk.code.trimEnd().replace("PLACES", JSON.stringify(places))}\n/*${behind}`
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
