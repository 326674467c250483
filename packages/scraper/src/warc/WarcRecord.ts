/**
 * Records of WARC 1.1 (ISO 28500:2017) as bytes: the head of a record, and the
 * head of the HTTP message within it. Pure: digests, times and identifiers come
 * from the caller.
 *
 * A record is `head`, then its block of exactly `Content-Length` bytes, then
 * `end`. In a `.warc.gz` each record is a gzip member of its own (annex D.2).
 */

/** Name and value, a line each. */
export type Fields = ReadonlyArray<readonly [name: string, value: string]>

/** What every record has (5.2 to 5.5). */
export interface About {
  /** A UUID; the record is `urn:uuid:` and this. */
  readonly id: string
  /** When its capture began, in milliseconds since the epoch. */
  readonly dateMs: number
}

/** What ends every record (4). */
export const end = "\r\n\r\n"

const utf8 = new TextEncoder()

/** Values come from the network in part: what would begin another line becomes a blank. */
// oxlint-disable-next-line no-control-regex -- control characters are what must not be there
const line = ([name, value]: readonly [string, string]) => `${name}: ${value.replace(/[\u0000\r\n]+/g, " ")}\r\n`

const head = (type: string, { id, dateMs }: About, further: Fields, contentType: string, bytes: number): Uint8Array => {
  const fields: Fields = [
    ["WARC-Type", type],
    ["WARC-Record-ID", `<urn:uuid:${id}>`],
    ["WARC-Date", new Date(dateMs).toISOString()],
    ...further,
    ["Content-Type", contentType],
    ["Content-Length", `${bytes}`]
  ]
  return utf8.encode(`WARC/1.1\r\n${fields.map(line).join("")}\r\n`)
}

/**
 * The whole record that says how a file was made (6.2); the first of its file. `fields`: `software`, `format`, `robots`
 * and the like.
 */
export const warcinfo = (about: About, fileName: string, fields: Fields): Uint8Array => {
  const block = utf8.encode(fields.map(line).join(""))
  const before = head("warcinfo", about, [["WARC-Filename", fileName]], "application/warc-fields", block.length)
  return joined(before, block, utf8.encode(end))
}

/** What the records of one exchange share: both have its date (5.4). */
export interface Exchange extends About {
  readonly targetUri: string
  /** The IP address that was connected to (5.12); not told where a proxy did that. */
  readonly address?: string | undefined
  /** Of the block. */
  readonly bytes: number
  /** As `sha1` gives it. */
  readonly blockDigest: string
}

/** Of a response, and of what stands for one. */
export interface Answer extends Exchange {
  readonly payloadDigest: string
  /** Why the payload is not whole (5.13). */
  readonly truncated?: string | undefined
}

/** Where it came from (5.6, 5.12). A zone (RFC 4007 11) is of this machine, and no part of an address (RFC 4291). */
const origin = ({ targetUri, address }: Exchange): Fields => [
  ["WARC-Target-URI", targetUri],
  ...(address === undefined ? [] : [["WARC-IP-Address", address.replace(/%.*/, "")] as const])
]

const answer = (type: string, about: Answer, further: Fields): Uint8Array =>
  head(
    type,
    about,
    [
      ...origin(about),
      ["WARC-Payload-Digest", about.payloadDigest],
      ["WARC-Block-Digest", about.blockDigest],
      ...further,
      ...(about.truncated === undefined ? [] : [["WARC-Truncated", about.truncated] as const])
    ],
    "application/http;msgtype=response",
    about.bytes
  )

/** The head of a response record (6.3): its block is an HTTP head and the payload. */
export const response = (about: Answer): Uint8Array => answer("response", about, [])

/** The record that has the payload of a revisit: its fields, as they stand in it. */
export interface Original {
  readonly recordId: string
  readonly targetUri: string
  readonly date: string
  readonly payloadDigest: string
}

