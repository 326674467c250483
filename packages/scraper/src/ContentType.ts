/** The type that a Content-Type tells, and which one counts where it tells several, as they come through proxies. */

/** Of a list: a comma within quotes is a part of a value. */
const member = /(?:[^",]|"(?:[^"\\]|\\[^]?)*(?:"|$))+/g
const essenceIn = /^[\t ]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[\t ]*(?:;|$)/
const charset = /;[\t ]*charset=[^;\t ]/i

/**
 * The last that is a type and no wildcard, as it stands there; or the one of the same type before it, if that alone names
 * a charset (Fetch, extract a MIME type). The value itself, where it tells one or none.
 *
 * @param value its lines joined by commas
 */
export const of = (value: string): string => {
  if (!value.includes(",")) return value
  let chosen = value
  let essence = ""
  for (const [text] of value.matchAll(member)) {
    const found = essenceIn.exec(text)?.[1]?.toLowerCase()
    if (found === undefined || found === "*/*") continue
    if (found !== essence || charset.test(text)) chosen = text.trim()
    essence = found
  }
  return chosen
}

/** A site says it in the same words for all of its pages, and each is asked several times. */
let latest = { contentType: "", essence: "" }

/** The type itself, without its parameters, in lower case; empty where there is none. */
export const essence = (contentType = ""): string => {
  if (contentType !== latest.contentType) {
    const end = contentType.indexOf(";")
    latest = { contentType, essence: (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase() }
  }
  return latest.essence
}

/** The types of HTML pages. */
export const pages: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"])
