import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as ListFile from "../../src/store/ListFile.ts"
import * as Folders from "../Folders.ts"
import { replaced } from "../Replaced.ts"

const { folder } = Folders.make("list-file")

describe("ListFile", () => {
  it.effect("is read, whatever the system says when it is closed", () =>
    Effect.gen(function* () {
      const file = folder()
      fs.writeFileSync(file, "http://a/\n")
      const { promises } = process.getBuiltinModule("node:fs")
      const { open } = promises
      yield* replaced(promises, {
        open: async (...args) => {
          const handle = await open(...args)
          const close = handle.close.bind(handle)
          return Object.assign(handle, { close: () => close().then(() => Promise.reject(new Error("EIO"))) })
        }
      })
      yield* Effect.scoped(ListFile.openList(file, []))
    })
  )

  it.effect("counts as read what was given of the list, not what was read ahead from the disk", () =>
    Effect.gen(function* () {
      const file = folder()
      const lines = Array.from({ length: 2560 }, (_, index) => `http://a/${1000 + index}\n`)
      fs.writeFileSync(file, lines.join(""))
      const { batches, read } = yield* ListFile.openList(file, [])
      assert.strictEqual(read(), 0)
      const given: Array<number | undefined> = []
      yield* Effect.promise(async () => {
        for await (const { lines } of batches) if (lines.length > 0) given.push(read())
      })
      assert.deepStrictEqual(
        given,
        Array.from({ length: 10 }, (_, index) => (index + 1) / 10)
      )
    })
  )
})
