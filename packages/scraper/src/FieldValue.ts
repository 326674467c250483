/** The value of a field as HTTP carries it: octets, a character each. */

const isBlank = (code: number) => code === 32 || code === 9

/**
 * Without the blanks around it (RFC 9110 5.5). `trim` would take more: the octet 0xA0 too, with which `à` ends in UTF-8.
 */
export const trimmed = (text: string): string => {
  let from = 0
  let to = text.length
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  while (from < to && isBlank(text.charCodeAt(from))) from++
  return text.slice(from, to)
}

const octets = /^[\t\x20-\x7e\x80-\xff]*$/

/** What may be sent, as messages say it. */
export const sendable = "without line breaks, control characters or characters outside Latin-1"

/** Whether it may be sent. A server may tell us more: control octets (RFC 9110 5.5). */
export const isSendable = (text: string): boolean => octets.test(text)
