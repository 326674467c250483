/**
 * The style sheet that an XML document names before its first element
 * (https://www.w3.org/TR/xml-stylesheet/).
 */

const instruction =
  /^xml-stylesheet(?:[\t\n\r ]+[^\t\n\r =]+[\t\n\r ]*=[\t\n\r ]*(?:"[^"]*"|'[^']*'))*?[\t\n\r ]+href[\t\n\r ]*=[\t\n\r ]*(?="([^"]*)"|'([^']*)')/

/**
 * Where the URL stands in a processing instruction, of which `text` is what follows `<?`; `undefined` in one that names
 * none.
 */
export const place = (
  text: string
): { readonly start: number; readonly end: number; readonly quote: '"' | "'" } | undefined => {
  const [before, double, single] = instruction.exec(text) ?? []
  if (before === undefined) return undefined
  const start = before.length + 1
  return double === undefined
    ? { start, end: start + single!.length, quote: "'" }
    : { start, end: start + double.length, quote: '"' }
}
