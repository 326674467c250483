/**
 * A mirror ends as if nothing had happened: the real command, killed with SIGKILL
 * at seeded instants, most of them while it makes the mirror.
 *
 * `SEEDS=100 SEED=1000 pnpm --filter cli test test/CrashMirror.test.ts` runs 100
 * seeds from 1000 on; a failure names its seed.
 */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { place, read, run, savedIn, seeds } from "./Killed.ts"
import * as Program from "./Program.ts"

const pages = 1 + 6 + 36 + 216

const here = place("crash-mirror")
const { root } = here
/** The files of a mirror that nothing disturbed, with their hashes. */
let undisturbed: Record<string, string>
const what = () => ["crawl", here.site.url("/tree/6/3"), "--mirror"]

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
  } catch {
    // not there, or just moved away
    return []
  }
}
const filesIn = (folder: string) =>
  Object.fromEntries(
    namesIn(folder)
      .filter((name) => fs.statSync(join(folder, name)).isFile())
      .toSorted()
      // the state that it is of: which run made it differs
      .map((name) => [
        name,
        name === ".mirror"
          ? ""
          : createHash("sha256")
              .update(fs.readFileSync(join(folder, name)))
              .digest("hex")
      ])
  )

beforeAll(async () => {
  const directory = join(root, "undisturbed")
  const { status, errors } = await run(what(), directory)
  assert.strictEqual(status, 0, errors)
  undisturbed = filesIn(join(directory, "mirror"))
})

describe("simul crawl --mirror, killed at any instant", () => {
  it("makes a mirror of all pages when it is not killed", () => {
    assert.strictEqual(Object.keys(undisturbed).length, 1 + pages)
  })

  for (const seed of seeds(6)) {
    it(`has the same mirror in the end (seed ${seed})`, async () => {
      const random = Randomness.make(seed)
      const directory = join(root, `${seed}`)
      const aside = join(directory, ".simul", "mirror")
      const kills = 1 + Math.floor(random() * 3)
      for (let i = 0; i < kills; i++) {
        const files = 1 + Math.floor(random() * pages)
        // whole, when the last file is there: then it is put in its place
        const when = async () => namesIn(aside).length >= files || fs.existsSync(join(directory, "mirror"))
        await run(
          what(),
          directory,
          random() < 0.8 ? { when } : { outcomes: Math.floor(random() * pages), afterMs: Math.floor(random() * 30) }
        )
        // what is in its place is whole, whenever that was
        const there = filesIn(join(directory, "mirror"))
        if (Object.keys(there).length > 0) assert.deepStrictEqual(there, undisturbed, `seed ${seed}`)
      }

      const { status, errors } = await run(what(), directory)
      assert.strictEqual(status, 0, `seed ${seed}: ${errors}`)
      assert.deepStrictEqual(filesIn(join(directory, "mirror")), undisturbed, `seed ${seed}: the mirror`)
      assert.sameMembers(
        namesIn(join(directory, ".simul")).filter((name) => name.startsWith("mirror")),
        [],
        `seed ${seed}: nothing left aside`
      )
      assert.strictEqual(savedIn(await read(directory)).length, pages)
      assert.include(await Program.screen(["verify", directory]), "all as recorded", `seed ${seed}`)
      fs.rmSync(directory, { recursive: true })
    })
  }
})
