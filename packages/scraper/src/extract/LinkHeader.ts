/**
 * The links of a `Link` field (RFC 8288 3), read as browsers read it: what breaks the grammar is passed over.
 */

export interface HeaderLink {
  /** As it is written, not resolved. */
  readonly target: string
  /** Its relations in lower case, divided by blanks; empty for none. */
  readonly rel: string
}

/** `; name="value"`, `; name=value`, `; name`. */
const parameter = /[ \t]*;[ \t]*([^ \t=;,"]*)[ \t]*(?:=[ \t]*(?:"((?:[^"\\]|\\[^])*)"?|([^;,]*)))?/y

/** Reads a field value, lines joined by commas. */
export const parse = (value: string): ReadonlyArray<HeaderLink> => {
  const links: Array<HeaderLink> = []
  let at = 0
  while (true) {
    const open = value.indexOf("<", at)
    const close = open < 0 ? -1 : value.indexOf(">", open)
    if (close < 0) return links
    let rel: string | undefined
    parameter.lastIndex = at = close + 1
    for (let match = parameter.exec(value); match !== null; match = parameter.exec(value)) {
      at = parameter.lastIndex
      // the first one counts (3.3)
      if (match[1]!.toLowerCase() === "rel") rel ??= (match[2] ?? match[3] ?? "").trim().toLowerCase()
    }
    links.push({ target: value.slice(open + 1, close).trim(), rel: rel ?? "" })
  }
}
