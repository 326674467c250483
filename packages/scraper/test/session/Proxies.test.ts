import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Proxies from "../../src/session/Proxies.ts"

const choices = (variables: Record<string, string>, ...urls: ReadonlyArray<string>) =>
  Effect.map(Proxies.choose(undefined, variables), (choose) => urls.map((url) => choose(new URL(url).origin)?.origin))

describe("Proxies", () => {
  it.effect("takes the option for everything, loopback and NO_PROXY too", () =>
    Effect.gen(function* () {
      const choose = yield* Proxies.choose("http://p.test:3128", { NO_PROXY: "*" })
      assert.strictEqual(choose("http://127.0.0.1")?.origin, "http://p.test:3128")
      assert.strictEqual(choose("https://a.test")?.origin, "http://p.test:3128")
    })
  )

  it("knows whether there is any, by an option or the environment", () => {
    for (const [option, variables, areThere] of [
      ["p.test", {}, true],
      [undefined, { all_proxy: "p.test" }, true],
      [undefined, { HTTPS_PROXY: "p.test" }, true],
      [undefined, { NO_PROXY: "*", HTTP_PROXY: "" }, false]
    ] as const)
      assert.strictEqual(Proxies.areNamed(option, variables), areThere)
  })

  it.effect("reads credentials, kinds and default ports", () =>
    Effect.gen(function* () {
      const one = (text: string) =>
        Effect.map(Proxies.choose(text, {}), (choose) => choose("http://a.test") as Proxies.Proxy)
      const http = yield* one("http://u%40:p%3a@p.test")
      assert.deepStrictEqual(
        [http.protocol, http.hostname, http.port, http.username, http.password],
        ["http:", "p.test", 80, "u@", "p:"]
      )
      assert.strictEqual(http.authorization, `Basic ${Buffer.from("u@:p:").toString("base64")}`)
      assert.strictEqual(http.origin, "http://p.test")
      const bare = yield* one("p.test:3128")
      assert.deepStrictEqual([bare.protocol, bare.hostname, bare.port], ["http:", "p.test", 3128])
      const secure = yield* one("https://[::1]")
      assert.deepStrictEqual([secure.protocol, secure.hostname, secure.port], ["https:", "::1", 443])
      for (const name of ["socks", "socks5", "socks5h"]) {
        const socks = yield* one(`${name}://p.test`)
        assert.deepStrictEqual([socks.protocol, socks.port], ["socks5:", 1080])
      }
    })
  )

  it.effect("refuses what is no proxy, by the name of its option, without the password", () =>
    Effect.gen(function* () {
      const fault = yield* Effect.flip(Proxies.choose("ftp://user:secret@p.test", {}))
      assert.deepStrictEqual([fault.option, fault.value], ["--proxy", "ftp://***@p.test"])
      const other = yield* Effect.flip(Proxies.choose(undefined, { https_proxy: "http://user:sec@ret@:x" }))
      assert.strictEqual(other.option, "HTTPS_PROXY")
      assert.notInclude(other.message, "sec")
      const empty = yield* Effect.flip(Proxies.choose("http://", {}))
      assert.strictEqual(empty.option, "--proxy")
    })
  )

  it.effect("chooses by scheme, with ALL_PROXY for the rest, lower case first", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* choices({ HTTP_PROXY: "http://h.test", HTTPS_PROXY: "http://s.test" }, "http://a/", "https://a/"),
        ["http://h.test", "http://s.test"]
      )
      assert.deepStrictEqual(yield* choices({ http_proxy: "http://h.test" }, "http://a/", "https://a/"), [
        "http://h.test",
        undefined
      ])
      assert.deepStrictEqual(
        yield* choices(
          { ALL_PROXY: "http://all.test", http_proxy: "http://l.test", HTTP_PROXY: "http://u.test" },
          "http://a/",
          "https://a/"
        ),
        ["http://l.test", "http://all.test"]
      )
      assert.deepStrictEqual(yield* choices({ HTTP_PROXY: "" }, "http://a/"), [undefined])
    })
  )

  const cases: ReadonlyArray<readonly [list: string, host: string, port: number, exempt: boolean]> = [
    ["*", "a.test", 80, true],
    ["a.test", "a.test", 80, true],
    ["a.test", "A.TEST.", 80, true],
    ["a.test", "b.a.test", 80, true],
    ["a.test", "ba.test", 80, false],
    [".a.test", "a.test", 80, true],
    [".a.test", "b.a.test", 80, true],
    ["*.a.test", "b.a.test", 80, true],
    ["*.a.test", "a.test", 80, false],
    ["a.test:81", "a.test", 80, false],
    ["a.test:81", "a.test", 81, true],
    ["x,  a.test y", "a.test", 80, true],
    ["127.0.0.1", "127.0.0.1", 80, true],
    ["10.0.0.0/8", "10.200.3.4", 80, true],
    ["10.0.0.0/8", "11.0.0.1", 80, false],
    ["10.0.0.0/99", "10.0.0.1", 80, false],
    ["::1", "::1", 80, true],
    ["[::1]", "::1", 80, true],
    ["[::1]:443", "::1", 80, false],
    ["[::1]:443", "::1", 443, true],
    ["fd00::/8", "fd12::1", 80, true],
    ["", "localhost", 80, false],
    ["other", "127.0.0.1", 80, false]
  ]
  for (const [list, host, port, expected] of cases) {
    it(`NO_PROXY ${JSON.stringify(list)} ${expected ? "exempts" : "does not exempt"} ${host}:${port}`, () =>
      assert.strictEqual(Proxies.exempt(list)(host, port), expected))
  }
})
