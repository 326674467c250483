import * as crypto from "node:crypto"
import { spawn } from "node:child_process"
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fault from "../../../src/session/Fault.ts"
import { StallClock } from "../../../src/session/StallClock.ts"
import { fields, get, Hearer, inPieces, lane, originOf, reset, turns } from "./origin.ts"
import { until } from "../until.ts"
import { broken, bytesOf, sound } from "./replies.ts"

const hi = bytesOf("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
const sessionFolder = new URL("../../../src/session/", import.meta.url)
const reasonOf = ({ error, status, chunks }: Hearer) =>
  Fault.reasonOf(error ?? new Error("no error"), {
    host: "h",
    connectTimeoutMs: 10_000,
    body: status === 0 ? undefined : { received: Buffer.concat(chunks).length, expected: undefined }
  })._tag

describe.each(["http", "https"] as const)("a lane of %s", (scheme) => {
  const origin = originOf(scheme)

  describe("answers", () => {
    for (const size of [1, 7, 20, 1 << 20]) {
      it.effect(`takes sound ones that come ${size === 1 << 20 ? "whole" : `${size} bytes at a time`}`, () =>
        Effect.gen(function* () {
          const replies = Object.entries(sound)
          const { url } = yield* origin((socket, head) =>
            inPieces(socket, bytesOf(replies[Number(head.split(/[/ ]/)[2])]?.[1] ?? ""), size)
          )
          const { lane: l } = yield* lane()
          const all = replies.map(([what], i) =>
            Effect.map(get(l, url, `/${i}`), (heard) => {
              assert.deepStrictEqual([heard.error, heard.status, heard.body], [undefined, 200, "hi"], what)
              assert.deepStrictEqual(heard.calls, ["start", "first", "head", "data", "end"], what)
            })
          )
          yield* Effect.all(all, { concurrency: "unbounded" })
        })
      )

      it.effect(`refuses broken ones that come ${size === 1 << 20 ? "whole" : `${size} bytes at a time`}`, () =>
        Effect.gen(function* () {
          const replies = Object.entries(broken).filter(([, [, reply]]) => size > 20 || reply.length < 1000)
          const { url, open } = yield* origin((socket, head) => {
            const [, reply = "", rest = ""] = replies[Number(head.split(/[/ ]/)[2])]?.[1] ?? []
            inPieces(socket, bytesOf(reply + rest), size)
          })
          const { lane: l } = yield* lane()
          const all = replies.map(([what, [code]], i) =>
            Effect.map(get(l, url, `/${i}`), (heard) => {
              assert.strictEqual(heard.code, code, what)
              assert.strictEqual(reasonOf(heard), "ProtocolError", what)
              assert.strictEqual(heard.calls.at(-1), "error", what)
            })
          )
          yield* Effect.all(all, { concurrency: "unbounded" })
          yield* until(() => open.size === 0)
        })
      )
    }

    it.effect("tells a connection that closes too early by how far the answer came", () =>
      Effect.gen(function* () {
        const cuts = [
          ["", "ConnectError"],
          ["HTTP/1.1 200 OK\r\nCon", "ConnectError"],
          ["HTTP/1.1 103 Early\r\n\r\n", "ConnectError"],
          ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "TruncatedError"],
          ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "TruncatedError"],
          ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", "TruncatedError"],
          ["HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n", "TruncatedError"],
          ["HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\n", "TruncatedError"],
          ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "TruncatedError"],
          ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nhi", "TruncatedError"]
        ] as const
        const { url } = yield* origin((socket, head) => socket.end(cuts[Number(head.split(/[/ ]/)[2])]?.[0] ?? ""))
        const { lane: l } = yield* lane()
        for (const [i, [reply, tag]] of cuts.entries()) {
          const heard = yield* get(l, url, `/${i}`)
          assert.deepStrictEqual([heard.code, reasonOf(heard)], ["UND_ERR_SOCKET", tag], reply)
        }
      })
    )

    it.effect("takes an orderly end for the end of a body without a length, and a reset for a cut", () =>
      Effect.gen(function* () {
        const { url } = yield* origin((socket, head) => {
          socket.write("HTTP/1.1 200 OK\r\n\r\nhello", () => {
            if (!head.includes("reset")) socket.end()
          })
          if (head.includes("reset")) resets.push(() => reset(socket))
        })
        const resets: Array<() => void> = []
        const { lane: l } = yield* lane()
        const whole = yield* get(l, url, "/whole")
        assert.deepStrictEqual([whole.body, whole.error], ["hello", undefined])
        const cut = yield* get(l, url, "/reset", { data: () => resets.pop()?.() })
        assert.deepStrictEqual([cut.body, cut.code, reasonOf(cut)], ["hello", "ECONNRESET", "TruncatedError"])
      })
    )
  })

  describe("requests", () => {
    it.effect("goes out as one head, with the host unless the fields name one", () =>
      Effect.gen(function* () {
        const { url, port, heads } = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane()
        const { lane: single } = yield* lane({ keeps: false })
        for (const [which, path, headers] of [
          [l, "/a?b=%20", ["accept", "*/*", "x", "\xe9"]],
          [l, "/", ["host", "other"]],
          [single, "/", []]
        ] as const) {
          const hearer = new Hearer()
          which.dispatch({ origin: url, path, headers }, hearer)
          yield* Effect.promise(() => hearer.ended)
          assert.strictEqual(hearer.body, "hi")
        }
        assert.deepStrictEqual(heads, [
          `GET /a?b=%20 HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: keep-alive\r\naccept: */*\r\nx: \xe9\r\n\r\n`,
          "GET / HTTP/1.1\r\nhost: other\r\nconnection: keep-alive\r\n\r\n",
          `GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`
        ])
      })
    )

    it.effect("is refused where it could not go out as it is", () =>
      Effect.gen(function* () {
        const { url, accepted } = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane()
        for (const [at, path, headers] of [
          [url, "a", []],
          [url, "", []],
          [url, "/a b", []],
          [url, "/a\r\nx: y", []],
          [url, "/\u010d\u010a", []],
          [url, "/", ["a b", "c"]],
          [url, "/", ["", "c"]],
          [url, "/", ["a", "b\r\nc: d"]],
          [url, "/", ["a", "\u010d\u010a"]],
          [url, "/", ["a", "\0"]],
          ["ftp://127.0.0.1", "/", []],
          ["nonsense", "/", []]
        ] as const) {
          const hearer = new Hearer()
          l.dispatch({ origin: at, path, headers }, hearer)
          assert.deepStrictEqual([hearer.calls, hearer.code], [["error"], "UND_ERR_INVALID_ARG"], path)
        }
        yield* turns
        assert.strictEqual(accepted(), 0)
      })
    )
  })

  describe("connections", () => {
    it.effect("serve one request after another, and no more at a time than allowed, in order", () =>
      Effect.gen(function* () {
        const asked: Array<Socket> = []
        let most = 0
        const up = yield* origin((socket, _, nth) => {
          most = Math.max(most, asked.push(socket))
          // no answer before all connections are busy
          if (asked.length === 3 || nth === 199) for (const one of asked.splice(0)) one.write(hi)
        })
        const { lane: l } = yield* lane({ connections: 3 })
        const started: Array<number> = []
        const paths = Array.from({ length: 200 }, (_, i) => i)
        const all = paths.map((i) => get(l, up.url, `/${i}`, { start: () => started.push(i) }))
        const heard = yield* Effect.all(all, { concurrency: "unbounded" })
        assert.isTrue(heard.every(({ body }) => body === "hi"))
        assert.deepStrictEqual([up.accepted(), most], [3, 3])
        assert.deepStrictEqual(started, paths)
        assert.strictEqual(up.heads.length, 200)
      })
    )

    it.effect("are one for requests that follow one another", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane({ connections: 3 })
        for (let i = 0; i < 50; i++) assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
        assert.strictEqual(up.accepted(), 1)
      })
    )

    it.effect("are not used again where the answer says so, or the lane", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket, head) =>
          socket.write(
            head.includes("/close") ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi" : hi
          )
        )
        const { lane: kept } = yield* lane()
        for (let i = 0; i < 3; i++) assert.strictEqual((yield* get(kept, up.url, "/close")).body, "hi")
        assert.strictEqual(up.accepted(), 3)
        const { lane: single } = yield* lane({ keeps: false })
        for (let i = 0; i < 3; i++) assert.strictEqual((yield* get(single, up.url, "/")).body, "hi")
        assert.strictEqual(up.accepted(), 6)
        yield* until(() => up.open.size === 0)
      })
    )

    for (const [what, extra] of [
      ["bytes", "EXTRA"],
      ["a second answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"],
      ["a blank line", "\r\n"]
    ] as const) {
      it.effect(`end with ${what} behind an answer, which nothing else is given`, () =>
        Effect.gen(function* () {
          const up = yield* origin((socket) => socket.write(Buffer.concat([hi, bytesOf(extra)])))
          const { lane: l } = yield* lane({ connections: 1 })
          const all = Array.from({ length: 5 }, () => get(l, up.url, "/"))
          const heard = yield* Effect.all(all, { concurrency: "unbounded" })
          assert.deepStrictEqual(
            heard.map(({ body, error }) => [body, error]),
            heard.map(() => ["hi", undefined])
          )
          assert.strictEqual(up.accepted(), 5)
        })
      )

      it.effect(`end with ${what} that come while they are idle`, () =>
        Effect.gen(function* () {
          const up = yield* origin((socket) => socket.write(hi))
          const { lane: l } = yield* lane({ connections: 1 })
          assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
          for (const socket of up.open) socket.write(extra)
          yield* until(() => up.open.size === 0)
          assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
          assert.strictEqual(up.accepted(), 2)
        })
      )
    }

    it.effect("that the server closes while idle are not used", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane()
        yield* get(l, up.url, "/")
        for (const socket of up.open) socket.end()
        yield* until(() => up.open.size === 0)
        assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
        assert.strictEqual(up.accepted(), 2)
      })
    )

    it.effect(
      "that close under a second request tell so, by the count of answers, and bring nothing to the others",
      () =>
        Effect.gen(function* () {
          const up = yield* origin((socket, _, nth) => (nth === 0 ? socket.write(hi) : socket.destroy()))
          const { lane: l } = yield* lane({ connections: 1 })
          const first = yield* get(l, up.url, "/", { head: () => undefined })
          assert.strictEqual(first.connection?.answered, 0)
          if (first.connection !== undefined) first.connection.answered++
          const second = yield* get(l, up.url, "/")
          assert.deepStrictEqual(second.calls, ["start", "error"])
          assert.strictEqual(second.connection?.answered, 1)
          const third = yield* get(l, up.url, "/")
          assert.strictEqual(third.connection?.answered, 0)
        })
    )

    it.effect("are closed before the server's own time for idle ones runs out", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) =>
          socket.write("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\nhi")
        )
        const { lane: l } = yield* lane()
        assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
        yield* until(() => up.open.size === 0)
        assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
        assert.strictEqual(up.accepted(), 2)
      })
    )

    it.effect("are not used again once their idle time is over, swept or not", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) =>
          socket.write("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi")
        )
        const { lane: l } = yield* lane()
        for (let i = 0; i < 3; i++) {
          assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
          yield* turns
        }
        assert.strictEqual(up.accepted(), 3)
      })
    )

    it.effect("leave nothing behind when the last of an origin is gone", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.end(hi))
        const { lane: l } = yield* lane()
        const heard = yield* get(l, up.url, "/", { end: () => assert.strictEqual(l.origins, 1) })
        assert.strictEqual(heard.body, "hi")
        yield* until(() => l.origins === 0)
      })
    )

    it.effect("are not used again while the request is still on its way out", () =>
      Effect.gen(function* () {
        const up = yield* origin(
          (socket) => socket.write(hi),
          (socket) => {
            if (up.accepted() > 1) return
            socket.once("data", () => {
              socket.pause()
              socket.write(hi)
            })
          }
        )
        const { lane: l } = yield* lane({ connections: 1 })
        const large = new Hearer()
        l.dispatch({ origin: up.url, path: "/", headers: ["x", "x".repeat(32 << 20)] }, large)
        yield* Effect.promise(() => large.ended)
        assert.strictEqual(large.body, "hi")
        assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
        assert.strictEqual(up.accepted(), 2)
      })
    )

    it.effect("do not keep a process alive while idle", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) =>
          socket.write("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=600\r\nContent-Length: 2\r\n\r\nhi")
        )
        const script = `
          import { createSecureContext } from "node:tls"
          import { DnsCache } from "./DnsCache.ts"
          import * as Dial from "./lane/Dial.ts"
          import { Lane } from "./lane/Lane.ts"
          import { Resting } from "./Resting.ts"
          import { StallClock } from "./StallClock.ts"
          const settings = { clock: new StallClock(50), dns: new DnsCache(), connectTimeoutMs: 10_000, denyPrivate: false, tls: { rejectUnauthorized: false, context: () => createSecureContext() } }
          const dials = { "http:": Dial.plain(settings), "https:": Dial.secure(settings) }
          const lane = new Lane({ dials, connections: 1, keeps: true, resting: new Resting(1) })
          lane.dispatch({ origin: "${up.url}", path: "/", headers: [] }, { onResponseEnd: () => console.log("end") })
        `.replaceAll(/"(\.[^"]+)"/g, (_, at: string) => `"${new URL(at, sessionFolder).href}"`)
        const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "pipe" })
        let heard = ""
        child.stdout.on("data", (chunk) => (heard += chunk))
        child.stderr.on("data", (chunk) => (heard += chunk))
        let code: number | null | undefined
        child.on("close", (exit) => (code = exit))
        yield* until(() => code !== undefined)
        assert.deepStrictEqual([heard, code], ["end\n", 0])
      })
    )

    it.effect("that cannot be made fail one request each", () =>
      Effect.gen(function* () {
        const down = yield* Effect.scoped(origin(() => {}))
        const { lane: l } = yield* lane({ connections: 2 })
        const all = Array.from({ length: 7 }, () => get(l, down.url, "/"))
        for (const heard of yield* Effect.all(all, { concurrency: "unbounded" })) {
          assert.deepStrictEqual(
            [heard.calls, heard.code, reasonOf(heard)],
            [["error"], "ECONNREFUSED", "ConnectError"]
          )
        }
      })
    )

    it.effect("that speak or close before they are asked fail one request each", () =>
      Effect.gen(function* () {
        for (const [greet, tag] of [
          [(socket: Socket) => socket.write("SSH-2.0-x\r\n"), "ProtocolError"],
          [(socket: Socket) => socket.end(), "ConnectError"],
          [(socket: Socket) => reset(socket), "ConnectError"]
        ] as const) {
          const up = yield* origin(() => {}, greet)
          const { lane: l } = yield* lane({ connections: 2 })
          const all = Array.from({ length: 5 }, () => get(l, up.url, "/"))
          for (const heard of yield* Effect.all(all, { concurrency: "unbounded" }))
            assert.strictEqual(reasonOf(heard), tag)
        }
      })
    )

    it.effect("are judged by the guard, whether the host is a name or an address", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane({
          denyPrivate: true,
          resolve: (_, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }])
        })
        for (const host of ["127.0.0.1", "[::1]", "named.example"]) {
          const heard = yield* get(l, `${scheme}://${host}:${up.port}`, "/")
          assert.deepStrictEqual([heard.code, reasonOf(heard)], ["EDENIED", "AddressError"])
        }
        assert.strictEqual(up.accepted(), 0)
      })
    )

    it.effect("are tried at every address of a name", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => inPieces(socket, hi, 3))
        const { lane: l } = yield* lane({
          resolve: (_, callback) =>
            callback(null, [
              { address: "127.0.0.2", family: 4 },
              { address: "127.0.0.1", family: 4 }
            ])
        })
        assert.strictEqual((yield* get(l, `${scheme}://named.example:${up.port}`, "/")).body, "hi")
      })
    )

    it.effect("have more time for an address of several than the loop may be busy", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => inPieces(socket, hi, 3))
        // Node's own timer gives an address up after half a second
        const block = () => {
          for (const until = performance.now() + 700; performance.now() < until;);
        }
        const { lane: l } = yield* lane({
          resolve: (_, callback) => {
            callback(null, [
              { address: "127.0.0.1", family: 4 },
              { address: "127.0.0.2", family: 4 }
            ])
            // once the first address is tried
            process.nextTick(() => process.nextTick(block))
          }
        })
        assert.strictEqual((yield* get(l, `${scheme}://named.example:${up.port}`, "/")).body, "hi")
      })
    )

    it.effect("that a resolver refuses say so", () =>
      Effect.gen(function* () {
        const { lane: l } = yield* lane({
          resolve: (_, callback) => callback(Object.assign(new Error("no"), { code: "EAI_AGAIN" }), [])
        })
        assert.strictEqual(reasonOf(yield* get(l, `${scheme}://named.example`, "/")), "DnsError")
      })
    )

    it.effect("must be made in their time", () =>
      Effect.gen(function* () {
        const clock = new StallClock(1000)
        let asked = false
        const { lane: l } = yield* lane({ clock, resolve: () => void (asked = true) })
        const hearer = new Hearer()
        l.dispatch({ origin: `${scheme}://named.example`, path: "/", headers: fields }, hearer)
        yield* until(() => asked)
        for (let i = 0; i < 10; i++) clock.sweep()
        yield* turns
        assert.deepStrictEqual(hearer.calls, [])
        clock.sweep()
        yield* Effect.promise(() => hearer.ended)
        assert.strictEqual(reasonOf(hearer), "TimeoutError")
      })
    )

    it.effect("rest in bounded number over all origins: the longest resting go", () =>
      Effect.gen(function* () {
        const { lane: l } = yield* lane({ mostResting: 3 })
        const all = yield* Effect.replicateEffect(
          origin((socket) => socket.write("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nhi")),
          8
        )
        const [first, ...others] = all
        const left = () => all.flatMap(({ open }, index) => (open.size === 0 ? [] : [index]))
        for (const { url } of others) yield* get(l, url, "/")
        yield* until(() => left().length === 3)
        assert.deepStrictEqual(left(), [5, 6, 7])
        // one that is used rests anew
        yield* get(l, others[4]!.url, "/")
        yield* get(l, first!.url, "/")
        yield* until(() => left().length === 3)
        assert.deepStrictEqual(left(), [0, 5, 7])
        yield* until(() => l.origins === 3)
        assert.strictEqual(others[4]!.accepted(), 1)
      })
    )
  })

  describe("abort", () => {
    const phases = ["start", "first", "head", "data", "end"]
    const givenUp = new Error("given up")
    const slow = (socket: Socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", () =>
        setTimeout(() => socket.write("world"), 1)
      )
    }

    const atOnce = (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhelloworld")

    for (const [whole, answer] of [
      ["whole", atOnce],
      ["half", slow]
    ] as const) {
      for (const how of ["abort", "throw"] as const) {
        for (const [index, phase] of phases.entries()) {
          it.effect(
            `by ${how} in "${phase}", the answer being there ${whole}, is the last that is heard, and leaves the lane whole`,
            () =>
              Effect.gen(function* () {
                const up = yield* origin(answer)
                const { lane: l } = yield* lane({ connections: 1 })
                const act = (controller: { abort: (reason: Error) => void }) => {
                  if (how === "throw") throw givenUp
                  controller.abort(givenUp)
                  controller.abort(givenUp)
                }
                const before = yield* get(l, up.url, "/", { [phase]: act })
                const isOver = phase === "end"
                const calls = phases.slice(0, index + 1)
                if (!isOver || how === "throw") calls.push("error")
                assert.deepStrictEqual(before.calls, calls)
                assert.strictEqual(before.error, calls.includes("error") ? givenUp : undefined)
                const after = yield* get(l, up.url, "/")
                assert.strictEqual(after.body, "helloworld")
                yield* turns
                assert.deepStrictEqual(before.calls, calls)
                // a request that did not go out, or is over, costs no connection
                assert.strictEqual(up.accepted(), phase === "start" || isOver ? 1 : 2)
                yield* until(() => up.open.size === 1)
              })
          )
        }
      }
    }

    it.effect("between two reads ends the connection", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"))
        const { lane: l } = yield* lane()
        const hearer = new Hearer()
        l.dispatch({ origin: up.url, path: "/", headers: fields }, hearer)
        yield* until(() => hearer.body === "hello")
        hearer.controller?.abort(givenUp)
        assert.deepStrictEqual(hearer.calls, ["start", "first", "head", "data", "error"])
        yield* until(() => up.open.size === 0)
      })
    )

    it.effect("before the first byte ends the connection", () =>
      Effect.gen(function* () {
        const up = yield* origin(() => {})
        const { lane: l } = yield* lane()
        const hearer = new Hearer()
        l.dispatch({ origin: up.url, path: "/", headers: fields }, hearer)
        yield* until(() => up.heads.length === 1)
        hearer.controller?.abort(givenUp)
        assert.deepStrictEqual(hearer.calls, ["start", "error"])
        yield* until(() => up.open.size === 0)
      })
    )

    it.effect("after the end does not touch the next request on the connection", () =>
      Effect.gen(function* () {
        const up = yield* origin(slow)
        const { lane: l } = yield* lane({ connections: 1 })
        const first = yield* get(l, up.url, "/")
        const second = yield* get(l, up.url, "/", {
          head: () => {
            first.controller?.pause()
            first.controller?.abort(givenUp)
          }
        })
        assert.deepStrictEqual([second.body, first.error, up.accepted()], ["helloworld", undefined, 1])
      })
    )

    it.effect("lets a request that is sent from within it come after those that wait", () =>
      Effect.gen(function* () {
        const up = yield* origin(slow)
        const { lane: l } = yield* lane({ connections: 1 })
        const again = new Hearer()
        const all = [
          get(l, up.url, "/1", {
            head: (controller) => controller.abort(givenUp),
            error: () => l.dispatch({ origin: up.url, path: "/3", headers: fields }, again)
          }),
          get(l, up.url, "/2")
        ]
        yield* Effect.all(all, { concurrency: "unbounded" })
        yield* Effect.promise(() => again.ended)
        assert.strictEqual(again.body, "helloworld")
        assert.deepStrictEqual(
          up.heads.map((head) => head.slice(4, 6)),
          ["/1", "/2", "/3"]
        )
      })
    )
  })

  describe("pause", () => {
    it.effect("stops the reading, and resume goes on without a byte lost", () =>
      Effect.gen(function* () {
        const body = crypto.randomBytes(16 << 20)
        const up = yield* origin((socket) => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
          socket.write(body)
        })
        const { lane: l } = yield* lane()
        const hearer = new Hearer({
          head: (controller) => controller.pause(),
          data: (controller) => controller.pause()
        })
        l.dispatch({ origin: up.url, path: "/", headers: fields }, hearer)
        yield* until(() => hearer.status === 200)
        let pauses = 0
        while (!hearer.calls.includes("end")) {
          const { length } = hearer.chunks
          yield* turns
          assert.isAtMost(hearer.chunks.length, length)
          pauses++
          hearer.controller?.resume()
          yield* until(() => hearer.chunks.length > length || hearer.calls.includes("end"))
        }
        assert.isAbove(pauses, 16)
        assert.isTrue(Buffer.concat(hearer.chunks).equals(body))
        // it paused in the last chunk: the connection must hear again
        assert.strictEqual((yield* get(l, up.url, "/", {})).chunks.length > 0, true)
        assert.strictEqual(up.accepted(), 1)
      })
    )

    for (const [what, reply, closes, ending] of [
      ["a length", "Content-Length: 2\r\n\r\nhi", false, "end"],
      ["a length, and a close", "Content-Length: 2\r\n\r\nhi", true, "end"],
      ["a chunk", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", false, "end"],
      ["no length", "\r\nhi", true, "end"],
      ["a length too long", "Content-Length: 3\r\n\r\nhi", true, "error"]
    ] as const) {
      it.effect(`holds back what was read with it and the end, for ${what}`, () =>
        Effect.gen(function* () {
          const up = yield* origin((socket) => {
            socket.write(`HTTP/1.1 200 OK\r\n${reply}`)
            if (closes) socket.end()
          })
          const { lane: l } = yield* lane()
          const pause = (controller: { pause: () => void }) => controller.pause()
          const hearer = new Hearer({ head: pause, data: pause })
          l.dispatch({ origin: up.url, path: "/", headers: fields }, hearer)
          yield* until(() => hearer.status === 200)
          yield* turns
          assert.deepStrictEqual(hearer.calls, ["start", "first", "head"])
          hearer.controller?.resume()
          yield* until(() => hearer.body === "hi")
          yield* turns
          assert.deepStrictEqual(hearer.calls, ["start", "first", "head", "data"])
          hearer.controller?.resume()
          yield* Effect.promise(() => hearer.ended)
          assert.deepStrictEqual(hearer.calls, ["start", "first", "head", "data", ending])
          // the idle connection is heard again
          for (const socket of up.open) socket.end()
          yield* until(() => up.open.size === 0 && l.origins === 0)
        })
      )
    }

    it.effect("and resume at once, in a callback, change nothing", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane()
        const hop = (controller: { pause: () => void; resume: () => void }) => {
          controller.pause()
          controller.resume()
        }
        for (let i = 0; i < 3; i++) {
          const heard = yield* get(l, up.url, "/", { start: hop, first: hop, head: hop, data: hop, end: hop })
          assert.deepStrictEqual([heard.body, heard.calls], ["hi", ["start", "first", "head", "data", "end"]])
        }
        assert.strictEqual(up.accepted(), 1)
      })
    )

    it.effect("by a request that is then not sent does not hold up the next on the connection", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane({ connections: 1 })
        const givenUp = new Error("given up")
        const first = yield* get(l, up.url, "/", {
          start: (controller) => {
            controller.pause()
            controller.abort(givenUp)
          }
        })
        assert.strictEqual(first.error, givenUp)
        assert.strictEqual((yield* get(l, up.url, "/")).body, "hi")
        assert.strictEqual(up.accepted(), 1)
      })
    )

    it.effect("and abort end the connection", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.end(hi))
        const { lane: l } = yield* lane()
        const hearer = new Hearer({ head: (controller) => controller.pause() })
        l.dispatch({ origin: up.url, path: "/", headers: fields }, hearer)
        yield* until(() => hearer.status === 200)
        yield* turns
        hearer.controller?.abort(new Error("given up"))
        hearer.controller?.resume()
        yield* until(() => up.open.size === 0 && l.origins === 0)
        assert.deepStrictEqual(hearer.calls, ["start", "first", "head", "error"])
      })
    )

    it.effect("before the request has its answer holds the answer back", () =>
      Effect.gen(function* () {
        const up = yield* origin((socket) => socket.write(hi))
        const { lane: l } = yield* lane()
        const hearer = new Hearer({ start: (controller) => controller.pause() })
        l.dispatch({ origin: up.url, path: "/", headers: fields }, hearer)
        yield* until(() => up.heads.length === 1)
        yield* turns
        assert.deepStrictEqual(hearer.calls, ["start"])
        hearer.controller?.resume()
        yield* Effect.promise(() => hearer.ended)
        assert.strictEqual(hearer.body, "hi")
      })
    )
  })

  describe("destroy", () => {
    for (const phase of ["start", "first", "head", "data", "end"]) {
      it.effect(`in "${phase}" ends every request and connection`, () =>
        Effect.gen(function* () {
          const up = yield* origin((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
          const { lane: l } = yield* lane({ connections: 1 })
          const all = [get(l, up.url, "/1", { [phase]: () => l.destroy() }), get(l, up.url, "/2"), get(l, up.url, "/3")]
          const [first, ...others] = yield* Effect.all(all, { concurrency: "unbounded" })
          assert.strictEqual(first?.code, phase === "end" ? undefined : "UND_ERR_DESTROYED")
          for (const other of others)
            assert.deepStrictEqual([other.calls, other.code], [["error"], "UND_ERR_DESTROYED"])
          yield* until(() => up.open.size === 0)
          const late = yield* get(l, up.url, "/4")
          assert.deepStrictEqual([late.calls, late.code], [["error"], "UND_ERR_DESTROYED"])
          yield* turns
          assert.isAtMost(up.accepted(), 1)
          for (const heard of [...others, late]) assert.strictEqual(heard.calls.length, 1)
        })
      )
    }

    it.effect("while a connection is being made ends that too", () =>
      Effect.gen(function* () {
        let asked = false
        const { lane: l } = yield* lane({ resolve: () => void (asked = true) })
        const hearer = new Hearer()
        l.dispatch({ origin: `${scheme}://named.example`, path: "/", headers: fields }, hearer)
        yield* until(() => asked)
        l.destroy()
        assert.deepStrictEqual([hearer.calls, hearer.code], [["error"], "UND_ERR_DESTROYED"])
        yield* turns
        assert.deepStrictEqual(hearer.calls, ["error"])
      })
    )
  })
})
