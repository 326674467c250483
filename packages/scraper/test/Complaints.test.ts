import { assert, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const scraper = join(import.meta.dirname, "..")
const root = join(scraper, "../..")
const rows = readFileSync(join(scraper, "COMPLAINTS.md"), "utf8").matchAll(/^\| (\d+) \|.*\| (`.*) \|$/gm)
const shown = Array.from(rows, ([, number, by]) => ({ number: Number(number), by: by! }))

it("has each complaint once, in its order", () => {
  assert.deepStrictEqual(
    shown.map(({ number }) => number),
    Array.from({ length: 48 }, (_, index) => index + 1)
  )
})

for (const { number, by } of shown)
  it(`shows complaint ${number} by what is there`, () => {
    const [, program] = /^`node (\S+)`$/.exec(by) ?? []
    if (program !== undefined) return assert.isTrue(existsSync(join(root, program)), program)
    const [, file, name] = /^`(\S+)`: (.+)$/.exec(by) ?? assert.fail(by)
    const text = readFileSync(join(file!.startsWith("apps/") ? root : scraper, file!), "utf8")
    // a name in a template goes on after it, by a seed
    const found = [`"${name}"`, `\`${name} `].find((quoted) => text.includes(quoted))
    assert.isDefined(found, `${file} has no test "${name}"`)
  })
