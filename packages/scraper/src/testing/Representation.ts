/**
 * Something a site can serve: content with its validators, and the rules of
 * conditional and range requests (RFC 9110 13 and 14), kept exactly unless a
 * `Deviation` says otherwise.
 */
import type * as Content from "./Content.ts"
import { hash } from "./Content.ts"
import type { Exchange } from "./Exchange.ts"

/** Content with what a client may recognise it by. */
export interface Representation {
  readonly content: Content.Content
  readonly etag?: string
  readonly lastModified?: string
  /** Further header fields: name, value, name, value. */
  readonly fields?: ReadonlyArray<string>
}

/** One part of a representation as it will be announced and sent; `to` is exclusive. */
export interface Part {
  readonly from: number
  readonly to: number
  readonly total: number
  readonly etag: string | undefined
  /** Whether there is a Content-Range at all. */
  readonly stated: boolean
}

/** How a site departs from the standard when a range is asked for. */
export interface Deviation {
  /** The part to send instead of the right one. */
  readonly part?: (part: Part) => Part
  /** Ignores Range, with 200 and the whole content. */
  readonly ignoresRange?: boolean
  /** Answers every Range with 416. */
  readonly refusesRange?: boolean
}

const year = 365 * 24 * 3600

/** The representation of generated content: strong ETag and Last-Modified are functions of the name as well. */
export const of = (name: string, content: Content.Content): Representation => {
  const [first, second] = hash(name)
  return {
    content,
    etag: `"${first.toString(16)}-${second.toString(16)}-${content.size.toString(16)}"`,
    lastModified: new Date(Date.UTC(2024, 0, 1) + (first % year) * 1000).toUTCString(),
    fields: ["content-type", "application/octet-stream"]
  }
}

const opaque = (etag: string) => etag.replace(/^W\//, "")

const listed = (field: string, etag: string | undefined, strong: boolean): boolean =>
  field.trim() === "*" ||
  (etag !== undefined &&
    field.split(",").some((one) => {
      const candidate = one.trim()
      return strong ? candidate === etag && !etag.startsWith("W/") : opaque(candidate) === opaque(etag)
    }))

/** The single range asked for; `undefined`: none, or one to ignore; "unsatisfiable": 416 (RFC 9110 14.1.2). */
const rangeOf = (field: string, size: number): { from: number; to: number } | "unsatisfiable" | undefined => {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(field)
  if (match === null) return undefined
  const [, first = "", last = ""] = match
  if (first === "" && last === "") return undefined
  if (first === "") {
    const length = Math.min(Number(last), size)
    return length === 0 ? "unsatisfiable" : { from: size - length, to: size }
  }
  const from = Number(first)
  if (last !== "" && Number(last) < from) return undefined
  if (from >= size) return "unsatisfiable"
  return { from, to: last === "" ? size : Math.min(Number(last) + 1, size) }
}

/** Answers the exchange with the representation, or the part of it that was asked for. */
export const answer = (exchange: Exchange, representation: Representation, deviation: Deviation = {}): void => {
  const { content, etag, lastModified } = representation
  const asked = exchange.headers
  const fields = [...(representation.fields ?? [])]
  if (lastModified !== undefined) fields.push("last-modified", lastModified)
  const validated = etag === undefined ? fields : [...fields, "etag", etag]

  // The order of evaluation is that of RFC 9110 13.2.2.
  const ifMatch = asked["if-match"]
  if (ifMatch !== undefined && !listed(ifMatch, etag, true)) return exchange.text(412, "If-Match does not match\n")
  const ifNoneMatch = asked["if-none-match"]
  const ifModifiedSince = asked["if-modified-since"]
  if (ifNoneMatch !== undefined) {
    if (listed(ifNoneMatch, etag, false)) return exchange.send({ status: 304, fields: validated })
  } else if (ifModifiedSince !== undefined && lastModified !== undefined) {
    if (Date.parse(lastModified) <= Date.parse(ifModifiedSince)) {
      return exchange.send({ status: 304, fields: validated })
    }
  }
  if (!deviation.ignoresRange) validated.push("accept-ranges", "bytes")

  const ifRange = asked["if-range"]
  // Strong comparison: a weak validator never matches here (RFC 9110 13.1.5).
  const applies = ifRange === undefined || (ifRange === etag && !ifRange.startsWith("W/")) || ifRange === lastModified
  if (asked.range !== undefined && exchange.method === "GET" && !deviation.ignoresRange && applies) {
    const range = deviation.refusesRange ? "unsatisfiable" : rangeOf(asked.range, content.size)
    if (range === "unsatisfiable") {
      return exchange.text(416, "no such range\n", ["content-range", `bytes */${content.size}`])
    }
    if (range !== undefined) {
      const right = { ...range, total: content.size, etag, stated: true }
      const part = deviation.part === undefined ? right : deviation.part(right)
      if (part.etag !== undefined) fields.push("etag", part.etag)
      if (part.stated) fields.push("content-range", `bytes ${part.from}-${part.to - 1}/${part.total}`)
      return exchange.send({ status: 206, fields, content, from: part.from, to: part.to })
    }
  }
  exchange.send({ status: 200, fields: validated, content })
}
