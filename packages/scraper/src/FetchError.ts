/**
 * Why a body could not be had whole. Each reason carries data; the message is
 * derived from it, and `retryable` says whether asking again may help.
 */
import * as Schema from "effect/Schema"

const seconds = (ms: number) => (ms < 1000 ? `${ms} ms` : `${+(ms / 1000).toFixed(1)} s`)

/** Too many files are open: in this process, or in the system. That passes with what has them, and is nobody else's fault. */
export const isOutOfFiles = (code: string) => code === "EMFILE" || code === "ENFILE"

/** The text of the list is no absolute http(s) URL. `line` counts from 1 in the list it came from. */
export class InvalidUrl extends Schema.TaggedError<InvalidUrl>()("InvalidUrl", {
  detail: Schema.String,
  line: Schema.optionalKey(Schema.Int)
}) {
  readonly retryable = false
  override get message() {
    return this.line === undefined ? this.detail : `line ${this.line}: ${this.detail}`
  }
}

/** The host name could not be resolved. `code` is the resolver's (`ENOTFOUND`, `EAI_AGAIN`). */
export class DnsError extends Schema.TaggedError<DnsError>()("DnsError", {
  host: Schema.String,
  code: Schema.String
}) {
  readonly retryable = true
  override get message() {
    return `cannot resolve ${this.host} (${this.code})`
  }
}

/** No connection, or the connection broke before a response head. `code` is the system's (`ECONNREFUSED`). */
export class ConnectError extends Schema.TaggedError<ConnectError>()("ConnectError", {
  host: Schema.String,
  code: Schema.String
}) {
  readonly retryable = true
  /** The host is not at fault: there was no file left for a connection. */
  readonly outOfFiles = isOutOfFiles(this.code)
  override get message() {
    return this.outOfFiles
      ? `too many open files to connect to ${this.host} (${this.code})`
      : `cannot talk to ${this.host} (${this.code})`
  }
}

const isAboutCredentials = (code: string) => code === "PROXY_407" || code === "SOCKS_AUTHENTICATION"

/**
 * The proxy `proxy` (its origin) cannot be used, whatever host is behind it. `code`: the system's, or `PROXY_407` and
 * `SOCKS_AUTHENTICATION` for credentials that it does not take, `PROXY_REPLY` for an answer that is none of a proxy.
 */
export class ProxyError extends Schema.TaggedError<ProxyError>()("ProxyError", {
  proxy: Schema.String,
  code: Schema.String
}) {
  readonly retryable = !isAboutCredentials(this.code)
  override get message() {
    return isAboutCredentials(this.code)
      ? `the proxy ${this.proxy} wants other credentials (${this.code})`
      : `cannot talk to the proxy ${this.proxy} (${this.code})`
  }
}

/** What the codes of OpenSSL and Node mean, those that a user meets. */
const tlsFaults: ReadonlyArray<readonly [code: RegExp, fault: string]> = [
  [/CERT_HAS_EXPIRED/, "expired certificate"],
  [/CERT_NOT_YET_VALID/, "certificate of the future"],
  [/ALTNAME/, "certificate of another host"],
  [/SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)/, "certificate of no known authority"],
  [/CERTIFICATE_REQUIRED/, "client certificate required"],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH/, "no TLS on that port"],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, "no TLS 1.2 or newer"]
]

/** The server's certificate or the TLS handshake was refused. `code` is OpenSSL's or Node's (`CERT_HAS_EXPIRED`). */
export class TlsError extends Schema.TaggedError<TlsError>()("TlsError", {
  host: Schema.String,
  code: Schema.String
}) {
  readonly retryable = false
  readonly fault = tlsFaults.find(([code]) => code.test(this.code))?.[1]
  override get message() {
    return `TLS with ${this.host} failed${this.fault === undefined ? "" : `: ${this.fault}`} (${this.code})`
  }
}

/** A connection to `address` is not allowed: private addresses were denied. */
export class AddressError extends Schema.TaggedError<AddressError>()("AddressError", {
  host: Schema.String,
  address: Schema.String
}) {
  readonly retryable = false
  override get message() {
    return `${this.host} is ${this.host === this.address ? "a private address" : `the private address ${this.address}`}`
  }
}

/** Nothing came for too long. `phase`: the stage that waited; `ms`: the bound. */
export class TimeoutError extends Schema.TaggedError<TimeoutError>()("TimeoutError", {
  phase: Schema.Literals(["connect", "headers", "body", "pace", "total"]),
  ms: Schema.Int
}) {
  readonly retryable = this.phase !== "total"
  override get message() {
    switch (this.phase) {
      case "connect":
        return `no connection within ${seconds(this.ms)}`
      case "headers":
        return `no answer within ${seconds(this.ms)}`
      case "body":
        return `no byte for ${seconds(this.ms)}`
      case "pace":
        return `hardly a byte for ${seconds(this.ms)}`
      case "total":
        return `not done within ${seconds(this.ms)}`
    }
  }
}

/** The answer breaks HTTP (RFC 9112, RFC 9113) in a way that leaves its meaning open. */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", {
  detail: Schema.String
}) {
  readonly retryable = false
  override get message() {
    return `bad answer: ${this.detail}`
  }
}

