/**
 * The URL of a `Refresh` field or of `<meta http-equiv=refresh>` (HTML 4.2.5.3, shared declarative refresh steps);
 * `undefined` where it names none: then the page itself is meant.
 */
export const target = (value: string): string | undefined => {
  const match = /^[\t\n\f\r ]*[\d.]+(?:[\t\n\f\r ]*[;,]|[\t\n\f\r ])[\t\n\f\r ]*/.exec(value)
  if (match === null) return undefined
  const text = value.slice(match[0].length).replace(/^url[\t\n\f\r ]*=[\t\n\f\r ]*/i, "")
  const quote = text[0]
  if (quote !== '"' && quote !== "'") return text.trim() || undefined
  const end = text.indexOf(quote, 1)
  return text.slice(1, end < 0 ? text.length : end).trim() || undefined
}
