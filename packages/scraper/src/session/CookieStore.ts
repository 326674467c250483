/**
 * Where a jar keeps its cookies, and finds those of a host: under its name, and under each that the name ends in (RFC
 * 6265bis 5.1.3). `tough-cookie` looks under the names of registrable domains alone: it throws for a host that is called
 * `test`, and finds nothing of one whose name ends with a dot.
 */
import { type Cookie, MemoryCookieStore } from "tough-cookie"

type Found = (error: Error | null, cookies?: Array<Cookie>) => void

export class CookieStore extends MemoryCookieStore {
  /** Those that may fit: the jar holds each against host and path. */
  override findCookies(host: string, path: string, special?: boolean): Promise<Array<Cookie>>
  override findCookies(host: string, path: string, special?: boolean, found?: Found): void
  override findCookies(host: string, _path: string, _special?: boolean, found?: Found): Promise<Array<Cookie>> | void {
    const labels = host.split(".")
    const cookies = labels
      .map((_, index) => this.idx[labels.slice(index).join(".")])
      .flatMap((paths) => Object.values(paths ?? {}).flatMap(Object.values<Cookie>))
    return found === undefined ? Promise.resolve(cookies) : found(null, cookies)
  }
}
