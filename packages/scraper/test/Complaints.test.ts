import { assert, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const scraper = join(import.meta.dirname, "..")
const root = join(scraper, "../..")
const rows = readFileSync(join(scraper, "COMPLAINTS.md"), "utf8").matchAll(/^\| (\d+) \|.*\| (`.*) \|$/gm)
const shown = Array.from(rows, ([, number, by]) => ({ number: Number(number), by: by! }))

/** Whether a test of this name runs, where it can. A name in a template goes on after it, by a seed. */
const has = (text: string, name: string): boolean =>
  Array.from(
    text.matchAll(/^[ \t]*it(?:\.(?:effect|live|(?:each|skipIf|runIf)\(.*\)))?\(\s*/gm),
    ({ 0: call, index }) => index + call.length
  ).some((at) => [`"${name}"`, `\`${name} `].some((quoted) => text.startsWith(quoted, at)))

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
    assert.isTrue(has(text, name!), `${file} has no test "${name}"`)
  })

it("takes for a test only what runs", () => {
  for (const text of [
    '  it("a", () => {})',
    'it.effect(\n  "a",',
    "it.skipIf(!linux)(`a by seed`",
    'it.each(["x"])("a", f)'
  ])
    assert.isTrue(has(text, "a"), text)
  for (const text of [
    '// it("a", () => {})',
    ' * `it("a")`',
    'it.skip("a", f)',
    'it.todo("a")',
    'say("a")',
    'it("a b", f)'
  ])
    assert.isFalse(has(text, "a"), text)
})
