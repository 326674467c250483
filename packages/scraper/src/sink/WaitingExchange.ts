/** An exchange that is whole and waits to be archived: the part of a target, or what is kept besides. */
import type { ResponseHead } from "../Session.ts"
import type { Aside, Truncation } from "../Sink.ts"
import type { Fields } from "../warc/WarcRecord.ts"
import * as WarcRecord from "../warc/WarcRecord.ts"
import type * as ArchiveFile from "./ArchiveFile.ts"
import type * as PartFile from "./PartFile.ts"

/** The fields of a head whose transport tells them only by name: those that describe an answer and its body. */
const usual = [
  "date",
  "server",
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-location",
  "content-disposition",
  "content-security-policy",
  "transfer-encoding",
  "cache-control",
  "expires",
  "age",
  "etag",
  "last-modified",
  "vary",
  "link",
  "accept-ranges"
]
const fieldsOf = (head: ResponseHead): Fields => {
  if (head.fields !== undefined) return head.fields()
  const fields: Array<readonly [string, string]> = []
  for (const name of usual) {
    const value = head.header(name)
    if (value !== undefined) fields.push([name, value])
  }
  return fields
}

export type WaitingExchange =
  | {
      readonly part: PartFile.PartFile
      readonly head: ResponseHead
      readonly dateMs: number
      readonly truncated?: Truncation
    }
  | { readonly part?: undefined; readonly head: ResponseHead; readonly dateMs: number; readonly aside: Aside }

/** As it is written. */
export const toExchange = (one: WaitingExchange): ArchiveFile.Exchange => {
  const { head, dateMs } = one
  const { status, text, reason, request } = head
  const body = one.part === undefined ? one.aside.body : { file: one.part.file, bytes: one.part.bytes }
  const fields = text === undefined ? fieldsOf(head) : []
  return {
    targetUri: head.url,
    address: head.address,
    dateMs,
    head: WarcRecord.httpHead({ status, text, reason, fields }, "file" in body ? body.bytes : body.length),
    request: request && WarcRecord.requestHead(request.target, request.fields),
    body,
    truncated: one.part === undefined ? one.aside.truncated : one.truncated
  }
}
