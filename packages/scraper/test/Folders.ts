/** Folders for the tests of one file, removed when these are over. */
import { afterAll } from "@effect/vitest"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** `root` is there; each call of `folder` names another one in it, which is not. */
export const make = (name: string) => {
  const root = fs.mkdtempSync(join(tmpdir(), `simul-${name}-`))
  afterAll(() => fs.rmSync(root, { recursive: true }))
  let count = 0
  return { root, folder: () => join(root, `${count++}`) }
}
