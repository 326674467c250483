/**
 * What the build adds to the compiler's work: the programs of workers, in the
 * repository functions that print themselves, are published as their minified text.
 * Functions and classes keep their names, for those stand in the stacks of tasks.
 */
import { rmSync, writeFileSync } from "node:fs"
import { minifySync } from "rolldown/utils"
import { processSource } from "./src/node/ProcessProgram.ts"
import { threadSource } from "./src/node/ThreadProgram.ts"

const keepNames = { function: true, class: true }

/** `program` is an expression, and stays one. */
const minified = (program: string): string => {
  const statement = "export default"
  const { code, errors } = minifySync("program.js", `${statement} ${program}`, {
    module: true,
    compress: { target: "node22.19", keepNames },
    mangle: { keepNames }
  })
  if (errors.length > 0 || !code.startsWith(statement)) throw new Error(errors[0]?.message ?? code)
  return code.slice(statement.length).replace(/;\s*$/, "")
}

for (const [module, name, program] of [
  ["ThreadProgram", "threadSource", threadSource],
  ["ProcessProgram", "processSource", processSource]
] as const) {
  const file = new URL(`dist/node/${module}.js`, import.meta.url)
  writeFileSync(
    file,
    `/** Minified; the source is src/node/${module}.ts. */\nexport const ${name} = ${JSON.stringify(minified(program))}\n`
  )
  rmSync(`${file.pathname}.map`, { force: true })
}
