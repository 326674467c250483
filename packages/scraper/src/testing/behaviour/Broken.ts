/** Bodies that end too early, and replies that are hardly HTTP. Over HTTP/2 these end the stream or the connection. */
import * as Behaviour from "../Behaviour.ts"
import * as Content from "../Content.ts"
import * as Representation from "../Representation.ts"

const ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n"

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make("/cut/N/AT/name", "declares N bytes, the connection ends after AT", (exchange, { values, path }) =>
    exchange.send({
      status: 200,
      content: Content.generate(path, Behaviour.count(values.N)),
      cutAt: Behaviour.count(values.AT)
    })
  ),
  Behaviour.make(
    "/cut-once/N/AT/name",
    "as /bytes/N/name, but the first response ends after AT body bytes",
    (exchange, { values, path }) => {
      if (exchange.visit(path) === 1) exchange.cutAt = Behaviour.count(values.AT)
      Representation.answer(exchange, Representation.of(path, Content.generate(path, Behaviour.count(values.N))))
    }
  ),
  Behaviour.make(
    "/cut-first/AT/rest",
    "rest, but its first response ends after AT body bytes (not for /drip, /hold-body, /bomb)",
    (exchange, { values, rest, path, next }) => {
      if (exchange.visit(path) === 1) exchange.cutAt = Behaviour.count(values.AT)
      next(rest)
    }
  ),
  Behaviour.make(
    "/cut-chunked/N/AT/name",
    "as /chunked/N/name, but ends after AT bytes, no last chunk",
    (exchange, { values, path }) =>
      exchange.send({
        status: 200,
        content: Content.generate(path, Behaviour.count(values.N)),
        framing: "chunked",
        cutAt: Behaviour.count(values.AT)
      })
  ),
  Behaviour.make(
    "/reset/N/AT/name",
    "declares N bytes, RST after AT (over TLS: no close_notify)",
    (exchange, { values, path }) =>
      exchange.send({
        status: 200,
        content: Content.generate(path, Behaviour.count(values.N)),
        cutAt: Behaviour.count(values.AT),
        cutBy: "reset"
      })
  ),
  Behaviour.make("/hang-up", "ends the connection without a byte", (exchange) => exchange.cut("end")),
  Behaviour.make("/garbage", "4096 bytes that are no HTTP", (exchange, { path }) =>
    exchange.raw(Content.generate(path, 4096).read(0, 4096))
  ),
  Behaviour.make("/http09/N/name", "N bytes without a head, as HTTP/0.9 did", (exchange, { values, path }) => {
    const size = Behaviour.count(values.N)
    exchange.raw(Content.generate(path, size).read(0, size))
  }),
  Behaviour.make("/lf-only", 'the body "plain\\n"; lines of the head end with LF alone', (exchange) =>
    exchange.raw(`${ok}Content-Length: 6\r\n\r\n`.replaceAll("\r\n", "\n") + "plain\n")
  ),
  Behaviour.make("/two-lengths", "Content-Length 5 and again 6, with 6 bytes", (exchange) =>
    exchange.raw(`${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nplain\n`)
  ),
  Behaviour.make("/length-and-chunked", "Content-Length 3 and 6 bytes in a chunk", (exchange) =>
    exchange.raw(`${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nplain\n\r\n0\r\n\r\n`)
  ),
  Behaviour.make("/bad-chunk", "a chunk whose size is no number", (exchange) =>
    exchange.raw(`${ok}Transfer-Encoding: chunked\r\n\r\nsix\r\nplain\n\r\n0\r\n\r\n`)
  ),
  Behaviour.make("/large-head/N", 'a header field of N bytes, and the body "plain\\n"', (exchange, { values }) => {
    const filler = "x".repeat(Behaviour.count(values.N))
    exchange.send({ status: 200, fields: ["x-large", filler], content: Content.fromBytes("plain\n") })
  }),
  Behaviour.make("/head-too-large", "a head of 1 MiB, more than anybody takes", (exchange) =>
    exchange.raw(`${ok}X-Large: ${"x".repeat(1024 * 1024)}\r\nContent-Length: 6\r\n\r\nplain\n`)
  )
]
