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
/** Whether it names a scheme that is not fetched, such as `mailto:`. */
export const isForeign = (reference: string): boolean => {
  const found = scheme.exec(reference)?.[1]
  return found !== undefined && !/^https?$/i.test(found)
}

/** WHATWG URL 1.3, the special-query percent-encode set. */
const special = " \"#'<>"

const isBlank = (code: number) => code <= 0x20

/**
 * The reference with its query in the octets of the encoding, and what it lacks as a character reference (WHATWG URL
 * 4.4, query state).
 */
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

/** A path that is written as WHATWG URL writes it, from the root or from the folder of the base, and a fragment. */
const plain = /^(?:\/(?![/\\])|(?=[\w~-]))([\w.~!$&'()*+,;=@/-]*)(?:#.*)?$/
const dots = /(?:^|\/)\.\.?(?:\/|$)/

/**
 * What precedes the path of a base, and its path up to the last slash, and up to those before. Pages are read one after
 * the other.
 */
let folder = { base: "", origin: "", root: "", path: "", above: [""] }
export const folderOf = (base: string) => {
  if (base !== folder.base) {
    const url = Url.parse(base)
    const path = typeof url === "string" ? url.slice(0, (url.indexOf("?") + 1 || url.length + 1) - 1) : ""
    const slash = path.indexOf("/", path.indexOf("://") + 3)
    const origin = path.slice(0, slash)
    folder = {
      base,
      // the same string, where it is the same: comparing that is one of addresses
      origin: origin === folder.origin ? folder.origin : origin,
      root: path.slice(0, slash + 1),
      path: path.slice(0, path.lastIndexOf("/") + 1),
      above: []
    }
  }
  return folder
}

/** The same as `Url.parse`, for most references of most pages, at a tenth of the cost. */
const resolvePlain = (reference: string, base: string): string | undefined => {
  const found = plain.exec(reference)
  if (found === null || dots.test(found[1]!)) return undefined
  const { root, path } = folderOf(base)
  return root === "" ? undefined : (reference.startsWith("/") ? root : path) + found[1]!
}

/** What may be another octet in some encoding; of controls, those that ISO-2022-JP has a use for (Encoding 12.2.2). */
const notPlain = /[^\t\n\r -~]/

/** The folder so many levels above that of the base; above the root there is none. */
const folderAbove = (base: string, levels: number): string => {
  const { above, root, path } = folderOf(base)
  for (let i = above.length; i < levels; i++) {
    const below = above[i - 1] ?? path
    above.push(below.length > root.length ? below.slice(0, below.lastIndexOf("/", below.length - 2) + 1) : below)
  }
  return above[levels - 1] ?? path
}

/** More of them are resolved. */
const mostLevels = 32

/** The place after the `./` and `../` that a reference begins with. */
export const afterDots = (bytes: Uint8Array, from: number, to: number): number => {
  let at = from
  for (;;) {
    const next = at + 1 < to && bytes[at] === dot ? (bytes[at + 1] === dot ? at + 2 : at + 1) : to
    if (next >= to || bytes[next] !== slash) return at
    at = next + 1
  }
}

/**
 * What stands before a reference in the URL that it leads to, if it is written as that URL is: nothing before a whole
 * one, the origin before `/a`, the folder of the base before `a`. `undefined` where more is to be done than to join them.
 * So what has been resolved once is known again without doing so. The reference is the bytes from one place to another,
 * and what the URL has of it begins at `start`: `afterDots`.
 *
 * @param base an absolute URL
 */
export const prefix = (
  bytes: Uint8Array,
  from: number,
  start: number,
  to: number,
  base: string
): string | undefined => {
  if (start > from) {
    let levels = 0
    for (let at = from; at < start; at += 2)
      if (bytes[at + 1] === dot) {
        levels++
        at++
      }
    return levels > mostLevels ? undefined : folderAbove(base, levels)
  }
  if (from === to) return undefined
  const first = bytes[from]!
  if (first === slash) {
    const second = from + 1 < to ? bytes[from + 1] : undefined
    return second === slash || second === backslash ? undefined : folderOf(base).origin
  }
  for (let at = from; at < to; at++)
    if (bytes[at] === colon) return begins(bytes, from, "http://") || begins(bytes, from, "https://") ? "" : undefined
  return isWordCode(first) ? folderOf(base).path : undefined
}
const begins = (bytes: Uint8Array, from: number, text: string) => {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return true
}
const colon = 0x3a
const dot = 0x2e
const slash = 0x2f
const backslash = 0x5c
const isWordCode = (code: number) =>
  (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) || code === 0x5f || code === 0x7e

/**
 * Resolves a reference; `undefined` where it leads to nothing that can be fetched: `mailto:`, a text that is no URL, one
 * longer than 8192 characters.
 *
 * @param base an absolute URL
 * @param encoding of the document, by its name in lower case
 */
export const resolve = (reference: string, base: string, encoding = "utf-8"): string | undefined => {
  if (reference.length > longest) return undefined
  const simple = resolvePlain(reference, base)
  if (simple !== undefined) return simple.length <= longest ? simple : undefined
  if (isForeign(reference)) return undefined
  const output = Encoding.output(encoding)
  const isPlain = output === "utf-8" || !notPlain.test(reference)
  const url = Url.parse(isPlain ? reference : withQueryIn(output, reference), base)
  return typeof url === "string" && url.length <= longest ? url : undefined
}

/** Whether a `<base href>` says nothing since it has a scheme that none may have (HTML 4.2.3). */
export const isNoBase = (href: string): boolean => /^[\0- ]*(?:data|javascript):/i.test(href)

/** Stands for any base that is not fetched, to which all that is relative leads nowhere: a long one is parsed for each link. */
const nowhere = "about:blank"

/**
 * What references are relative to by a `<base href>` (HTML 4.2.3); `undefined` where it says nothing. Of one with a scheme
 * that is not fetched, `resolve` leads nowhere with what is relative.
 *
 * @param url of the document
 */
export const base = (href: string, url: string, encoding: string): string | undefined =>
  resolve(href, url, encoding) ?? (isForeign(href) && !isNoBase(href) && URL.canParse(href) ? nowhere : undefined)
