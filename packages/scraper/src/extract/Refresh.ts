/** Where the URL stands in such a value. */
export const place = (value: string): { readonly start: number; readonly end: number } | undefined => {
  const match =
    /^[\t\n\f\r ]*[\d.]+(?:[\t\n\f\r ]*[;,]|[\t\n\f\r ])[\t\n\f\r ]*(?:url[\t\n\f\r ]*=[\t\n\f\r ]*)?/i.exec(value)
  if (match === null) return undefined
  const quote = value[match[0].length]
  const isQuoted = quote === '"' || quote === "'"
  const from = match[0].length + (isQuoted ? 1 : 0)
  const close = isQuoted ? value.indexOf(quote, from) : -1
  const text = value.slice(from, close < 0 ? value.length : close)
  // as the URL parser takes it: `trim` would take blanks of Unicode too, which are of the URL
  const start = from + /^[\0- ]*/.exec(text)![0].length
  let end = from + text.length
  while (end > start && value.charCodeAt(end - 1) <= 32) end--
  return end <= start ? undefined : { start, end }
}

/**
 * The URL of a `Refresh` field or of `<meta http-equiv=refresh>` (HTML 4.2.5.3, shared declarative refresh steps);
 * `undefined` where it names none: then the page itself is meant.
 */
export const target = (value: string): string | undefined => {
  const found = place(value)
  return found && value.slice(found.start, found.end)
}
