/**
 * One request that a site is about to answer: what was asked, and the ways to
 * answer it well or badly, over HTTP/1.1 and HTTP/2 alike.
 *
 * An exchange is over when its response is, or when the site ends the
 * connection; `onOver` hears of it once.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import { constants } from "node:http2"
import type { ServerHttp2Stream } from "node:http2"
import type { Socket } from "node:net"
import type { Content } from "./Content.ts"
import * as Bytes from "./Content.ts"
import type { Memory } from "./Memory.ts"

/** A response that keeps HTTP's rules, apart from a length that may be wrong on purpose. */
export interface Response {
  readonly status: number
  /** Name, value, name, value. */
  readonly fields?: ReadonlyArray<string>
  readonly content?: Content
  /** First byte to send; default 0. */
  readonly from?: number
  /** Byte after the last one to send; default all. */
  readonly to?: number
  /** How the end is told (RFC 9112 6.3): by Content-Length (default), the last chunk, or the end of the connection. */
  readonly framing?: "length" | "chunked" | "close"
  /** Ends the connection after this many body bytes. */
  readonly cutAt?: number
  /** How a cut ends the connection: in order (FIN, the default), with RST, or not at all: silence. */
  readonly cutBy?: "end" | "reset" | "silence"
}

/** Escapes become single bytes. */
const decode = (text: string): string =>
  text.replaceAll("+", " ").replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))

const pieceBytes = 256 * 1024

export class Exchange {
  readonly method: string
  /** Path and query as they came. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Fields that wrappers add to whatever is answered in the end. */
  readonly extraFields: Array<string> = []
  /** Set by a wrapper: cut whatever is sent after this many body bytes. */
  cutAt: number | undefined

  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #memory: Memory
  readonly #onOver: () => void
  #over = false
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(request: IncomingMessage, response: ServerResponse, memory: Memory, onOver: () => void) {
    this.method = request.method ?? "GET"
    this.url = request.url ?? "/"
    this.headers = request.headers
    this.#request = request
    this.#response = response
    this.#memory = memory
    this.#onOver = onOver
    response.once("close", () => {
      this.#over = true
      for (const timer of this.#timers) clearTimeout(timer)
      onOver()
    })
  }

  /** The path without its query. */
  get path(): string {
    const end = this.url.indexOf("?")
    return end === -1 ? this.url : this.url.slice(0, end)
  }

  /**
   * The query's pairs in order. Escapes decode to single bytes (ISO-8859-1), so
   * that a header value can be any bytes.
   */
  get query(): ReadonlyArray<readonly [name: string, value: string]> {
    const start = this.url.indexOf("?")
    if (start === -1 || start === this.url.length - 1) return []
    return this.url
      .slice(start + 1)
      .split("&")
      .map((pair) => {
        const equals = pair.indexOf("=")
        return equals === -1 ? [decode(pair), ""] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))]
      })
  }

  /** Counts this request under its URL and `layer`; 1 for the first one. */
  visit(layer: string): number {
    return this.#memory.visit(`${this.url}\n${layer}`)
  }

  /** Runs `then` in `milliseconds`, unless the exchange is over by then. */
  after(milliseconds: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      then()
    }, milliseconds)
    this.#timers.add(timer)
  }

  /** Runs `then` when the gate is released, unless the exchange is over by then. */
  whenReleased(gate: string, then: () => void): void {
    this.#memory.whenReleased(gate, () => {
      if (!this.#over) then()
    })
  }

  /** Opens the gate, for those who wait and for all who come later. */
  release(gate: string): void {
    this.#memory.release(gate)
  }

  /** Tells the client that the site could not do what the path says: 400, or the end when the head is out. */
  fail(message: string): void {
    if (this.#response.headersSent) return this.cut("end")
    this.extraFields.length = 0
    this.text(400, `${message}\n`)
  }

  /** Sends a short text. */
  text(status: number, body: string, fields: ReadonlyArray<string> = []): void {
    this.send({
      status,
      fields: ["content-type", "text/plain; charset=utf-8", ...fields],
      content: Bytes.fromBytes(body)
    })
  }

  /** Sends the response, in pieces that wait for the client to take them. */
  send(response: Response): void {
    const { status, content, from = 0, framing = "length" } = response
    const to = response.to ?? content?.size ?? 0
    const fields = [...(response.fields ?? [])]
    const bodiless = status === 204 || status === 304 || (status >= 100 && status < 200)
    if (framing === "length" && !bodiless) fields.push("content-length", String(to - from))
    if (framing === "close" && this.#stream === undefined) {
      fields.push("connection", "close")
      this.#response.useChunkedEncodingByDefault = false
    }
    this.#response.writeHead(status, this.extraFields.length === 0 ? fields : this.#merged(fields))
    if (content === undefined || bodiless || this.method === "HEAD") return void this.#response.end()
    const cutAt = response.cutAt ?? this.cutAt
    if (cutAt !== undefined && cutAt < to - from) {
      const by = response.cutBy ?? "end"
      return this.#pump(content, from, from + cutAt, () => this.cut(by))
    }
    if (framing !== "chunked" && to - from <= pieceBytes) return void this.#response.end(content.read(from, to))
    this.#pump(content, from, to, () => this.#response.end())
  }

  /** Sends the head, and hands the body to `write`, which may take its time; it ends the response by `end`. */
  stream(status: number, fields: ReadonlyArray<string>, write: (response: NodeJS.WritableStream) => void): void {
    this.#response.writeHead(status, this.#merged(fields))
    this.#response.flushHeaders()
    write(this.#response)
  }

  /** Ends the connection (over HTTP/2: the stream) as it is; bytes written before this are sent first. */
  cut(by: "end" | "reset" | "silence"): void {
    if (by === "silence") return
    // The client may see the end, and ask again, before this side hears of it.
    this.#onOver()
    const stream = this.#stream
    if (stream !== undefined) return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    const socket = this.#request.socket
    if (by === "end") return socket.destroySoon()
    try {
      socket.resetAndDestroy()
    } catch {
      // A TLS socket has no RST of its own.
      socket.destroy()
    }
  }

  /** Writes bytes past HTTP, then ends the connection. HTTP/2 has no place for them: its connection just ends. */
  raw(bytes: Uint8Array | string): void {
    this.#onOver()
    const stream = this.#stream
    if (stream !== undefined) return stream.session?.destroy()
    const socket: Socket = this.#request.socket
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes)
    socket.destroySoon()
  }

  get #stream(): ServerHttp2Stream | undefined {
    return (this.#request as { stream?: ServerHttp2Stream }).stream
  }

  /** An extra field replaces those of the same name; extra fields of one name stand beside each other. */
  #merged(fields: ReadonlyArray<string>): Array<string> {
    const replaced = new Set(this.extraFields.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()))
    const kept = fields.filter((_, index) => !replaced.has(fields[index - (index % 2)]!.toLowerCase()))
    return [...kept, ...this.extraFields]
  }

  #pump(content: Content, from: number, to: number, done: () => void): void {
    const response = this.#response
    // Small bodies too come in several pieces, hence in several chunks.
    const piece = Math.min(pieceBytes, Math.ceil((to - from) / 4))
    const next = (at: number): void => {
      if (this.#over) return
      if (at >= to) return done()
      const end = Math.min(at + piece, to)
      response.write(content.read(at, end), () => next(end))
    }
    response.flushHeaders()
    // A turn later the head is on its way even when no body byte follows it.
    setImmediate(() => next(from))
  }
}
