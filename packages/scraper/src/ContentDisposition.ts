/**
 * The file name in a Content-Disposition field (RFC 6266, RFC 8187).
 *
 * The result is what the server said and may be hostile: `FileName.fromServer`
 * makes it a name that may be written.
 *
 * Where the field breaks the grammar this reads on as browsers do: the first of
 * repeated parameters counts, an unquoted value reaches to the next semicolon,
 * a parameter that makes no sense is skipped.
 */
import * as FieldValue from "./FieldValue.ts"

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * Field values are bytes, handed over as ISO-8859-1. Servers put raw UTF-8 into
 * them and browsers read it as such, so bytes that are valid UTF-8 are UTF-8.
 */
const decodeBytes = (text: string): string => {
  if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return text
  try {
    return utf8.decode(Uint8Array.from(text, (character) => character.charCodeAt(0)))
  } catch {
    return text
  }
}

const extendedValue = /^(utf-?8|iso-8859-1)'[^']*'((?:[ -$&-~]|%[0-9a-f]{2})*)$/i

/** An ext-value of RFC 8187 3.2.1, `utf8` forgiven; `undefined` where its charset is unknown or its bytes are not of it. */
const decodeExtended = (value: string): string | undefined => {
  const match = extendedValue.exec(value)
  if (match === null) return undefined
  const text = match[2]!
  if (match[1]!.length === "iso-8859-1".length) {
    return text.replace(/%(..)/g, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16)))
  }
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const quoted = /"((?:[^"\\]|\\[^])*)"/y

/** Gives each `name=value` after the disposition type; `isQuoted` tells a quoted-string from a token. */
function* parameters(header: string): Generator<readonly [name: string, value: string, isQuoted: boolean]> {
  let equals = -1
  let semicolon = header.indexOf(";")
  while (semicolon >= 0) {
    const start = semicolon + 1
    if (equals < start) equals = header.indexOf("=", start)
    if (equals < 0) return
    semicolon = header.indexOf(";", start)
    if (semicolon >= 0 && semicolon < equals) continue
    const name = header.slice(start, equals).trim().toLowerCase()
    let value = equals + 1
    while (header[value] === " " || header[value] === "\t") value++
    if (header[value] === '"') {
      quoted.lastIndex = value
      const match = quoted.exec(header)
      if (match === null) return
      semicolon = header.indexOf(";", quoted.lastIndex)
      yield [name, match[1]!.replace(/\\([^])/g, "$1"), true]
    } else {
      yield [name, FieldValue.trimmed(header.slice(value, semicolon < 0 ? header.length : semicolon)), false]
    }
  }
}

/**
 * Reads the file name out of a field value, whatever the disposition type:
 * `inline; filename=` names a file too (RFC 6266 4.2).
 *
 * `filename*` in UTF-8 or ISO-8859-1 wins over `filename` (4.3); one that does
 * not decode is ignored. Neither percent-escapes nor RFC 2047 words in
 * `filename` are decoded (appendix C). `undefined` where there is no name or an
 * empty one. Never throws.
 *
 * @param header the value with one character a byte, as HTTP clients give it
 */
export const fileName = (header: string): string | undefined => {
  let plain: string | undefined
  let extended: string | undefined
  for (const [name, value, isQuoted] of parameters(header)) {
    if (name === "filename") plain ??= value
    else if (name === "filename*" && !isQuoted) extended ??= value
  }
  return decodeExtended(extended ?? "") || decodeBytes(plain ?? "") || undefined
}
