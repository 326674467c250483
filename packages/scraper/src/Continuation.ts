/** Whether an answer continues a part that an earlier attempt left (RFC 9110 13.1.5, 14.4, 15.3.7, 15.5.17). */
import * as Decode from "./Decode.ts"
import * as FieldValue from "./FieldValue.ts"
import { httpDateMs } from "./HttpDate.ts"
import type { ResponseHead } from "./Session.ts"
import type { Partial } from "./Target.ts"

type Head = Pick<ResponseHead, "header">

/** A field that tells versions apart; one that cannot be sent back is none. */
export const validator = (head: Head, name: "etag" | "last-modified"): string | undefined => {
  const value = head.header(name)
  return value !== undefined && FieldValue.isSendable(value) ? value : undefined
}

/**
 * What may be sent in If-Range and makes a range trustworthy: a strong ETag (RFC 9110 13.1.5, 8.8.3), or a
 * Last-Modified at least a second before Date (8.8.2.2).
 */
export const strongValidator = (head: Head): string | undefined => {
  const etag = validator(head, "etag")
  if (etag !== undefined) return etag.startsWith("W/") || !etag.startsWith('"') ? undefined : etag
  const modified = validator(head, "last-modified")
  const date = head.header("date")
  if (modified === undefined || date === undefined) return undefined
  return httpDateMs(date) - httpDateMs(modified) >= 1000 ? modified : undefined
}

/** The numbers of a Content-Range (RFC 9110 14.4); `first` is absent in `bytes *\/N`, `total` where it is unknown. */
const contentRange = (
  value: string | undefined
): { readonly first?: number; readonly last?: number; readonly total?: number } | undefined => {
  const found = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? "")
  if (found === null) return undefined
  const [, first, last, total] = found
  // invalid, and nothing may be combined with it
  if (Number(last) < Number(first)) return undefined
  return {
    ...(first === undefined ? {} : { first: Number(first), last: Number(last) }),
    ...(total === "*" ? {} : { total: Number(total) })
  }
}

/** What a head says of the length of its body: bytes. */
export const contentLength = (head: Head): number | undefined => {
  const value = head.header("content-length")
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

/** Whether an answer names another version than the part is of: its own field tells, where there is one. */
const changed = (head: Head, validator: string): string | undefined => {
  const told = head.header(validator.startsWith('"') ? "etag" : "last-modified")
  return told === undefined || told === validator ? undefined : `the validator changed from ${validator} to ${told}`
}

/**
 * How many bytes the part comes to with the rest that a 206 brings, or why it does not continue the part. A range need not
 * reach as far as was asked (RFC 9110 14.2), so somebody must have told where the body ends.
 */
export const whole = (head: Head, offset: number, { total, validator }: Partial): number | string => {
  const range = contentRange(head.header("content-range"))
  if (range?.first === undefined) return "a 206 without a readable Content-Range"
  if (range.first !== offset) return `asked for byte ${offset}, got ${range.first}`
  if (total !== undefined && range.total !== undefined && range.total !== total)
    return `the length changed from ${total} to ${range.total}`
  const length = range.total ?? total
  if (length === undefined) return "a range of a body whose length nobody tells"
  if (range.last !== length - 1) return `the range ends at ${range.last} of ${length} bytes`
  const declared = contentLength(head)
  if (declared !== undefined && declared !== length - offset)
    return `${declared} bytes for a range of ${length - offset}`
  if (Decode.codings(head.header("content-encoding")).length > 0) return "a coded range"
  return changed(head, validator) ?? length
}

/** Whether a 416 says that the part is the whole body. */
export const isWhole = (head: Head, bytes: number, { total = bytes, validator }: Partial): boolean =>
  total === bytes &&
  contentRange(head.header("content-range"))?.total === bytes &&
  changed(head, validator) === undefined
