/** A folder for the tests of one file, gone when these are over. */
import { afterAll } from "@effect/vitest"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** `put` writes a file in it, and the folders on the way. */
export const make = (name: string) => {
  const folder = mkdtempSync(join(tmpdir(), `simul-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true }))
  const put = (file: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), content)
  }
  return { folder, put }
}
