/** What the receivers of real exchanges hear of their connections. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Receiver } from "../../src/Session.ts"
import { Site } from "../../src/testing/index.ts"
import { session } from "./loopback.ts"

/** Opens one exchange after the other, and gives what each receiver heard in order: phases in parentheses. */
const heard = (urls: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { open } = yield* session(
      { insecure: true, perHost: 1 },
      {
        resolve: (host, callback) =>
          setImmediate(() =>
            host === "nowhere.test"
              ? callback(Object.assign(new Error("no"), { code: "ENOTFOUND" }), [])
              : callback(null, [{ address: "127.0.0.1", family: 4 }])
          )
      }
    )
    return yield* Effect.forEach(urls, (url) =>
      Effect.callback<string>((resume) => {
        const said: Array<string> = []
        let lastMs = -Infinity
        const end = (word: string) => resume(Effect.succeed([...said, word].join(" ")))
        const receiver: Receiver = {
          onOpening: (marks) => {
            for (const { atMs } of marks) {
              assert.isAtLeast(atMs, lastMs)
              lastMs = atMs
            }
            said.push(`(${marks.map(({ phase }) => phase).join(" ")})`)
          },
          onSent: () => said.push("sent"),
          onAgain: () => said.push("again"),
          onHead: ({ status }) => said.push(String(status)),
          onData: () => {},
          onEnd: () => end("end"),
          onError: ({ _tag }) => end(_tag)
        }
        open({ url }, receiver)
      })
    )
  })

describe.each([
  ["http", false, "(dns connect open)", "(connect open)"],
  ["https", true, "(dns connect tls open)", "(connect tls open)"]
] as const)("an exchange of %s", (_, tls, byName, byAddress) => {
  it.live("tells how its connection came to be, once, and each hop", () =>
    Effect.gen(function* () {
      const site = yield* Effect.acquireRelease(
        Effect.promise(() => Site.start({ tls })),
        (started) => Effect.promise(() => started.close())
      )
      const named = (path: string) => site.url(path).replace("127.0.0.1", "here.test")
      const said = yield* heard([
        named("/bytes/10/a"),
        named("/bytes/10/b"),
        site.url("/redirect/1/bytes/10/c"),
        named("/hang-up").replace("here", "nowhere")
      ])
      assert.deepStrictEqual(said, [
        `${byName} sent 200 end`,
        "sent 200 end",
        `${byAddress} sent again sent 200 end`,
        "(dns) DnsError"
      ])
    }).pipe(Effect.scoped)
  )
})
