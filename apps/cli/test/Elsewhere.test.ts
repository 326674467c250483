import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as InProcess from "./InProcess.ts"

const login = "`https://USER:PASSWORD@HOST/` logs in, and so does `-H 'Authorization: ...'`"

describe("a flag of another program", () => {
  it.effect.each<readonly [line: string, ...hints: ReadonlyArray<string>]>([
    ["get --user me", login],
    ["get -u me:secret", login],
    ["get --netrc", "digest authentication and .netrc are not there; `https://USER:PASSWORD@HOST/` is"],
    ["get -w 2", "did you mean `--json` or `--delay`?"],
    ["get -e robots=off", "did you mean `-H 'Referer: URL'` or `--no-robots`?"],
    ["get -nd", "did you mean `--flat`?"],
    ["crawl -np", "did you mean `--scope path`?"],
    ["get -np", "did you mean `simul crawl --scope path`?"],
    ["get -nc", "what is saved is skipped without a flag"],
    ["crawl -l2", "did you mean `--depth`?"],
    ["crawl -I /docs", "did you mean `--include`?", "HEAD requests and dry runs are not there"],
    ["get --spider", "HEAD requests and dry runs are not there"],
    ["get -d a=b", "did you mean `--out DIR`?", "requests are GET: nothing is posted or uploaded"],
    ["get -p", "without a flag `simul crawl` takes what pages need to be shown"],
    ["get -s", "did you mean `-q`?", "parts of files are not there: each comes whole"],
    ["crawl -E", "files are named by their URLs", "client certificates are not there"],
    ["get --socks5 localhost:1080", "did you mean `--proxy socks5://HOST:PORT`?"],
    ["get --http-accept-gzip=true", "compressed answers are asked for, and decoded, without a flag"]
  ])("has what is the same here, or a word of why there is none: simul %s", ([line, ...hints]) =>
    Effect.gen(function* () {
      const { status, stderr } = yield* InProcess.run([...line.split(" "), "https://a.example/"])
      assert.strictEqual(status, 2)
      const told = [...stderr.matchAll(/^hint: (.*)/gm)].map(([, hint]) => hint!)
      assert.strictEqual(told.length, hints.length + 1, stderr)
      for (const [at, hint] of hints.entries()) assert.isTrue(told[at]!.startsWith(hint), stderr)
    })
  )

  it.effect("is no word of an object's own", () =>
    Effect.map(InProcess.run(["get", "constructor", "-q"]), ({ status, stderr }) => {
      assert.strictEqual(status, 2)
      assert.include(stderr, "constructor")
      assert.notInclude(stderr, "unexpected")
    })
  )
})
