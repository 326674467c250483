/** A URL as a person types it. */
import { printable } from "./Printable.ts"

/** As it may be shown. */
export const withoutSecrets = (text: string): string => printable(text.replace(/(^|\/\/)[^/@]*@/, "$1***@"))

/**
 * What begins like a host, and is no name of a page, as the URL that may be meant. Who names a port seldom means one with
 * TLS.
 */
export const withScheme = (text: string): string | undefined =>
  /^(?![^/]+\.(?:html?|warc|wacz|gz)$)[^\s/:]+(\.[^\s/:]+|:\d+)([/?#]|$)/.test(text) && URL.canParse(`https://${text}`)
    ? `${/^[^/]+:\d/.test(text) ? "http" : "https"}://${withoutSecrets(text)}`
    : undefined
