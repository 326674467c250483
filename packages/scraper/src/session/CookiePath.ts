/**
 * The URL that `tough-cookie` is asked about, where paths match as they are written (RFC 6265bis 5.1.4). It takes escapes
 * out of a URL's path and not out of a cookie's, so it would send nothing for `Path=/a%20b`, and `/a%5Cb` for `/a\b`.
 */
export const located = (url: string): URL => {
  const location = new URL(url)
  // what is taken out is an escape of the sign that escapes begin with
  if (location.pathname.includes("%")) location.pathname = location.pathname.replaceAll("%", "%25")
  return location
}
