import { assert, describe, it } from "@effect/vitest"
import { described } from "../../src/executor/Described.ts"

const named = (name: unknown) => Object.defineProperty(() => {}, "name", { value: name })
const revoked = (of: object) => {
  const { proxy, revoke } = Proxy.revocable(of, {})
  revoke()
  return proxy
}
const throwing = (key: PropertyKey, on: object = {}) =>
  Object.defineProperty(on, key, {
    get: () => {
      throw new Error("not to be read")
    }
  })

describe("described", () => {
  it.each([
    ["text as it is", "text", "text"],
    ["a symbol", Symbol("here"), "Symbol(here)"],
    ["a function by its name", parseInt, "the function parseInt"],
    ["a function without one", (() => () => {})(), "the function without a name"],
    ["an array by its length", [1, 2], "an array of length 2"],
    ["an object by its kind", new Map(), "[object Map]"],
    ["data as data, whatever its fields are called", { url: "https://a.example", name: "lamp" }, "[object Object]"],
    ["data that is not to be read", throwing("url", { name: "lamp" }), "[object Object]"]
  ] as const)("shows %s", (_, value, text) => {
    assert.strictEqual(described(value), text)
  })

  it.each([
    ["text", "x".repeat(1e5)],
    ["a symbol", Symbol("x".repeat(1e5))],
    ["the name of a function", named("x".repeat(1e5))],
    ["the kind of an object", { [Symbol.toStringTag]: "x".repeat(1e5) }]
  ] as const)("cuts %s", (_, value) => {
    assert.match(described(value), /^.{100}\.\.\.$/)
  })

  it.each([
    ["a proxy without its object", revoked({})],
    ["a function's proxy without it", revoked(() => {})],
    ["a function whose name throws", throwing("name", () => {})],
    ["a function whose name is no text", named(Symbol("name"))],
    ["an object whose kind throws", throwing(Symbol.toStringTag)]
  ] as const)("says that it cannot show %s", (_, value) => {
    assert.strictEqual(described(value), "something that cannot be shown")
  })
})
