/** The name of a field, as far as a user may set one. */

/** Fields that frame a message or belong to the connection (RFC 9110 7.6.1): not a user's to set. */
const ours = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

/** RFC 9110 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

export const isToken = (name: string): boolean => token.test(name)

/** Whether it is set by whoever has the connection, and nobody else. */
export const isOurs = (name: string): boolean => ours.has(name.toLowerCase())