/** Redirects that lead nowhere: a loop, too many, a target that is no http(s) URL, or one that the crawl leaves out. */
export class RedirectError extends Schema.TaggedError<RedirectError>()("RedirectError", {
  kind: Schema.Literals(["loop", "limit", "location", "scope"]),
  location: Schema.String,
  count: Schema.Int
}) {
  readonly retryable = false
  override get message() {
    switch (this.kind) {
      case "loop":
        return `redirects in a loop, to ${this.location}`
      case "limit":
        return `more than ${this.count} redirects`
      case "location":
        return `redirects to ${this.location}, which is no http(s) URL`
      case "scope":
        return `redirects to ${this.location}, which is out of scope`
    }
  }
}

/** The final answer is no success. `retryAfterMs`: the server's Retry-After, from now. */
export class StatusError extends Schema.TaggedError<StatusError>()("StatusError", {
  status: Schema.Int,
  retryAfterMs: Schema.optionalKey(Schema.Finite)
}) {
  // RFC 9110 15.5.9, 15.6; RFC 6585 4; RFC 8470 5.2
  readonly retryable = [408, 425, 429, 500, 502, 503, 504].includes(this.status)
  override get message() {
    return `HTTP ${this.status}`
  }
}

/** The body ended before its declared length or its last chunk. `expected` is absent where no length was declared. */
export class TruncatedError extends Schema.TaggedError<TruncatedError>()("TruncatedError", {
  received: Schema.Finite,
  expected: Schema.optionalKey(Schema.Finite)
}) {
  readonly retryable = true
  override get message() {
    return this.expected === undefined
      ? `body broke off after ${this.received} bytes`
      : `body ended at ${this.received} of ${this.expected} bytes`
  }
}

/** The answer to a range request does not continue the bytes at hand (RFC 9110 14.4, 15.3.7). */
export class RangeError extends Schema.TaggedError<RangeError>()("RangeError", {
  detail: Schema.String
}) {
  readonly retryable = true
  override get message() {
    return `cannot resume: ${this.detail}`
  }
}

/** The content coding is unknown, or its data is damaged. `coding` is the server's word for it. */
export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", {
  coding: Schema.String,
  kind: Schema.Literals(["unknown", "corrupt", "cut", "nested", "window"])
}) {
  readonly retryable = this.kind === "cut"
  override get message() {
    switch (this.kind) {
      case "unknown":
        return `unknown content coding ${this.coding}`
      case "corrupt":
        return `damaged ${this.coding} data`
      case "cut":
        return `${this.coding} data ended too early`
      case "nested":
        return `too many content codings: ${this.coding}`
      case "window":
        return `${this.coding} data that wants a window of more than 8 MiB`
    }
  }
}

/** The body is larger than allowed, counted after decoding. */
export class TooLargeError extends Schema.TaggedError<TooLargeError>()("TooLargeError", {
  maxBytes: Schema.Finite,
  /** `true`: no limit was asked for; the ratio of decoded to received bytes gave it away. */
  bomb: Schema.Boolean
}) {
  readonly retryable = false
  override get message() {
    return this.bomb ? `decompression bomb: stopped at ${this.maxBytes} bytes` : `larger than ${this.maxBytes} bytes`
  }
}

/** A body that told no length was still coming: a stream, or a page that is made without end. */
export class EndlessError extends Schema.TaggedError<EndlessError>()("EndlessError", {
  received: Schema.Int,
  ms: Schema.Int
}) {
  readonly retryable = false
  override get message() {
    return `no end: it tells no length, and was still coming after ${this.received} bytes and ${seconds(this.ms)}`
  }
}

/**
 * The file could not be written. Too many open files pass with the transfers that have them. `code` is the
 * system's (`EACCES`), or `EUNSAFE` for a path through a symbolic link.
 */
export class WriteError extends Schema.TaggedError<WriteError>()("WriteError", {
  path: Schema.String,
  code: Schema.String,
  /** Of a body for which the disk has no room, though it has some: bytes that are needed, and that are free. */
  room: Schema.optionalKey(Schema.Struct({ needed: Schema.Finite, free: Schema.Finite }))
}) {
  readonly retryable = isOutOfFiles(this.code)
  override get message() {
    if (this.room !== undefined)
      return `no room on the disk: ${this.room.needed} bytes needed, ${this.room.free} free, for ${this.path}`
    return this.code === "EUNSAFE"
      ? `${this.path} leads through a symbolic link`
      : `cannot write ${this.path} (${this.code})`
  }
}

/** The host failed so often in a row that it was not asked in this run. `last` is the last failure's message. */
export class HostDown extends Schema.TaggedError<HostDown>()("HostDown", {
  failures: Schema.Int,
  last: Schema.String
}) {
  readonly retryable = false
  override get message() {
    return `not asked: the host failed ${this.failures} times in a row (${this.last})`
  }
}

/** Every reason, by its tag. */
export const FetchReason = Schema.Union([
  InvalidUrl,
  DnsError,
  ConnectError,
  ProxyError,
  TlsError,
  AddressError,
  TimeoutError,
  ProtocolError,
  RedirectError,
  StatusError,
  TruncatedError,
  RangeError,
  DecodeError,
  TooLargeError,
  EndlessError,
  WriteError,
  HostDown
])
export type FetchReason = typeof FetchReason.Type
