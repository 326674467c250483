/**
 * What a transport says went wrong, as a reason of ours.
 */
import * as FetchError from "../FetchError.ts"
import { AddressDenied } from "./AddressGuard.ts"

/** Where an exchange stood when it broke. */
export interface Standing {
  readonly host: string
  readonly connectTimeoutMs: number
  /** Set once a response head had come. */
  readonly body?: { readonly received: number; readonly expected: number | undefined } | undefined
}

/** A connection was not established in time. */
export class ConnectTimeout extends Error {
  readonly code = "UND_ERR_CONNECT_TIMEOUT"
}

/** A connection could not be made, or was given up, for a cause that has no code of the system. */
export class ConnectFailure extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** A proxy, and not the host behind it, is what a connection failed for. */
export class ProxyFailure extends Error {
  readonly proxy: string
  readonly code: string
  constructor(proxy: string, cause: Error) {
    super(cause.message, { cause })
    this.proxy = proxy
    const code = codeOf(cause)
    this.code = code === "UND_ERR_CONNECT_TIMEOUT" ? "ETIMEDOUT" : code
  }
}

/** A request was never answered, and perhaps not sent: its connection takes no more. Another may. */
export class Unserved extends ConnectFailure {
  constructor() {
    super("ESHUTDOWN")
  }
}

const resolver = /^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL|ENONAME)/
const tls =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|INVALID_|PATH_LENGTH|HOSTNAME_|EPROTO)/
/** undici's codes that stand for a closed connection. */
const closed: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: "ECONNRESET",
  UND_ERR_INFO: "ECONNRESET",
  UND_ERR_ABORTED: "ECONNRESET",
  UND_ERR_DESTROYED: "ESHUTDOWN",
  UND_ERR_CLOSED: "ESHUTDOWN"
}

/**
 * What breaks HTTP, in words; absent: `error` is no such thing. undici gives its
 * parser's errors no code, and reports some of them as faults of the socket. A
 * length that disagrees with the body is one only before the head: there it is a
 * field that cannot be read, later the body was cut.
 */
const violation = (error: Error, code: string, headSeen: boolean): string | undefined => {
  const { name, message } = error
  if (name === "HTTPParserError") {
    const detail = /\((.*)\)$/.exec(message)?.[1] ?? message
    return detail === "Invalid EOF state" ? undefined : detail
  }
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return headSeen ? undefined : "Content-Length is broken"
  if (code === "UND_ERR_HEADERS_OVERFLOW") return "the head is too long"
  if (code === "UND_ERR_INVALID_ARG" || code === "ERR_HTTP2_ERROR") return message
  return message === "bad response" || message === "bad upgrade" ? message : undefined
}

/** No way led to an address: that tells less of the host than what became of another. */
const noWay = /^(?:ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL)$/

/**
 * Of several addresses the last one counts that a way led to. That files ran out is no fault of any.
 */
const codeOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const codes = error.errors.map(codeOf)
    return codes.find(FetchError.isOutOfFiles) ?? codes.findLast((code) => !noWay.test(code)) ?? codes.at(-1)!
  }
  const { code } = Object(error) as { readonly code?: unknown }
  return typeof code === "string" ? code : "UNKNOWN"
}

/** Whether a server took none of the protocols that were offered it in TLS (RFC 7301 3.2): another may do. */
export const isOtherHttp = (error: Error): boolean => codeOf(error).endsWith("ALERT_NO_APPLICATION_PROTOCOL")

/** The reason for `error`. A broken connection after the head is a cut body; before it, a failed connection. */
export const reasonOf = (error: Error, { host, connectTimeoutMs, body }: Standing): FetchError.FetchReason => {
  const code = codeOf(error)
  if (error instanceof AddressDenied) return new FetchError.AddressError({ host, address: error.address })
  if (error instanceof ProxyFailure && !FetchError.isOutOfFiles(code))
    return new FetchError.ProxyError({ proxy: error.proxy, code: closed[code] ?? code })
  if (code === "UND_ERR_CONNECT_TIMEOUT" || (code === "ETIMEDOUT" && body === undefined)) {
    return new FetchError.TimeoutError({ phase: "connect", ms: Math.round(connectTimeoutMs) })
  }
  if (resolver.test(code)) {
    const asked = (error as { readonly hostname?: unknown }).hostname
    return new FetchError.DnsError({ host: typeof asked === "string" ? asked : host, code })
  }
  const detail = violation(error, code, body !== undefined)
  if (detail !== undefined) return new FetchError.ProtocolError({ detail })
  if (body !== undefined) {
    const { received, expected } = body
    return new FetchError.TruncatedError(expected === undefined ? { received } : { received, expected })
  }
  if (tls.test(code)) return new FetchError.TlsError({ host, code })
  return new FetchError.ConnectError({ host, code: closed[code] ?? code })
}
