/**
 * Records of WARC 1.1 (ISO 28500:2017) as bytes: the head of a record, and the
 * head of the HTTP message within a response record. Pure: digests, times and
 * identifiers come from the caller.
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

/** The whole record that says how a file was made (6.2); the first of its file. `fields`: `software`, `format`, `robots` and the like. */
export const warcinfo = (about: About, fileName: string, fields: Fields): Uint8Array => {
  const block = utf8.encode(fields.map(line).join(""))
  const before = head("warcinfo", about, [["WARC-Filename", fileName]], "application/warc-fields", block.length)
  return joined(before, block, utf8.encode(end))
}

/** The head of a response record (6.3). `bytes`: of its block, the HTTP head and the payload. Digests as `sha1` gives them. */
export const response = (
  about: About & {
    readonly targetUri: string
    readonly bytes: number
    readonly blockDigest: string
    readonly payloadDigest: string
  }
): Uint8Array =>
  head(
    "response",
    about,
    [
      ["WARC-Target-URI", about.targetUri],
      ["WARC-Payload-Digest", about.payloadDigest],
      ["WARC-Block-Digest", about.blockDigest]
    ],
    "application/http;msgtype=response",
    about.bytes
  )

/** The version of HTTP is not told by every transport, and HTTP/2 has no form in a message: 1.1 stands for all. */
const httpVersion = "HTTP/1.1"

/**
 * The head of an HTTP response as it stands before a payload of `bytes` bytes.
 *
 * Fields stand as received, but for those of a transfer coding that has been
 * undone: `Transfer-Encoding` and `Trailer` go, `Content-Length` comes (RFC 9112
 * 7.1.3). A content coding stays, with its body.
 */
export const httpHead = (status: number, reason: string, fields: Fields, bytes: number): Uint8Array => {
  const chunked = fields.some(([name]) => name.toLowerCase() === "transfer-encoding")
  const kept = fields.filter(
    ([name]) => !chunked || !/^(?:transfer-encoding|trailer|content-length)$/.test(name.toLowerCase())
  )
  const all: Fields = chunked ? [...kept, ["Content-Length", `${bytes}`]] : kept
  return octets(`${httpVersion} ${status} ${reason.replace(/[\r\n]+/g, " ")}\r\n${all.map(line).join("")}\r\n`)
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
