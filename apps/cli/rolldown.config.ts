/**
 * The published program: a small entry and the parts that it loads, which bring no dependencies.
 *
 * The entry is `main.ts` alone. All that it imports late (the commands, and effect, undici and parsers under them) is split
 * where a command imports on use, into files of which a run reads those it needs: every byte of a file is read, decoded and
 * copied, and what V8 made of it in an earlier run (`Parts.ts`) is read and revived as a whole.
 */
import { createHash } from "node:crypto"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { defineConfig, type Plugin, type RolldownOptions } from "rolldown"

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
 * A module of Node's, or a part that is `seldom` read, is loaded where it is first used, not where it is imported: half of
 * them (TLS, compression, child processes, the inspector) serve what a run seldom does. It also spares the copy of its names
 * that stands for a namespace.
 */
const onUse: Plugin = {
  name: "on use",
  renderChunk(code) {
    const declared = /^let (\w+) = require\("(node:[\w/]+|\.\/[\w-]+\.part)"\);\n(?:\1 = [\w$.]+\(\1(?:, 1)?\);\n)?/gm
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
  "cli/src/Process.ts",
  "cli/src/command/Get.ts",
  "cli/src/Watched.ts",
  "scraper/src/Get.ts",
  "core/src/Recorder.ts",
  "core/src/node/DumpOnSignal.ts"
]

/**
 * What few runs look into, the public suffix list and the tables of Asian encodings, is twice as much text as all else that a
 * crawl brings beside `get`: each is a part that is loaded on use.
 */
const seldom: Plugin = {
  name: "seldom",
  async resolveId(source, importer) {
    const name = { tldts: "Domains", "./multi-byte.encodings.json": "Encodings" }[source]
    const found = name && importer && (await this.resolve(source, importer, { skipSelf: true }))
    if (!found) return null
    const fileName = `${name}-${createHash("sha256").update(readFileSync(found.id)).digest("hex").slice(0, 8)}.part`
    this.emitFile({ type: "chunk", id: found.id, fileName })
    return { id: `./${fileName}`, external: true }
  },
  // who requires it expects no module with names
  load: (id) =>
    id.endsWith(".encodings.json") ? { code: `module.exports = ${readFileSync(id, "utf8")}`, moduleType: "js" } : null
}

/**
 * What a user's schema is given has a copy of its own of what it needs: for the sake of it all of effect's `Schema` would be
 * in the part of every command, a quarter of it. An extraction may come from another copy, so nothing is to be shared.
 */
const given: Plugin = {
  name: "given",
  resolveId: (id) => (id === "./Given.ts" ? { id: "./Given.part", external: true } : null),
  renderChunk: (code) =>
    code.replace(/\bimport\((["'`])\.\/Given\.part\1\)/g, 'Promise.resolve(require("./Given.part"))')
}

const hash = createHash("sha256")

/** Each part is the text of a function. */
const wrapped: Plugin = {
  name: "wrapped",
  generateBundle: (_options, bundle) => {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue
      chunk.code = `(function(exports,require,module,__filename,__dirname){${chunk.code}\n})`
      hash.update(chunk.code)
    }
  }
}

/** Tells a build by the parts that were written before. */
const build: Plugin = {
  name: "build",
  renderChunk: (code) => code.replace("SIMUL_BUILD", JSON.stringify(hash.digest("hex").slice(0, 16)))
}

const packages = new Set<string>()

/** Notes whose code is in a file. */
const foreign: Plugin = {
  name: "foreign",
  generateBundle: (_options, bundle) => {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue
      for (const id of Object.keys(chunk.modules)) {
        const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)
        if (folder) packages.add(folder[0])
      }
    }
  }
}

/** Licences of what was bundled want to be in every copy, with their copyright notices. */
const licenses: Plugin = {
  name: "licenses",
  generateBundle() {
    const texts = [...packages].map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        readonly name: string
        readonly version: string
        readonly license: string
      }
      const files = globSync("{LICEN[CS]E,licen[cs]e,COPYING}*", { cwd: folder })
      if (files.length === 0) this.error(`${name} has no text of its licence`)
      return [
        `${name} ${version} (${license})`,
        ...files.map((file) => readFileSync(join(folder, file), "utf8").trim())
      ]
    })
    const source = texts.map((text) => `${text.join("\n\n")}\n`).toSorted()
    this.emitFile({
      type: "asset",
      fileName: "THIRD-PARTY-LICENSES.txt",
      source: source.join(`\n${"-".repeat(78)}\n\n`)
    })
  }
}

/** Loads the program where `main.ts` imports it. An import would look through it for what it exports. */
const late: Plugin = {
  name: "late",
  resolveId: (id) => (id === "./Process.ts" ? "late" : null),
  load: (id) =>
    id === "late"
      ? `import { createRequire } from "node:module"
         export const { start } = createRequire(import.meta.url)("./Published.cjs")`
      : null
}

const entry = { dir: "dist", format: "esm", minify: true, codeSplitting: false } as const

const part = {
  dir: "dist",
  format: "cjs",
  minify: true,
  entryFileNames: "[name].part",
  // a run that goes on while another version is installed finds none of its parts, and not those of the other
  chunkFileNames: "[name]-[hash].part"
} as const

/** One after the other. The last file is what the workers of `simul race` load. */
export default defineConfig([
  {
    ...common,
    input: "src/Process.ts",
    plugins: [given, seldom, segmenter, onUse, ascii, wrapped, foreign],
    // what one command loads on use may stand in the part that another brings
    checks: { ineffectiveDynamicImport: false },
    output: {
      ...part,
      // as the first of them all
      cleanDir: true,
      codeSplitting: {
        groups: [{ name: "Get", test: (id) => ofGet.some((module) => id.replaceAll("\\", "/").endsWith(module)) }]
      }
    }
  },
  {
    ...common,
    input: "src/Given.ts",
    plugins: [onUse, ascii, wrapped, foreign],
    output: { ...part, codeSplitting: false }
  },
  {
    ...common,
    input: "src/Published.ts",
    plugins: [onUse, ascii, build, foreign],
    output: { ...part, entryFileNames: "[name].cjs", codeSplitting: false }
  },
  { ...common, input: { simul: "src/main.ts" }, plugins: [late, ascii, foreign], output: entry },
  { ...common, input: "src/work.task.ts", plugins: [ascii, foreign, licenses], output: entry }
])
