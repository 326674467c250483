import { assert, describe, it } from "@effect/vitest"
import { LaneFault } from "../../../src/session/lane/LaneFault.ts"
import { ResponseParser } from "../../../src/session/lane/ResponseParser.ts"
import type { Headers } from "../../../src/session/lane/ResponseParser.ts"
import { broken, bytesOf, sound } from "./replies.ts"

/** Feeds `reply` in pieces of `size` through one buffer that is overwritten each time. */
const parse = (reply: Buffer, size: number) => {
  const heard: { status?: number; headers?: Headers; body: string } = { body: "" }
  const parser = new ResponseParser({
    onHead: (status, headers) => {
      assert.strictEqual(heard.status, undefined)
      heard.status = status
      heard.headers = headers
    },
    onBody: (chunk) => {
      assert.notStrictEqual(heard.status, undefined)
      assert.notStrictEqual(chunk.length, 0)
      heard.body += chunk.toString("latin1")
    }
  })
  const buffer = Buffer.alloc(Math.max(size, 64) + 64)
  let read = 0
  let fault: LaneFault | undefined
  try {
    while (read < reply.length && !parser.isComplete) {
      // what lies behind the piece would end any head or body
      buffer.fill("\r\n\r\n0\r\n\r\n")
      const length = reply.copy(buffer, 0, read, read + size)
      read += parser.feed(buffer, length)
    }
  } catch (error) {
    if (!(error instanceof LaneFault)) throw error
    fault = error
  }
  return { ...heard, parser, read, fault }
}

const sizes = [1, 2, 3, 7, 20, 1000, 1 << 20]

