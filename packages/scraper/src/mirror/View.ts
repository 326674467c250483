/**
 * A document as its markup sees it: a text in which each character has a known
 * place in the bytes, so that an edit at characters is an edit at bytes.
 *
 * 1. Where the bytes are ASCII, so is the text; elsewhere it holds characters
 *    above U+007F that mean nothing. So it is for finding markup, and `decode`
 *    for reading values.
 * 2. A character takes one byte, in UTF-16 two. No encoding needs more: in all
 *    others the octets of `<`, `"` and their like are themselves alone. Within
 *    two-byte characters of ISO-2022-JP, and of encodings whose second octet may
 *    be `\`, octets are covered.
 */
import { TextDecoder } from "@exodus/bytes/encoding.js"

export interface View {
  readonly text: string
  /** What stands there, in the encoding of the document. */
  readonly decode: (start: number, end: number) => string
  /** The document with these edits, ordered, none within another. What is put in is ASCII. */
  readonly edited: (edits: ReadonlyArray<Edit>) => Uint8Array
}

/** Text put in the place of characters; `start` is `end` where it is put between them. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The text with these edits. */
export const apply = (text: string, edits: ReadonlyArray<Edit>): string => {
  let edited = ""
  let at = 0
  for (const { start, end, text: put } of edits) {
    edited += text.slice(at, start) + put
    at = end
  }
  return edited + text.slice(at)
}

const cover = (characters: string) => "\u00ff".repeat(characters.length)

/** From the escape that begins two-byte characters to the one that ends them. */
// oxlint-disable-next-line no-control-regex -- the escape is what is looked for
const inDoubleBytes = /\x1b\$[@B][^]*?(?=\x1b\(|$)/g
/** The lead octet of a two-byte character, and the octet after it. */
const doubleBytes: Readonly<Record<string, RegExp>> = {
  "iso-2022-jp": inDoubleBytes,
  shift_jis: /[\x81-\x9f\xe0-\xfc][\x40-\xfc]/g,
  big5: /[\x81-\xfe][\x40-\xfe]/g,
  gbk: /[\x81-\xfe][\x40-\xfe]/g,
  gb18030: /[\x81-\xfe][\x40-\xfe]/g
}

/** @param encoding a name of the Encoding Standard, in lower case */
export const ofBytes = (bytes: Uint8Array, encoding: string): View => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const width = encoding.startsWith("utf-16") ? 2 : 1
  const decoder = new TextDecoder(encoding, { ignoreBOM: true })
  const decode = (start: number, end: number) => decoder.decode(bytes.subarray(start * width, end * width))
  const put = (text: string) => {
    if (width === 1) return Buffer.from(text, "latin1")
    const units = Buffer.from(text, "utf16le")
    return encoding === "utf-16be" ? units.swap16() : units
  }
  const double = doubleBytes[encoding]
  const octets = () => buffer.toString("latin1")
  return {
    text: width === 2 ? decode(0, bytes.length) : double === undefined ? octets() : octets().replace(double, cover),
    decode,
    edited: (edits) => {
      const pieces: Array<Uint8Array> = []
      let at = 0
      for (const { start, end, text } of edits) {
        pieces.push(bytes.subarray(at, start * width), put(text))
        at = end * width
      }
      return Buffer.concat([...pieces, bytes.subarray(at)])
    }
  }
}
