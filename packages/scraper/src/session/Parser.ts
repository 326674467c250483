/**
 * Two faults of undici's HTTP/1.1 parser, mended on each connection as it opens:
 *
 * 1. It drops the connection on a 100 (Continue) nobody asked for; RFC 9110 15.2
 *    has a client ignore it. 102 stands in: it is interim too, and passes.
 * 2. It counts white space behind the value of Content-Length as digits, so the
 *    whole body looks cut; RFC 9112 5.1 allows the space.
 */
import type { Socket } from "node:net"
import { parserOf } from "./Undici.ts"

/** The parser as far as it is touched here. */
interface Parser {
  /** Name, value, name, value ... of the head being read. */
  readonly headers: ReadonlyArray<Buffer>
  /** What the head declared; the parser compares the body with it. */
  contentLength: number
  onHeadersComplete: (status: number, upgrade: boolean, keepAlive: boolean) => number
}

const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x09

const mendLength = (parser: Parser) => {
  const { headers } = parser
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.length !== 14 || !isSpace(headers[i + 1]?.at(-1))) continue
    // digits alone are left: llhttp has judged them
    if (headers[i]?.toString("latin1").toLowerCase() === "content-length") {
      parser.contentLength = Number(headers[i + 1]?.toString("latin1"))
    }
  }
}

/** Mends the parser of `socket`; does nothing where it has none (HTTP/2). */
export const mend = (socket: Socket): void => {
  const parser = (socket as unknown as Record<symbol, Parser | undefined>)[parserOf]
  if (parser?.onHeadersComplete === undefined) return
  const { onHeadersComplete } = parser
  parser.onHeadersComplete = (status, upgrade, keepAlive) => {
    mendLength(parser)
    return onHeadersComplete.call(parser, status === 100 ? 102 : status, upgrade, keepAlive)
  }
}
