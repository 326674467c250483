/**
 * HTTP dates (RFC 9110 5.6.7). Of the three forms to be read that of C's
 * `asctime` names no zone: it means UTC all the same, and not this machine's.
 */

/** Milliseconds since the epoch; `NaN` where the text is no date. */
export const httpDateMs = (text: string): number => Date.parse(/[a-z]$|[+-]\d{4}$/i.test(text) ? text : `${text} GMT`)
