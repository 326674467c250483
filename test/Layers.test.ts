import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { cycles, importsOf, violations } from "./Layers.ts"

const root = join(import.meta.dirname, "..")
const sources = new Map(
  globSync("{packages,apps}/*/src/**/*.{ts,tsx}", { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .toSorted()
    .map((path) => [path, readFileSync(join(root, path), "utf8")] as const)
)

describe("the sources of this repository", () => {
  it("are found, in every workspace that has code", () => {
    for (const place of ["packages/core/", "packages/scraper/", "apps/cli/", "apps/demos/"])
      assert.isTrue(
        [...sources.keys()].some((path) => path.startsWith(place)),
        place
      )
  })

  it("import to the left only, node and undici only where they may, and no barrel", () => {
    assert.deepStrictEqual(violations(sources), [])
  })

  it("have no import cycle", () => {
    assert.deepStrictEqual(cycles(sources), [])
  })

  it("bring no package into the command that an installation for `start` alone would miss", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    const brought = [...sources]
      .filter(([path]) => path.startsWith("apps/cli/"))
      .flatMap(([, text]) => importsOf(text))
      .filter((specifier) => !/^(?:\.|node:)/.test(specifier))
      .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0])
    assert.sameMembers([...new Set(brought)], Object.keys(dependencies))
  })

  it("have all their imports seen: a plain search for `from` finds no other specifier", () => {
    for (const [path, text] of sources) {
      const seen = new Set(importsOf(text))
      for (const [, specifier] of text.matchAll(/^[^*/\n]*\bfrom "((?:node:|effect\/|@simul\/|\.\.?\/)[^"\n]+)"$/gm))
        assert.isTrue(seen.has(specifier!), `${path}: ${specifier}`)
    }
  })
})

describe("importsOf", () => {
  it("sees every form of import, types and several lines included", () => {
    const text = [
      `import a from "a"`,
      `import * as B from "b/B"`,
      `import type { C } from "c"`,
      `import d, { e } from 'd'`,
      `import {`,
      `  type F,`,
      `  g`,
      `} from "f"`,
      `import "h"`,
      `export * from "i"`,
      `export * as J from "./J.ts"`,
      `export type { K } from "k"`,
      `const l = await import("l")`,
      `type M = import("m").M`
    ].join("\n")
    assert.deepStrictEqual(importsOf(text), ["a", "b/B", "c", "d", "f", "h", "i", "./J.ts", "k", "l", "m"])
  })

  it("takes neither prose nor strings for imports", () => {
    const text = [
      `/**`,
      ` * import { x } from "prose"`,
      ` */`,
      `export const text = 'values from "a string"'`,
      `export const list = [1]`,
      `const quoted = "import y from 'z'"`
    ].join("\n")
    assert.deepStrictEqual(importsOf(text), [])
  })
})

describe("violations", () => {
  const core = ["packages/core/src/Core.ts", ""] as const
  const scraper = ["packages/scraper/src/Scraper.ts", ""] as const
  const of = (path: string, specifier: string) =>
    violations(new Map([core, scraper, ["apps/cli/src/Cli.ts", ""], [path, `import * as X from "${specifier}"`]]))

  it("lets arrows to the left pass", () => {
    assert.deepStrictEqual(of("packages/scraper/src/A.ts", "@simul/core/Core"), [])
    assert.deepStrictEqual(of("packages/scraper/src/url/A.ts", "../Scraper.ts"), [])
    assert.deepStrictEqual(of("apps/demos/src/A.ts", "@simul/scraper/Scraper"), [])
    assert.deepStrictEqual(of("packages/core/src/A.ts", "effect/Effect"), [])
    assert.deepStrictEqual(of("packages/core/src/node/A.ts", "node:fs"), [])
    assert.deepStrictEqual(of("packages/scraper/src/session/A.ts", "undici"), [])
    assert.deepStrictEqual(of("apps/cli/src/A.ts", "node:fs/promises"), [])
  })

  const planted: ReadonlyArray<readonly [what: string, path: string, specifier: string]> = [
    ["core that imports scraper", "packages/core/src/A.ts", "@simul/scraper/Scraper"],
    ["core that imports an app", "packages/core/src/A.ts", "@simul/cli"],
    ["scraper that imports an app", "packages/scraper/src/A.ts", "@simul/cli/Cli"],
    ["an app that imports another", "apps/demos/src/A.ts", "@simul/cli/Cli"],
    ["a relative path into another package", "packages/scraper/src/A.ts", "../../core/src/Core.ts"],
    ["a relative path out of src", "packages/scraper/src/A.ts", "../package.json"],
    ["a package that imports itself by name", "packages/scraper/src/A.ts", "@simul/scraper/Scraper"],
    ["an import of a file that is not there", "packages/core/src/A.ts", "./Missing.ts"],
    ["node in the middle of core", "packages/core/src/A.ts", "node:fs"],
    ["node without its prefix", "packages/core/src/A.ts", "fs"],
    ["node in the middle of scraper", "packages/scraper/src/A.ts", "node:crypto"],
    ["undici outside the sessions", "packages/scraper/src/A.ts", "undici"],
    ["undici in an app", "apps/cli/src/A.ts", "undici"],
    ["the barrel of effect", "packages/core/src/A.ts", "effect"],
    ["a workspace that no rule knows", "packages/other/src/A.ts", "effect/Effect"]
  ]
  it.each(planted)("finds %s", (_, path, specifier) => {
    const found = of(path, specifier)
    assert.strictEqual(found.length, 1)
    assert.isTrue(found[0]!.startsWith(`${path}: `))
  })
})

describe("cycles", () => {
  it("finds a cycle of three, one of types only, and a file that imports itself", () => {
    const files = new Map([
      ["packages/core/src/A.ts", `import * as B from "./B.ts"`],
      ["packages/core/src/B.ts", `export * as C from "./node/C.ts"`],
      ["packages/core/src/node/C.ts", `import type { A } from "../A.ts"`],
      ["packages/scraper/src/D.ts", `import type { E } from "./E.ts"`],
      ["packages/scraper/src/E.ts", `import type { D } from "./D.ts"`],
      ["apps/cli/src/F.ts", `import * as F from "./F.ts"`]
    ])
    assert.deepStrictEqual(cycles(files), [
      ["packages/core/src/A.ts", "packages/core/src/B.ts", "packages/core/src/node/C.ts", "packages/core/src/A.ts"],
      ["packages/scraper/src/D.ts", "packages/scraper/src/E.ts", "packages/scraper/src/D.ts"],
      ["apps/cli/src/F.ts", "apps/cli/src/F.ts"]
    ])
  })

  it("finds a cycle through two packages", () => {
    const files = new Map([
      ["packages/core/src/A.ts", `import * as Index from "@simul/scraper"`],
      ["packages/scraper/src/index.ts", `import * as A from "@simul/core/A"`]
    ])
    assert.strictEqual(cycles(files).length, 1)
  })

  it("sees no cycle where two ways lead to one file", () => {
    const files = new Map([
      ["packages/core/src/A.ts", `import "./B.ts"\nimport "./C.ts"`],
      ["packages/core/src/B.ts", `import "./D.ts"`],
      ["packages/core/src/C.ts", `import "./D.ts"`],
      ["packages/core/src/D.ts", ""]
    ])
    assert.deepStrictEqual(cycles(files), [])
  })
})
