/**
 * The files of the web page, made when they are asked for: nothing built is kept in the repository.
 *
 * 1. The page and what it simulates are bundled from the sources; a run or a source text is made at its first use.
 * 2. All addresses in them are relative and the page routes by hash, so they work from any host and folder, and by double
 *    click: there are only classic scripts, for from `file:` no browser loads modules or data.
 * 3. The same sources give the same bytes.
 */
import { globSync, readFileSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Effect from "effect/Effect"
import { rolldown } from "rolldown"
import { scenarios } from "../Chapters.ts"

/** The text of each file, by its path without a leading slash. */
export type Files = ReadonlyMap<string, () => Promise<string>>

const folder = fileURLToPath(new URL("../page/", import.meta.url))
const asset = (name: string) => readFileSync(join(folder, name), "utf8")

/** Where scenarios are: folders, and what they are called from the root of the repository. */
const places = [
  [fileURLToPath(new URL("../chapter/", import.meta.url)), "apps/demos/src/chapter"],
  [dirname(fileURLToPath(import.meta.resolve("@simul/core/scenario/Scenario"))), "packages/core/src/scenario"]
] as const

/** The file that a scenario is written in. */
const sourceOf = (name: string): { readonly path: string; readonly text: string } => {
  for (const [directory, path] of places)
    for (const file of globSync("*.ts", { cwd: directory }).toSorted()) {
      const text = readFileSync(join(directory, file), "utf8")
      if (text.includes(`  name: ${JSON.stringify(name)},\n`)) return { path: `${path}/${file}`, text }
    }
  throw new Error(`no file says that it is ${name}`)
}

/** The page's script: one function, so that its text can be a worker's as well. */
const bundled = async (): Promise<string> => {
  const bundle = await rolldown({
    input: join(folder, "main.tsx"),
    platform: "browser",
    tsconfig: join(folder, "tsconfig.json"),
    // a classic script has no address of its own; what asks for one tells its own frames of a stack from others
    transform: { define: { "import.meta.url": JSON.stringify("file:///book.js") } },
    // what it cannot resolve would fail in the browser
    onLog: (_, { message }) => {
      throw new Error(message)
    }
  })
  const { output } = await bundle.generate({ format: "iife", minify: true })
  await bundle.close()
  return `const simulData={};const simul=()=>{${output[0].code}};simul()\n`
}

/** A value as a script. */
const dataOf = (path: string, value: unknown) => `simulData[${JSON.stringify(path)}]=${JSON.stringify(value)}\n`

const once = (make: () => Promise<string>) => {
  let made: Promise<string> | undefined
  return () => (made ??= make())
}

/** All files. `isLive`: the page has a server behind it that plays for real. */
export const files = async (isLive: boolean): Promise<Files> => {
  const all = new Map<string, () => Promise<string>>()
  const add = (path: string, make: () => Promise<string> | string) =>
    all.set(
      path,
      once(async () => make())
    )
  add("index.html", () => asset("index.html").replace("<html", isLive ? '<html data-live="true"' : "<html"))
  add("style.css", () => asset("style.css"))
  add("icon.svg", () => asset("icon.svg"))
  const book = await bundled()
  add("book.js", () => book)
  for (const scenario of scenarios) {
    const { name, parameters } = scenario
    add(`sources/${name}.js`, () => dataOf(`sources/${name}`, sourceOf(name)))
    add(`runs/${name}.js`, async () =>
      dataOf(
        `runs/${name}`,
        await Effect.runPromise(
          Scenario.playVirtually(scenario, Parameter.defaults(parameters as Parameter.Parameters))
        )
      )
    )
  }
  return all
}

/** Writes the page for a host without a server of ours. Tells how many files. */
export const write = async (directory: string): Promise<number> => {
  const all = await files(false)
  for (const [path, text] of all) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, await text())
  }
  return all.size
}
