/**
 * Asks a proxy for a way through: HTTP CONNECT (RFC 9110 9.3.6) or SOCKS 5
 * (RFC 1928, RFC 1929). Afterwards the socket speaks with the far host.
 *
 * Names go to the proxy as they are, so it resolves them. Nothing here watches
 * the time: the connection attempt it is part of does.
 */
import * as net from "node:net"
import { ConnectFailure, ProxyFailure } from "./Fault.ts"
import type { Proxy } from "./Proxies.ts"

const longestReply = 65_536

/** Reads from the start of the stream as many bytes as `length` finds a whole message in; 0 asks for more. */
const read = (socket: net.Socket, length: (bytes: Buffer) => number) =>
  new Promise<Buffer>((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const done = (end: () => void) => {
      socket.off("readable", onReadable).off("end", onEnd).off("error", onError).off("close", onEnd)
      end()
    }
    const onError = (error: Error) => done(() => reject(error))
    const onEnd = () => onError(new ConnectFailure("ECONNRESET"))
    const onReadable = () => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        bytes = Buffer.concat([bytes, chunk])
        const whole = length(bytes)
        if (whole > 0 && whole <= bytes.length) {
          if (whole < bytes.length) socket.unshift(bytes.subarray(whole))
          return done(() => resolve(bytes.subarray(0, whole)))
        }
        if (bytes.length > longestReply) return onError(new ConnectFailure("PROXY_REPLY"))
      }
    }
    socket.on("readable", onReadable).on("end", onEnd).on("error", onError).on("close", onEnd)
    onReadable()
  })

/** That it is the proxy's fault: others it has for the far host. */
const unusable = (proxy: Proxy, code: string) => new ProxyFailure(proxy.origin, new ConnectFailure(code))

const throughHttp = async (socket: net.Socket, proxy: Proxy, host: string, port: number) => {
  const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`
  const credentials = proxy.authorization === undefined ? "" : `proxy-authorization: ${proxy.authorization}\r\n`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${credentials}\r\n`, "latin1")
  for (;;) {
    const head = await read(socket, (bytes) => {
      const end = bytes.indexOf("\r\n\r\n")
      return end === -1 ? 0 : end + 4
    })
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString("latin1"))?.[1]
    if (status === undefined) throw unusable(proxy, "PROXY_REPLY")
    if (status.startsWith("2")) return
    if (status === "407") throw unusable(proxy, "PROXY_407")
    if (!status.startsWith("1")) throw new ConnectFailure(`PROXY_${status}`)
  }
}

const throughSocks = async (socket: net.Socket, proxy: Proxy, host: string, port: number) => {
  const authenticate = proxy.username !== "" || proxy.password !== ""
  socket.write(Buffer.from(authenticate ? [5, 2, 0, 2] : [5, 1, 0]))
  const [version, method] = await read(socket, () => 2)
  if (version !== 5) throw unusable(proxy, "PROXY_REPLY")
  if (method === 2 && authenticate) {
    const name = Buffer.from(proxy.username)
    const password = Buffer.from(proxy.password)
    if (name.length > 255 || password.length > 255) throw unusable(proxy, "SOCKS_AUTHENTICATION")
    socket.write(Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([password.length]), password]))
    const [, refused] = await read(socket, () => 2)
    if (refused !== 0) throw unusable(proxy, "SOCKS_AUTHENTICATION")
  } else if (method !== 0) throw unusable(proxy, "SOCKS_AUTHENTICATION")
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksAddress(host), Buffer.from([port >> 8, port & 255])]))
  const reply = await read(socket, (bytes) => {
    const [, , , type, length] = bytes
    if (length === undefined) return 0
    return type === 1 ? 10 : type === 4 ? 22 : 7 + length
  })
  if (reply[1] !== 0) throw new ConnectFailure(`SOCKS_${reply[1]}`)
}

const groups = (text: string | undefined) => (text === undefined || text === "" ? [] : text.split(":"))

/** Type and address, RFC 1928 5. */
const socksAddress = (host: string): Buffer => {
  if (net.isIPv4(host)) return Buffer.from([1, ...host.split(".").map(Number)])
  if (net.isIPv6(host)) {
    const [head = "", tail] = host.split("::")
    const left = groups(head)
    const right = groups(tail)
    const all = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right]
    return Buffer.from([
      4,
      ...all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
    ])
  }
  const name = Buffer.from(host)
  return Buffer.concat([Buffer.from([3, name.length]), name])
}

/** Opens the way to `host:port` over `socket`, which is connected to `proxy`. Rejects with an error that has a `code`. */
export const open = (socket: net.Socket, proxy: Proxy, host: string, port: number): Promise<void> =>
  proxy.protocol === "socks5:" ? throughSocks(socket, proxy, host, port) : throughHttp(socket, proxy, host, port)
