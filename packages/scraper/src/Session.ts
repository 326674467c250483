/**
 * One HTTP exchange: a request out, a response head and its bytes back.
 *
 * The interface is made of plain callbacks, because it is the hot path: a
 * promise, a stream or a fiber for each request costs more than the request
 * (`benchmark/`). Nothing of a transport shows through it, so a second one can
 * stand beside `session/HttpSession.ts`.
 *
 * A session follows redirects, sends cookies and credentials, keeps connections
 * and watches its clocks. It does not retry, decode content or judge statuses.
 */
import * as Context from "effect/Context"
import type { FetchReason } from "./FetchError.ts"
import type { Subject } from "./Subject.ts"

/** What to ask for. Always a GET. */
export interface Request {
  /** As `Url.parse` gives it. User name and password in it are sent as Basic credentials (RFC 7617) to its own origin only. */
  readonly url: string
  /** Further fields for this request (`range`, `if-range`, `if-none-match`), lower case, sent on every hop. */
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds in which the exchange must end, and how many of them are gone by now. */
  readonly maxTimeMs?: number
  readonly spentMs?: number
  /**
   * Whether a redirect is followed to this URL, `asked` up to it, before which its host asks to wait for so long; absent:
   * all are. Otherwise the exchange ends with `RedirectError`, `kind` `scope`.
   */
  readonly follows?: (url: URL, asked: ReadonlyArray<string>, retryAfterMs?: number) => boolean
  /** Redirects of `url` led there before, by what was `asked`: it goes on from there, as a redirect would. */
  readonly from?: { readonly url: string; readonly asked: ReadonlyArray<string> }
  /** A redirect of another origin led there: what the user has sent is not for it. */
  readonly isForeign?: boolean
}

/** The head of the last response: the one after all redirects. */
export interface ResponseHead {
  readonly status: number
  /** Where the response came from, without credentials and fragment. */
  readonly url: string
  /** The value of a field, lines joined by `", "`; the name in lower case. */
  readonly header: (name: string) => string | undefined
  /** Its status line and fields as they came, each octet a character, where the transport tells them. */
  readonly text?: string
  /** Its reason phrase, where the transport tells that but no `text`. */
  readonly reason?: string
  /** All fields, one for each line, where the transport tells them. */
  readonly fields?: () => ReadonlyArray<readonly [name: string, value: string]>
  /** What it answers, where the transport tells that. */
  readonly request?: SentRequest
  /** The IP address that was connected to for it; absent where a proxy did that. */
  readonly address?: string
}

/** A request as its origin got it. */
export interface SentRequest {
  /** Path and query. */
  readonly target: string
  /** Name, value, name, value ... */
  readonly fields: ReadonlyArray<string>
}

/** A redirect, followed or not, with its body as far as it was heard: it is heard for the sake of the connection. */
export interface RedirectAnswer {
  readonly head: ResponseHead
  readonly body: Uint8Array
  readonly isWhole: boolean
}

/** From then on (by `performance.now`) a connection was busy with this; `open`: it stood. */
export interface OpeningMark {
  readonly phase: "dns" | "connect" | "tls" | "open"
  readonly atMs: number
}

/**
 * Takes one response. The order is: `onHead` once, `onData` any number of
 * times, then `onEnd`; or `onError` once, at any point, and nothing after it.
 * `onEnd` means the framing was complete (RFC 9112 8): the declared length, the
 * last chunk, or, for a response without either, the end of the connection.
 */
export interface Receiver {
  /** What the response is for; absent where it is for no target. */
  readonly target?: Subject
  /**
   * How the connection came to be that was made for it, as far as it came; told before `onSent` or the end, not where
   * the connection was used before.
   */
  readonly onOpening?: (marks: ReadonlyArray<OpeningMark>) => void
  /** The request goes out on a connection; told for each hop. Without it `adaptive` learns from no answer. */
  readonly onSent?: () => void
  /** It is to be sent once more, to where a redirect leads or because its connection was closing, and waits for a connection. */
  readonly onAgain?: () => void
  /** A redirect is over: told before what comes of it. Its body is kept for this only. */
  readonly onRedirect?: (answer: RedirectAnswer) => void
  readonly onHead: (head: ResponseHead) => void
  /** `chunk` belongs to the session again when this returns: copy what is to be kept. */
  readonly onData: (chunk: Uint8Array) => void
  readonly onEnd: () => void
  readonly onError: (reason: FetchReason) => void
}

/** A running exchange. */
export interface Transfer {
  /** Stops `onData` soon (chunks already read may still come), and the stall clock with it. */
  readonly pause: () => void
  readonly resume: () => void
  /** Ends the exchange: the receiver hears nothing more, the connection is closed or reused. */
  readonly abort: () => void
}

/** Counters and gauges since the session was made. */
export interface SessionStatistics {
  readonly requests: number
  readonly redirects: number
  readonly inFlight: number
  readonly bytesReceived: number
}

/**
 * Performs exchanges. What goes wrong reaches `onError`, never before `open` has
 * returned. What `open` throws is a bug, and ends the run.
 *
 * A run makes its own (`session/HttpSession.ts`). One that is provided takes its place, and what options say of connections, addresses
 * and cookies is its business. `testing/StubSession.ts` is a small one.
 */
export class Session extends Context.Service<
  Session,
  {
    readonly open: (request: Request, receiver: Receiver) => Transfer
    readonly statistics: () => SessionStatistics
  }
>()("@simul/scraper/Session") {}