/** Why a payload is not archived again: it has the same digest, or the server says that it did not change. */
export type Profile = "identical-payload-digest" | "server-not-modified"

/** The head of a revisit record (6.7): its block is the HTTP head alone, for the payload is that of the original. */
export const revisit = (about: Omit<Answer, "payloadDigest">, profile: Profile, original: Original): Uint8Array =>
  answer("revisit", { ...about, payloadDigest: original.payloadDigest }, [
    ["WARC-Profile", `http://netpreserve.org/warc/1.1/revisit/${profile}`],
    ["WARC-Refers-To", original.recordId],
    ["WARC-Refers-To-Target-URI", original.targetUri],
    ["WARC-Refers-To-Date", original.date]
  ])

/** The head of a request record (6.5). `answerId`: of the record of its answer. */
export const request = (about: Exchange, answerId: string): Uint8Array =>
  head(
    "request",
    about,
    [...origin(about), ["WARC-Concurrent-To", `<urn:uuid:${answerId}>`], ["WARC-Block-Digest", about.blockDigest]],
    "application/http;msgtype=request",
    about.bytes
  )

/** HTTP/2 has no form in a message, and not every transport tells the version: 1.1 stands for all. */
const httpVersion = "HTTP/1.1"

/** A head of a response: `text` as it came, else what is told of it. */
interface MessageHead {
  readonly status: number
  readonly text?: string | undefined
  readonly reason?: string | undefined
  readonly fields: Fields
}

const framing = /^(?:transfer-encoding|trailer|content-length)[ \t]*:/i

/**
 * The head of an HTTP response as it stands before a payload of `bytes` bytes.
 *
 * Lines stand as received, but for those of a transfer coding that has been
 * undone: `Transfer-Encoding` and `Trailer` go, `Content-Length` comes (RFC 9112
 * 7.1.3). A content coding stays, with its body.
 */
export const httpHead = ({ status, text, reason = "", fields }: MessageHead, bytes: number): Uint8Array => {
  // a folded line belongs to the one before
  const [first, ...lines] = text?.split(/\r?\n(?![\t ])/).filter((one) => one !== "") ?? [
    `${httpVersion} ${status} ${reason.replace(/[\r\n]+/g, " ")}`,
    ...fields.map((field) => line(field).slice(0, -2))
  ]
  const isChunked = lines.some((one) => /^transfer-encoding[ \t]*:/i.test(one))
  const kept = isChunked ? [...lines.filter((one) => !framing.test(one)), `Content-Length: ${bytes}`] : lines
  return octets(`${[first, ...kept].join("\r\n")}\r\n\r\n`)
}

/** Fields of a request whose value is no secret. An archive is passed on; what else a user sets may be a key. */
const open =
  /^(?:accept|accept-[a-z-]+|user-agent|host|connection|range|if-[a-z-]+|referer|from|cache-control|pragma|dnt|priority|te|upgrade-insecure-requests|sec-[a-z-]+)$/

/** The head of a GET request. Values that may be secrets are withheld; that there was one stands there. */
export const requestHead = (target: string, fields: ReadonlyArray<string>): Uint8Array => {
  let text = `GET ${target} ${httpVersion}\r\n`
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    text += line([name, open.test(name.toLowerCase()) ? fields[i + 1]! : "(withheld)"])
  }
  return octets(`${text}\r\n`)
}

/** Field values are octets, told as the characters with these numbers (RFC 9110 5.5); text beyond them as UTF-8. */
const octets = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) return utf8.encode(text)
    bytes[i] = code
  }
  return bytes
}

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** A SHA-1 as the value of a digest field: base32 (RFC 4648 6) by custom, which indexes of archives share. */
export const sha1 = (digest: Uint8Array): string => {
  let text = ""
  let bits = 0
  let held = 0
  // 160 bits are 32 characters, without padding
  for (const byte of digest) {
    held = ((held << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31]
  }
  return `sha1:${text}`
}
