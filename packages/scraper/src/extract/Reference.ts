/**
 * What a reference in a document leads to.
 *
 * 1. The result is as `Url.parse` gives it: http or https, without a fragment.
 * 2. A query is written in the encoding of its document, as browsers write it:
 *    servers of such pages know no other.
 */
import { percentEncodeAfterEncoding } from "@exodus/bytes/whatwg.js"
import * as Url from "../Url.ts"
import * as Encoding from "./Encoding.ts"

/** A longer URL, in characters, is no link: servers answer it with 414, and traps grow theirs without end. */
export const longest = 8192

const scheme = /^[\0- ]*([a-z][a-z0-9+.-]*):/i
const isForeign = (reference: string): boolean => {
  const found = scheme.exec(reference)?.[1]
  return found !== undefined && !/^https?$/i.test(found)
}

/** WHATWG URL 1.3, the special-query percent-encode set. */
const special = " \"#'<>"

const isBlank = (code: number) => code <= 0x20

/** The reference with its query in the octets of the encoding, and what it lacks as a character reference (WHATWG URL 4.4, query state). */
const withQueryIn = (encoding: string, reference: string): string => {
  let start = 0
  let end = reference.length
  while (start < end && isBlank(reference.charCodeAt(start))) start++
  while (end > start && isBlank(reference.charCodeAt(end - 1))) end--
  const mark = reference.indexOf("#", start)
  if (mark >= 0) end = mark
  const query = reference.slice(start, end).indexOf("?") + 1
  if (query === 0) return reference
  const text = reference.slice(start + query, end).replace(/[\t\n\r]/g, "")
  return reference.slice(start, start + query) + percentEncodeAfterEncoding(encoding, text, special)
}

/**
 * Resolves a reference; `undefined` where it leads to nothing that can be fetched: `mailto:`, a text that is no URL, one
 * longer than 8192 characters.
 *
 * @param base an absolute URL
 * @param encoding of the document, by its name in lower case
 */
export const resolve = (reference: string, base: string, encoding = "utf-8"): string | undefined => {
  if (reference.length > longest || isForeign(reference)) return undefined
  const output = Encoding.output(encoding)
  const isPlain = output === "utf-8" || !/[^\0-\x7f]/.test(reference)
  const url = Url.parse(isPlain ? reference : withQueryIn(output, reference), base)
  return typeof url === "string" && url.length <= longest ? url : undefined
}
