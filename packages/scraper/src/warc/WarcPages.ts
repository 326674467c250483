/**
 * The HTML pages in WARC archives: of response records, those that a server
 * answered well, with content codings undone and bounded; of revisits, which
 * record has their body.
 */
import * as Result from "effect/Result"
import * as ContentType from "../ContentType.ts"
import { codings, make } from "../Decode.ts"
import { BadRecord, CutRecord, type PageError, Revisit, TooLarge } from "../extract/PageError.ts"
import * as WarcReader from "./WarcReader.ts"

/** A page as it is met. */
export interface WarcPage {
  readonly url: string
  readonly contentType: string | undefined
  /** By what revisits may refer to it: the digest of its body as it was sent, the name of the record, its URL and date. */
  readonly payload: ReadonlyArray<string>
  /** Its bytes, without codings. */
  readonly body: Result.Result<Uint8Array, PageError>
}

/**
 * Status and fields of a head of HTTP, the lines of one name as one. Its lines are octets; a folded one belongs to the one
 * before. Throws `MessageSyntaxError` where it is none.
 */
export const parseHead = (head: Uint8Array) => {
  const [first = "", ...lines] = new TextDecoder("latin1")
    .decode(head)
    .trimStart()
    .split(/\r?\n(?![\t ])/)
  const status = /^HTTP\/\S+ +(\d{3})/.exec(first)?.[1]
  if (status === undefined) throw new WarcReader.MessageSyntaxError("a message without a status line")
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    const before = fields.get(name)
    // lines of one name are one list (RFC 9110 5.3)
    const value = line
      .slice(colon + 1)
      .replace(/\r?\n[\t ]*/g, " ")
      .trim()
    if (name !== "") fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  const type = fields.get("content-type")
  if (type !== undefined) fields.set("content-type", ContentType.of(type))
  return { status: Number(status), fields }
}

/** Undoes chunks (RFC 9112 7.1); archives that undid them and kept the field are told by what does not fit. */
const withoutChunks = (body: Uint8Array): Uint8Array => {
  const parts: Array<Uint8Array> = []
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  for (let at = 0; ;) {
    const line = bytes.indexOf("\r\n", at)
    const size =
      line < 0 ? null : /^([0-9a-f]{1,8})\s*(?:;.*)?$/i.exec(bytes.toString("latin1", at, Math.min(line, at + 1024)))
    if (size === null) return body
    const [start, length] = [line + 2, Number.parseInt(size[1]!, 16)]
    if (length === 0) return Buffer.concat(parts)
    if (start + length > bytes.length) return body
    parts.push(bytes.subarray(start, start + length))
    at = start + length + 2
  }
}

const decode = (body: Uint8Array, applied: ReadonlyArray<string>, maxBytes: number) =>
  new Promise<Result.Result<Uint8Array, PageError>>((resolve) => {
    const chunks: Array<Uint8Array> = []
    const decoder = make(
      applied,
      { maxBytes },
      {
        data: (chunk) => chunks.push(chunk),
        drain: () => {},
        end: () => resolve(Result.succeed(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))),
        error: (reason) =>
          resolve(
            Result.fail(
              reason._tag === "TooLargeError" ? new TooLarge({ maxBytes }) : new BadRecord({ detail: reason.message })
            )
          )
      }
    )
    if ("_tag" in decoder) return resolve(Result.fail(new BadRecord({ detail: decoder.message })))
    decoder.write(body)
    decoder.end()
  })

/** What a server calls a page. It called it nothing: then its first bytes tell, which is up to the reader. */
const mayBePage = (contentType: string | undefined): boolean =>
  contentType === undefined || ContentType.pages.has(ContentType.essence(contentType))

const isWell = (status: number): boolean => status >= 200 && status < 300

/** Some write a URI in angle brackets, as early drafts had it. */
const bare = (uri: string): string => uri.replace(/^<|>$/g, "")

/** The name of its algorithm is written in either case. */
const digestOf = (record: WarcReader.WarcRecord) =>
  record.field("WARC-Payload-Digest")?.replace(/^[^:]*:/, (algorithm) => algorithm.toLowerCase())

/** By what a revisit refers to another record, and when that was made; `undefined` where it does not say. */
const referenceOf = (record: WarcReader.WarcRecord) => {
  const payload = digestOf(record) ?? record.field("WARC-Refers-To")
  const date = record.field("WARC-Refers-To-Date")
  if (payload !== undefined) return { payload, date }
  const url = record.field("WARC-Refers-To-Target-URI")
  return url === undefined || date === undefined ? undefined : { payload: `${bare(url)} of ${date}` }
}

/** Its block is the head of an answer, or empty; that of a 304 says nothing of what it is about. */
const revisitOf = async (record: WarcReader.WarcRecord, url: string): Promise<WarcPage | undefined> => {
  const reference = referenceOf(record)
  const isEmpty = Number(record.field("Content-Length")) === 0
  const head = isEmpty ? undefined : parseHead((await WarcReader.message(record.block)).head)
  const contentType = head?.fields.get("content-type")
  if (!(head === undefined || isWell(head.status) || head.status === 304) || !mayBePage(contentType)) return undefined
  if (reference === undefined) {
    // of what nobody called a page nothing is known
    if (contentType === undefined) return undefined
    const detail = "a revisit that does not say which record has its body"
    return { url, contentType, payload: [], body: Result.fail(new BadRecord({ detail })) }
  }
  return { url, contentType, payload: [], body: Result.fail(new Revisit(reference)) }
}

const responseOf = async (
  record: WarcReader.WarcRecord,
  url: string,
  maxBytes: number
): Promise<WarcPage | undefined> => {
  const payload = [digestOf(record), record.field("WARC-Record-ID"), `${url} of ${record.field("WARC-Date")}`].filter(
    (key) => key !== undefined
  )
  const { head, payload: sent } = await WarcReader.message(record.block)
  const { status, fields } = parseHead(head)
  const contentType = fields.get("content-type")
  if (!isWell(status) || !mayBePage(contentType)) return undefined
  const about = { url, contentType, payload }
  const why = record.field("WARC-Truncated")
  if (why !== undefined) return { ...about, body: Result.fail(new CutRecord({ why })) }
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  for await (const chunk of sent) {
    bytes += chunk.length
    if (bytes > maxBytes) return { ...about, body: Result.fail(new TooLarge({ maxBytes })) }
    chunks.push(chunk)
  }
  const received = Buffer.concat(chunks)
  const framed = /\bchunked\b/i.test(fields.get("transfer-encoding") ?? "") ? withoutChunks(received) : received
  return { ...about, body: await decode(framed, codings(fields.get("content-encoding")), maxBytes) }
}

/** The page of a record; `undefined` where it is none. Throws `WarcSyntaxError` where the archive is damaged. */
export const ofRecord = async (record: WarcReader.WarcRecord, maxBytes: number): Promise<WarcPage | undefined> => {
  const uri = record.field("WARC-Target-URI")
  const url = uri === undefined ? undefined : bare(uri)
  const type = record.field("WARC-Type")
  if ((type !== "response" && type !== "revisit") || url === undefined || !/^https?:/i.test(url)) return undefined
  try {
    return await (type === "revisit" ? revisitOf(record, url) : responseOf(record, url, maxBytes))
  } catch (error) {
    if (!(error instanceof WarcReader.MessageSyntaxError)) throw error
    return { url, contentType: undefined, payload: [], body: Result.fail(new BadRecord({ detail: error.message })) }
  }
}
