/**
 * What goes wrong in the lane, under the names and codes that undici and llhttp
 * use for it: whoever reads errors of the one transport reads those of the other.
 */

export class LaneFault extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
    if (code.startsWith("HPE_")) this.name = "HTTPParserError"
  }
}

/** The server ended the connection. */
export const closed = () => new LaneFault("UND_ERR_SOCKET", "other side closed")

/** Bytes that no request asked for. */
export const unasked = () => new LaneFault("HPE_INVALID_CONSTANT", "bytes before the request")

/** The lane itself was ended. */
export const destroyed = () => new LaneFault("UND_ERR_DESTROYED", "the lane is destroyed")

/** A head or a trailer section without end. */
export const overflow = () => new LaneFault("UND_ERR_HEADERS_OVERFLOW", "the header section is too large")

/** A request that cannot be written. */
export const unsendable = (message: string) => new LaneFault("UND_ERR_INVALID_ARG", message)
