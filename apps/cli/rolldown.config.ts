/** The published program: one file, so that it starts fast and brings no dependencies. */
import { readFileSync } from "node:fs"
import { defineConfig, type Plugin } from "rolldown"

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

/** The second file is what the workers of `simul race` load. */
const entries = [
  ["src/main.ts", "dist/simul.js"],
  ["src/work.task.ts", "dist/work.task.js"]
] as const

export default defineConfig(
  entries.map(([input, file]) => ({
    input,
    platform: "node",
    plugins: [ascii],
    // it brings a parser and a document of its own for markup as text, which it is never given
    resolve: { alias: { turndown: "turndown/lib/turndown.browser.es.js" } },
    transform: { define: { SIMUL_VERSION: JSON.stringify(version) } },
    output: { file, format: "esm", minify: true, codeSplitting: false }
  }))
)
