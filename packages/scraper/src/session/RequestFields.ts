/**
 * The header fields of a request, as the flat list of names and values that goes
 * out. Names are in lower case, as HTTP/2 wants them.
 */
import * as querystring from "node:querystring"
import * as Effect from "effect/Effect"
import * as FieldName from "../FieldName.ts"
import * as FieldValue from "../FieldValue.ts"
import * as OptionError from "../RunError.ts"

/** Name, value, name, value ... */
export type Fields = ReadonlyArray<string>

/**
 * The user's fields, in lower case; fails with `OptionUnusable` on one that cannot be sent. The value is not told: it
 * may be a secret.
 */
export const user = Effect.fnUntraced(function* (headers: ReadonlyArray<readonly [string, string]>) {
  const fields: Array<string> = []
  for (const [name, text] of headers) {
    const detail = !FieldName.isToken(name)
      ? "is no field name"
      : FieldName.isOurs(name)
        ? "is set by the connection itself"
        : FieldValue.isSendable(text)
          ? undefined
          : "has a value with characters that a field cannot carry"
    if (detail !== undefined) return yield* new OptionError.OptionUnusable({ option: "headers", value: name, detail })
    fields.push(name.toLowerCase(), text)
  }
  return fields
})

/** `fields` followed by `further`, whose names replace those before. */
export const override = (fields: Fields, further: Fields): Fields => {
  if (further.length === 0) return fields
  const names = new Set<string>()
  for (let i = 0; i < further.length; i += 2) names.add(further[i] ?? "")
  const isKept = (_: string, index: number) => !names.has(fields[index - (index % 2)] ?? "")
  return fields.filter(isKept).concat(further)
}

/** Adds the cookies of the jar to those a user gave by hand: two `cookie` lines would break RFC 6265 5.4. */
export const withCookie = (fields: Fields, cookie: string): Fields => {
  const at = fields.findIndex((name, index) => index % 2 === 0 && name === "cookie")
  return override(fields, ["cookie", at === -1 ? cookie : `${fields[at + 1]}; ${cookie}`])
}

/** The value of `authorization` for the credentials of a URL (RFC 7617), in UTF-8. */
export const basic = (url: { readonly username: string; readonly password: string }): string | undefined =>
  url.username === "" && url.password === ""
    ? undefined
    : `Basic ${Buffer.from(`${decode(url.username)}:${decode(url.password)}`).toString("base64")}`

/** Percent-decoding that takes what is no escape as it is. */
export const decode: (text: string) => string = querystring.unescape
