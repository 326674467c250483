/**
 * The host that a crawl takes a URL to be of: the same with and without `www.`, for sites redirect from one to the other,
 * and by `http` or `https`, unless a port is named.
 */

/** Host and, if it is not the scheme's own, port. */
export const of = (url: URL): string => url.host.replace(/^www\./, "").replace(/\.(?=(?::\d+)?$)/, "")
