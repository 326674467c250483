/** What the packages let others import: in the repository their sources, on npm the same names built. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

type Target = string | null | { readonly types: string; readonly default: string }
interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, Target>>
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, Target>> }
}

const root = join(import.meta.dirname, "..")
const manifests = globSync("{packages,apps}/*/package.json", { cwd: root }).map((path) => ({
  directory: join(root, path, ".."),
  manifest: JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest
}))
const libraries = manifests.filter(({ manifest }) => manifest.exports !== undefined)

/** The target of an entry on npm that stands for `source` in the repository. */
const built = (source: Target): Target => {
  if (typeof source !== "string" || !source.endsWith(".ts")) return source
  const module = source.replace("./src/", "./dist/").slice(0, -".ts".length)
  return { types: `${module}.d.ts`, default: `${module}.js` }
}

describe.each(libraries.map(({ directory, manifest }) => [manifest.name, directory, manifest] as const))(
  "%s",
  (_, directory, manifest) => {
    const entries = Object.entries(manifest.exports!)

    it.each(entries.filter(([, target]) => target !== null))("has what it exports as %s", (_, target) => {
      assert.isString(target)
      const files = globSync((target as string).replace("*", "**/*"), { cwd: directory })
      assert.isAbove(files.length, 0, `${target as string} is no file`)
    })

    it("publishes the same entries, built", () => {
      assert.deepStrictEqual(
        Object.entries(manifest.publishConfig?.exports ?? {}),
        entries.map(([name, target]) => [name, built(target)])
      )
    })

    it.each(entries.filter(([, target]) => target === null))("closes a folder of its own with %s", (name) => {
      assert.isTrue(existsSync(join(directory, "src", dirname(name))), `${name} is no folder`)
    })
  }
)

it("gives every published package one version", () => {
  const published = manifests.filter(({ manifest }) => manifest.private !== true)
  assert.strictEqual(published.length, 3)
  assert.strictEqual(new Set(published.map(({ manifest }) => manifest.version)).size, 1)
})
