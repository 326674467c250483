/** A client that shows what came over the wire, with no HTTP library between. */
import * as Net from "node:net"

/** What came, and how it ended. */
export interface Received {
  readonly bytes: Buffer
  /** `open`: the client had enough and left. */
  readonly end: "end" | "reset" | "open"
  readonly status: number
  /** Field values in the order of their lines. */
  readonly fields: (name: string) => ReadonlyArray<string>
  /** After the blank line, chunks and all. */
  readonly body: Buffer
}

const received = (bytes: Buffer, end: Received["end"]): Received => {
  const blank = bytes.indexOf("\r\n\r\n")
  const lines = bytes.subarray(0, Math.max(blank, 0)).toString("latin1").split("\r\n")
  return {
    bytes,
    end,
    status: Number(lines[0]?.split(" ")[1]),
    fields: (name) =>
      lines
        .filter((line) => line.toLowerCase().startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).trim()),
    body: blank === -1 ? Buffer.alloc(0) : bytes.subarray(blank + 4)
  }
}

/** A connection that has sent something and keeps what comes back. */
export class Connection {
  readonly socket: Net.Socket
  #bytes: Buffer = Buffer.alloc(0)
  #end: Received["end"] = "open"
  #changed: () => void = () => undefined

  constructor(url: string, request: string) {
    const { hostname, port } = new URL(url)
    this.socket = Net.connect({ host: hostname, port: Number(port) })
    this.socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#changed()
    })
    this.socket.on("error", () => (this.#end = "reset"))
    this.socket.on("close", () => {
      if (this.#end === "open") this.#end = "end"
      this.#changed()
    })
    this.socket.write(request, "latin1")
  }

  get now(): Received {
    return received(this.#bytes, this.#end)
  }

  /** Waits until the connection has ended, or what came is enough. */
  until(enough: (now: Received) => boolean = () => false): Promise<Received> {
    return new Promise((resolve) => {
      this.#changed = () => {
        if (this.#end !== "open" || enough(this.now)) resolve(this.now)
      }
      this.#changed()
    })
  }
}

export const request = (url: string, fields: Readonly<Record<string, string>> = {}, method = "GET"): string => {
  const { host, pathname, search } = new URL(url)
  const lines = Object.entries({ host, ...fields }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`
}

/** Asks once, on a connection of its own that the server is asked to end. */
export const ask = (url: string, fields: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Received> =>
  new Connection(url, request(url, { connection: "close", ...fields }, method)).until()
