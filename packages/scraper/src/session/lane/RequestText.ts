/**
 * A GET request as the characters that go out (RFC 9112 3). They are sent as
 * Latin-1: a character beyond it would lose its upper bits and could come out as
 * a line end, so it is refused like a line end.
 */
import * as FieldName from "../../FieldName.ts"
import * as FieldValue from "../../FieldValue.ts"
import type { Fields } from "../RequestFields.ts"
import { unsendable } from "./LaneFault.ts"

const target = /^\/[\x21-\x7e\x80-\xff]*$/

/**
 * Everything after the target: the same for all requests with the same fields. `host` stands in where the fields name
 * none. Throws `LaneFault`.
 */
export const tail = (host: string, fields: Fields, connection: "keep-alive" | "close"): string => {
  let named = host
  let lines = ""
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ""
    const text = fields[i + 1] ?? ""
    if (!FieldName.isToken(name)) throw unsendable("a field's name cannot be sent")
    if (!FieldValue.isSendable(text)) throw unsendable(`the value of ${name} cannot be sent`)
    if (name.toLowerCase() === "host") named = text
    else lines += `${name}: ${text}\r\n`
  }
  return ` HTTP/1.1\r\nhost: ${named}\r\nconnection: ${connection}\r\n${lines}\r\n`
}

/** The whole request. Throws `LaneFault`. */
export const get = (path: string, tail: string): string => {
  if (!target.test(path)) throw unsendable("the path cannot be sent")
  return `GET ${path}${tail}`
}