describe("ResponseParser", () => {
  for (const [what, reply] of Object.entries(sound)) {
    it(`takes ${what}, in pieces of any size, and not a byte beyond`, () => {
      for (const size of sizes) {
        const { body, status, parser, read, fault } = parse(bytesOf(`${reply}HTTP/1.1 500 Next\r\n`), size)
        assert.strictEqual(fault, undefined)
        assert.deepStrictEqual([status, body, parser.isComplete, read], [200, "hi", true, reply.length], `by ${size}`)
      }
    })

    it(`knows that ${what} is cut, wherever it is`, () => {
      for (let length = 0; length < reply.length; length++) {
        const { parser, fault } = parse(bytesOf(reply.slice(0, length)), 1 << 20)
        assert.strictEqual(fault, undefined)
        assert.isFalse(parser.isComplete || parser.finish(), `after ${length} bytes`)
      }
    })
  }

  for (const [what, [code, reply, rest = ""]] of Object.entries(broken)) {
    it(`refuses ${what}, in pieces of any size, at the byte that shows it`, () => {
      for (const size of reply.length > 10_000 ? [1, 1000, 1 << 20] : sizes) {
        assert.strictEqual(parse(bytesOf(reply + rest), size).fault?.code, code, `by ${size}`)
      }
      assert.strictEqual(parse(bytesOf(reply), 1 << 20).fault?.code, code)
      assert.strictEqual(parse(bytesOf(reply.slice(0, -1)), 1 << 20).fault, undefined)
    })
  }

  it("gives a value every octet but NUL and what ends its line", () => {
    const octets = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
      (c) => !/[\0\r\n]/.test(c)
    )
    const value = `<${octets.join("")}>`
    assert.strictEqual(parse(bytesOf(`HTTP/1.1 200 OK\r\nA: ${value}\r\n\r\n`), 5).headers?.["a"], value)
  })

  it("gives the fields in lower case, their values trimmed, and lines of one name as a list", () => {
    const reply = 'HTTP/1.1 200 OK\r\nETag: "a" \r\nSet-Cookie: a=1\r\nset-COOKIE:b=2\r\n__proto__: x\r\nA:\r\n\r\n'
    const { headers } = parse(bytesOf(reply), 5)
    assert.deepStrictEqual(Object.entries(headers ?? {}), [
      ["etag", '"a"'],
      ["set-cookie", ["a=1", "b=2"]],
      ["__proto__", "x"],
      ["a", ""]
    ])
    assert.isTrue(Object.hasOwn(headers ?? {}, "__proto__"))
    assert.isUndefined(headers?.["constructor"])
  })

  it("reads each fold of a value as a blank", () => {
    const reply = "HTTP/1.1 200 OK\r\nA:\r\n \r\n\tb, \t\r\n c\r\n \r\nA: d\r\nB: \r\n\t\r\n\r\n"
    for (const text of [reply, reply.replaceAll("\r\n", "\n")])
      for (const size of sizes)
        assert.deepStrictEqual(Object.entries(parse(bytesOf(text), size).headers ?? {}), [
          ["a", ["b, c", "d"]],
          ["b", ""]
        ])
  })

  // by the square of them it would take minutes
  it("reads many blanks within a value by work that grows as they do", { timeout: 10_000 }, () => {
    const blanks = " ".repeat(65_000)
    const text = (fields: string) => bytesOf(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`)
    for (let count = 0; count < 10; count++) {
      assert.strictEqual(parse(text(`A: b${blanks}c\r\n d`), 1 << 20).headers?.["a"], `b${blanks}c d`)
      assert.strictEqual(parse(text(`Content-Length: 2${blanks}2, 2`), 1 << 20).fault?.message, "several lengths")
    }
  })

  it("gives no body to 204 and 304, whatever length they tell, but then does not use the connection again", () => {
    for (const code of [204, 304]) {
      for (const [fields, reusable] of [
        ["", true],
        ["Content-Length: 0\r\n", true],
        ["Content-Length: 5\r\n", false],
        ["Transfer-Encoding: chunked\r\n", false]
      ] as const) {
        const { parser, body, status } = parse(bytesOf(`HTTP/1.1 ${code} X\r\n${fields}\r\nhello`), 1 << 20)
        assert.deepStrictEqual([status, body, parser.isComplete, parser.reusable], [code, "", true, reusable])
      }
    }
  })

  it("takes a body without length or chunks up to the end of the connection", () => {
    for (const fields of ["", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: ,\r\n"]) {
      const { body, parser } = parse(bytesOf(`HTTP/1.1 200 OK\r\n${fields}\r\nhello\r\n\r\n`), 3)
      assert.deepStrictEqual(
        [body, parser.isComplete, parser.finish(), parser.reusable],
        ["hello\r\n\r\n", false, true, false]
      )
      assert.isTrue(parser.isComplete)
    }
  })

  it("uses a connection again as version and options say", () => {
    for (const [version, connection, reusable] of [
      ["1.1", "", true],
      ["1.1", "Connection: keep-alive\r\n", true],
      ["1.1", "Connection: Close\r\n", false],
      ["1.1", "Connection: x, close ,y\r\n", false],
      ["1.1", "Connection: keep-alive\r\nConnection: close\r\n", false],
      ["1.1", "Connection: closed, not-close\r\n", true],
      ["1.0", "", false],
      ["1.0", "Connection: Keep-Alive\r\n", true],
      ["1.0", "Connection: keep-alive, close\r\n", false],
      ["2.0", "", false],
      ["2.0", "Connection: keep-alive\r\n", true]
    ] as const) {
      const reply = `HTTP/${version} 200 OK\r\n${connection}Content-Length: 2\r\n\r\nhi`
      assert.strictEqual(parse(bytesOf(reply), 9).parser.reusable, reusable, reply)
    }
    const old = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    assert.deepStrictEqual([parse(bytesOf(old), 9).body, parse(bytesOf(old), 9).parser.reusable], ["hi", false])
  })

  it("tells length and coding as they count, and uses no connection again where both were told", () => {
    const chunks = "2\r\nhi\r\n0\r\n\r\n"
    for (const [told, sent, headers, reusable] of [
      ["Transfer-Encoding: Chunked\r\n", chunks, { "transfer-encoding": "Chunked" }, true],
      ["Transfer-Encoding: identity, Chunked\r\n", chunks, { "transfer-encoding": "chunked" }, true],
      ["Transfer-Encoding: ,, chunked , \r\n", chunks, { "transfer-encoding": "chunked" }, true],
      ["Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", chunks, { "transfer-encoding": "chunked" }, false],
      ["Transfer-Encoding: chunked\r\nContent-Length: 9\r\n", chunks, { "transfer-encoding": "chunked" }, false],
      ["Content-Length: 2\r\nTransfer-Encoding: identity\r\n", "hi", { "content-length": "2" }, false]
    ] as const) {
      const { body, parser, ...heard } = parse(bytesOf(`HTTP/1.1 200 OK\r\n${told}\r\n${sent}`), 9)
      assert.deepStrictEqual(
        [body, parser.isComplete, { ...heard.headers }, parser.reusable],
        ["hi", true, headers, reusable]
      )
    }
  })

  it("uses no connection again on which a line ended with LF alone", () => {
    const early = "\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n"
    const reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;a\r\ni\r\n0\r\nX: y\r\n\r\n"
    const parts = (early + reply).split("\r\n")
    // of 0 no line has lost its return
    for (let loose = 0; loose < parts.length; loose++) {
      const text = parts.reduce((before, part, i) => `${before}${i === loose ? "\n" : "\r\n"}${part}`)
      const { body, parser } = parse(bytesOf(text), 9)
      assert.deepStrictEqual(
        [body, parser.isComplete, parser.reusable],
        ["hi", true, loose === 0],
        JSON.stringify(text)
      )
    }
  })

  it("uses no connection again on which a field had a name that is no token, and takes no blank for a part of one", () => {
    for (const size of sizes) {
      const reply = "HTTP/1.1 200 OK\r\nContent-Length \t: 2\r\nA b : c\r\n d\r\n: e\r\n\r\nhi"
      const { headers, body, parser } = parse(bytesOf(reply), size)
      assert.deepStrictEqual({ ...headers }, { "content-length": "2", "a b": "c d", "": "e" })
      assert.deepStrictEqual([body, parser.isComplete, parser.reusable], ["hi", true, false])
    }
    const trailer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n"
    assert.isFalse(parse(bytesOf(trailer), 1 << 20).parser.reusable)
  })

  it("passes over the lines between the status line and the first field that begin with a blank", () => {
    const reply = bytesOf("HTTP/1.1 200 OK\r\n A: b\r\n\tc\r\nB: d\r\n e\r\n\r\n")
    for (const size of sizes) assert.deepStrictEqual(Object.entries(parse(reply, size).headers ?? {}), [["b", "d e"]])
  })

  it("reads how long the server keeps an idle connection", () => {
    for (const [value, idleMs] of [
      ["timeout=5", 5000],
      ["timeout=5, max=100", 5000],
      ["max=100,timeout=7", 7000],
      ["xtimeout=5", undefined],
      ["timeout=", undefined]
    ] as const) {
      const reply = `HTTP/1.1 200 OK\r\nKeep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`
      assert.strictEqual(parse(bytesOf(reply), 1 << 20).parser.idleMs, idleMs, value)
    }
  })

  it("takes a head of exactly 64 KiB, and many fields", () => {
    const start = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    const fields = Array.from({ length: 4000 }, (_, i) => `X-${i}: ${i}\r\n`).join("")
    const room = 65_536 - start.length - fields.length - "F: \r\n\r\n".length
    const reply = bytesOf(`${start}${fields}F: ${"f".repeat(room)}\r\n\r\nhi`)
    assert.strictEqual(reply.length, 65_538)
    for (const size of [1, 4096, 1 << 20]) {
      const { headers, body, fault } = parse(reply, size)
      assert.strictEqual(fault, undefined)
      assert.deepStrictEqual([headers?.["x-3999"], headers?.["f"]?.length, body], ["3999", room, "hi"])
    }
  })

  it("says nothing more once stopped in the midst of a piece", () => {
    const heard: Array<string> = []
    const parser: ResponseParser = new ResponseParser({
      onHead: () => heard.push("head"),
      onBody: () => {
        heard.push("body")
        parser.stop()
      }
    })
    const reply = bytesOf(sound["chunks"] ?? "")
    parser.feed(reply, reply.length)
    parser.feed(reply, reply.length)
    assert.deepStrictEqual(heard, ["head", "body"])
    assert.isFalse(parser.isComplete || parser.finish())
  })

  it("passes on what its listener throws", () => {
    const parser = new ResponseParser({
      onHead: () => {
        throw new Error("mine")
      },
      onBody: () => {}
    })
    const reply = bytesOf(sound["a length"] ?? "")
    assert.throws(() => parser.feed(reply, reply.length), "mine")
  })
})
