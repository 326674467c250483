import { isNativeError } from "node:util/types"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { refusesEmptied } from "../../src/node/EmptiedObject.ts"

describe("what another process would find empty", () => {
  const refuse = refusesEmptied()
  const blob = new Blob(["text"])

  it.each<readonly [string, unknown]>([
    ["in an object", { a: { b: blob } }],
    ["in a list", [1, [blob]]],
    ["five levels deep", [[[[blob]]]]],
    ["in a map", new Map([["a", blob]])],
    ["as the key of one", new Map([[blob, 1]])],
    ["in a set", new Set([blob])],
    [
      "in an object of a class",
      new (class Held {
        blob = blob
      })()
    ],
    ["as the cause of an error", new Error("text", { cause: { blob } })],
    ["in an object without a prototype", Object.assign(Object.create(null), { blob })]
  ])("is refused %s", (_name, value) => {
    assert.throws(() => refuse(["ok", 0, value]), "another process would find a Blob empty")
  })

  it.each<readonly [string, unknown]>([
    ["an error, of which its own properties are not sent", Object.assign(new Error("text"), { blob })],
    ["a date, of which they are not", Object.assign(new Date(0), { blob })],
    ["what it inherits, which is not", Object.create({ blob })],
    ["errors and maps of another realm", runInNewContext("[new Error('text'), new Map(), { a: 1 }]")],
    // on Node 22 it is no error, and arrives empty
    ...(isNativeError(new DOMException()) ? [["an error of the web", new DOMException("text")] as const] : [])
  ])("is not %s", (_name, value) => {
    assert.doesNotThrow(() => refuse(["ok", 0, value]))
  })

  it("is told by a class in a realm of its own", () => {
    const foreign = runInNewContext(`(${String(refusesEmptied)})()`, { structuredClone, ArrayBuffer, WeakMap, process })
    foreign(runInNewContext("[new (class Held { a = 1 })()]"))
    assert.throws(() => foreign([blob]), "another process would find a Blob empty")
  })

  it("is looked for no longer than in 4,096 values, however many there are", () => {
    let read = 0
    const counted = {
      get one() {
        return read++
      }
    }
    refuse(Array.from({ length: 10_000 }, () => counted))
    assert.isBelow(read, 4096)
    const sparse: Array<unknown> = []
    sparse[2 ** 32 - 2] = blob
    refuse(sparse)
  })
})
