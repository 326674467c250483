/** What `changeset version` makes a release of. It ends with an error where a changeset names a package that is not released. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"

const root = join(import.meta.dirname, "..")
const { fixed } = JSON.parse(readFileSync(join(root, ".changeset/config.json"), "utf8")) as {
  readonly fixed: ReadonlyArray<ReadonlyArray<string>>
}
const released = new Set(fixed.flat())

it("names in changesets the packages that are released, and no other", () => {
  const others = globSync(".changeset/*.md", { cwd: root }).flatMap((path) => {
    const [, head = ""] = readFileSync(join(root, path), "utf8").split(/^---$/m)
    const names = [...head.matchAll(/"(.+)":/g)].map((match) => match[1]!)
    return names.length > 0 && names.every((name) => released.has(name)) ? [] : [`${path}: ${names.join(", ")}`]
  })
  assert.deepStrictEqual(others, [])
})
