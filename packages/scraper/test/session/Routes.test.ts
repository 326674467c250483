import { assert, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"

/** What Node has loaded of its own after a program has imported a file of the session. */
const loadedBy = (file: string): ReadonlyArray<string> => {
  const url = new URL(`../../src/session/${file}`, import.meta.url)
  const program = `await import(${JSON.stringify(url.href)}); console.log(JSON.stringify(process.moduleLoadList))`
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" }))
}

it("brings TLS only with the first request over it, and undici with HTTP/2 with the first that the lane does not carry", () => {
  const loaded = loadedBy("HttpSession.ts")
  assert.notInclude(loaded, "NativeModule internal/tls/wrap")
  assert.notInclude(loaded, "NativeModule http2")
  assert.include(loadedBy("Pools.ts"), "NativeModule http2")
})
