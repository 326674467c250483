/**
 * From what came of asking for a robots.txt to what may be fetched
 * (RFC 9309 2.3.1 and 2.4). Pure: who asks, and when again, is decided elsewhere.
 *
 * What a file says holds for the origin that was asked first, wherever
 * redirects led (2.3.1.2).
 */
import * as Robots from "./Robots.ts"

/** RFC 9309 2.4: an older copy should not be used, unless the server cannot be reached. */
export const maxAgeMs = 86_400_000

/** What came of asking. */
export type Answer =
  /** The last response after all redirects. `body`: as decoded; what exceeds `Robots.maxBytes` may be left out. */
  | { readonly kind: "response"; readonly status: number; readonly body: Uint8Array }
  /** Redirects without end: more than a session follows (RFC 9309 2.3.1.2: at least five), a loop, or no usable target. */
  | { readonly kind: "redirects" }
  /** No whole response: no connection, a timeout, a cut or undecodable body. */
  | { readonly kind: "failed" }

/**
 * - `rules`: the file decides;
 * - `unavailable`: there is none, all is allowed (2.3.1.3);
 * - `unreachable`: nobody knows, nothing is allowed until the next try (2.3.1.4).
 */
export type Verdict =
  | { readonly kind: "rules"; readonly robots: Robots.Robots }
  | { readonly kind: "unavailable" }
  | { readonly kind: "unreachable" }

/**
 * What is kept of asking a host. An older copy than `maxAgeMs` counts only while the host cannot be had; then up to
 * `maxStaleMs`.
 */
export interface Copy {
  /** Its origin. */
  readonly host: string
  /** When it was asked: milliseconds since the epoch. */
  readonly askedMs: number
  readonly kind: Verdict["kind"]
  /** Of `rules`: the file, decoded, with a byte more than `Robots.maxBytes` where it is longer. */
  readonly body?: Uint8Array
  /** Of `unreachable`: why. */
  readonly fault?: string
}

/** RFC 9309 2.3.1.4: "a reasonably long period of time (for example, 30 days)". */
export const maxStaleMs = 30 * maxAgeMs

/** Where the robots.txt for `url` is. */
export const locationFor = (url: URL): string => `${url.origin}/robots.txt`

/**
 * Judges an answer. 2xx: the file counts. 4xx: there is none, except for 429, by which a server says that it is
 * overloaded: as 5xx, it forbids all for now. Redirects without end and any other status: there is none.
 */
export const judge = (answer: Answer): Verdict => {
  switch (answer.kind) {
    case "failed":
      return { kind: "unreachable" }
    case "redirects":
      return { kind: "unavailable" }
    case "response": {
      const { body, status } = answer
      if (status >= 200 && status < 300) return { kind: "rules", robots: Robots.parse(body) }
      return { kind: status >= 500 || status === 429 ? "unreachable" : "unavailable" }
    }
  }
}

/** May `productToken` fetch `url`, an URL of the origin that was asked? */
export const decide = (verdict: Verdict, productToken: string, url: string): Robots.Decision => {
  switch (verdict.kind) {
    case "rules":
      return Robots.decide(verdict.robots, productToken, url)
    case "unavailable":
      return { allowed: true }
    case "unreachable":
      return { allowed: false }
  }
}

/** The age of what is kept of a host: from its future, it is none. */
export const ageMs = ({ askedMs }: Copy, nowMs: number): number => (askedMs > nowMs ? Infinity : nowMs - askedMs)

/** Whether a copy counts, so that its host need not be asked. */
export const isCurrent = (copy: Copy, nowMs: number): boolean =>
  copy.kind !== "unreachable" && ageMs(copy, nowMs) < maxAgeMs

export const verdictOf = ({ kind, body = new Uint8Array() }: Copy): Verdict =>
  kind === "rules" ? { kind, robots: Robots.parse(body) } : { kind }
