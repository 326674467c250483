/** The published program: one file, so that it starts fast and brings no dependencies. */
import { readFileSync } from "node:fs"
import { defineConfig } from "rolldown"

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string }

export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  transform: { define: { SIMUL_VERSION: JSON.stringify(version) } },
  output: {
    file: "dist/simul.js",
    format: "esm",
    minify: true,
    codeSplitting: false
  }
})
