/** What the documents name is there: files that they link to, speak of or run, and scripts. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "..")
const documents = globSync("{*.md,{apps,packages}/*/**/*.md,{benchmark,conformance}/*.md}", {
  cwd: root,
  exclude: (name) => /^(?:node_modules|dist)$/.test(name)
})
const sources = globSync("{apps,packages}/*/{.,src}", { cwd: root })
/** A user's own, in examples, and another project's. */
const others = new Set(["src/program.ts", "src/work.task.ts", "src/parse.spec.ts"])
const isThere = (path: string) =>
  others.has(path) || [".", ...sources].some((source) => existsSync(join(root, source, path)))
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>
}

const commands = new Set(["exec", "install", "vitest"])

describe.each(documents)("%s", (document) => {
  const text = readFileSync(join(root, document), "utf8")
  const near = (path: string) => existsSync(join(root, dirname(document), path))

  it("links to files that are there", () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1]!)
    assert.deepStrictEqual(
      links.filter((path) => !near(path)),
      []
    )
  })

  it("speaks of modules that are there", () => {
    const paths = [...text.matchAll(/(?<![\w./-])(?:[\w-]+\/)+[\w.-]+\.tsx?(?![\w.])/g)].map((match) => match[0])
    assert.deepStrictEqual(
      paths.filter((path) => !near(path) && !isThere(path)),
      []
    )
  })

  it("imports names that are there", async () => {
    for (const [, names = "", entry] of text.matchAll(/^import (?:\* as \w+|\{ (.*) \}) from "(@simul\/[^"]+)"/gm)) {
      const module = (await import(entry!)) as object
      const missing = names.split(", ").filter((name) => name !== "" && !name.startsWith("type ") && !(name in module))
      assert.deepStrictEqual(missing, [], entry)
    }
  })

  it("runs scripts that are there", () => {
    const names = [...text.matchAll(/^pnpm (?:run )?([\w:]+)(?![\w:=])|`pnpm ([a-z:]+)/gm)].map(
      (match) => match[1] ?? match[2]!
    )
    assert.deepStrictEqual(
      names.filter((name) => !commands.has(name) && !(name in scripts)),
      []
    )
  })
})
