import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import * as ArchivedBodies from "../../src/sink/ArchivedBodies.ts"

const scraper = fileURLToPath(new URL("../..", import.meta.url))

/** More than is held in memory; says how that ended. */
const many = `
  import * as Effect from "effect/Effect"
  import * as ArchivedBodies from "./src/sink/ArchivedBodies.ts"
  const fill = Effect.gen(function* () {
    const bodies = yield* ArchivedBodies.make("/nowhere")
    for (let at = 0; at < 200_000; at++)
      yield* bodies.add("simul-00000.warc.gz#" + at + "+1", { bytes: at, sha256: "0".repeat(64) })
    yield* bodies.sorted
    return "sorted"
  })
  console.log(await Effect.runPromise(Effect.catch(Effect.scoped(fill), ({ message }) => Effect.succeed(message))))
`

describe("ArchivedBodies", () => {
  it.effect("are sorted by their places, and told once", () =>
    Effect.gen(function* () {
      const bodies = yield* ArchivedBodies.make("/nowhere")
      for (const at of [7, 3, 7, 5])
        assert.isTrue(yield* bodies.add(`simul-00001.warc.gz#${at}+1`, { bytes: 1, sha256: undefined }))
      assert.isFalse(yield* bodies.add("page.html", { bytes: 1, sha256: undefined }))
      const sorted = yield* bodies.sorted
      assert.deepStrictEqual(sorted.archives, ["simul-00001.warc.gz"])
      assert.deepStrictEqual(
        Array.from(sorted.within("simul-00001.warc.gz"), ({ offset }) => offset),
        [3, 5, 7]
      )
    }).pipe(Effect.scoped)
  )

  it.runIf(process.platform === "linux")("say that the temporary folder has no room", () => {
    const limited = `trap "" XFSZ; ulimit -f 100; exec "$@"`
    const told = execFileSync("sh", ["-c", limited, "sh", process.execPath, "--input-type=module", "-e", many], {
      cwd: scraper,
      env: { ...process.env, SQLITE_TMPDIR: tmpdir() },
      encoding: "utf8"
    })
    assert.match(told, /^cannot write to the temporary folder \/.*: (?:database or disk is full|disk I\/O error)\n$/)
    assert.include(told, tmpdir())
  })
})
