/** What a run is asked to do, what holds where nothing is said, and what each option may be. */
import * as FieldValue from "./FieldValue.ts"
import * as OptionKind from "./OptionKind.ts"
import type { Outcome } from "./Outcome.ts"
import type { Recorder } from "./Recorder.ts"

/** What a run is asked to do. In brackets: what holds where nothing is said; what has no bracket is off. */
export interface Options {
  /** Where files go; the state lives in `.simul/` below it. [`.`] */
  readonly directory: string
  /** Transfers in flight, as far as the system has files for them, and 10,000 at most. [64] */
  readonly jobs: number
  /** Transfers in flight to one host. [6] */
  readonly perHost: number
  /** Milliseconds between the starts of two requests to one host. [0] */
  readonly delayMs: number
  /**
   * Keeps about so many requests under way at a host, by how long its answers take; it may be a fraction. Absent: the
   * delay stays as it is.
   */
  readonly adaptive?: number
  /** Milliseconds to which `adaptive` lengthens the delay at most. [60,000] */
  readonly maxDelayMs: number
  /** Bytes a second, all transfers together; absent: no bound. */
  readonly rate?: number
  /** Obey robots.txt. [`false`; of a crawl `true`] */
  readonly robots: boolean
  /** Attempts after the first, for faults that may pass. [4] */
  readonly retries: number
  /** The longest first wait before another attempt, in milliseconds; it doubles each time, up to a minute. [1,000] */
  readonly backoffMs: number
  /** Milliseconds without a byte, before and within the body. [30,000] */
  readonly timeoutMs: number
  /** Milliseconds until a connection stands, all addresses of its host and TLS included. [10,000] */
  readonly connectTimeoutMs: number
  /** Milliseconds for all attempts at a target, with their redirects and the waits between them; not for its turn at a host. */
  readonly maxTimeMs?: number
  /** Bytes of a body after decoding. */
  readonly maxSize?: number
  /** Name and contact that servers are told. [`simul`, its version and its page] */
  readonly userAgent: string
  /** Sent to the origin of each target, never to another one on redirect. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** The origins that get `headers`; absent: those of all targets. */
  readonly headersFor?: ReadonlyArray<string>
  /** Proxy for all requests; absent: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` decide. */
  readonly proxy?: string
  /** PEM file of certificates to trust besides the usual ones. */
  readonly cacert?: string
  /** Do not verify certificates. */
  readonly insecure: boolean
  /** Netscape cookie file, read at the start, written at the end. */
  readonly cookieJar?: string
  /** Refuse loopback, private and link-local addresses when connecting; or those but for the networks that these lie in. */
  readonly denyPrivate: boolean | ReadonlyArray<string>
  /**
   * Ask again, conditionally, for what is already saved. Of a list in a file, and of a crawl, a refresh that was
   * stopped goes on.
   */
  readonly refresh: boolean
  /** `process`: survives `kill -9`. `power`: files and directories are synced before each commit. [`process`] */
  readonly durability: "process" | "power"
  /** `files`: bodies, decoded, a file each. `warc`: answers as they came, in WARC files; names then do not matter. [`files`] */
  readonly format: "files" | "warc"
  /** No exchange is begun in an archive that has this many bytes. [1 GiB] */
  readonly archiveBytes: number
  /** `tree`: host/path/name. `flat`: name alone. `{ file }`: this one file, relative to `directory`. [`tree`] */
  readonly naming: "tree" | "flat" | { readonly file: string }
  /** Use the name that a server suggests (Content-Disposition), made safe. */
  readonly serverNames: boolean
  /** sha256 of every body. [`true`] */
  readonly hash: boolean
  /**
   * Told, before anything is fetched, of each file that is looked at because the machine was started since it was
   * saved: how many so far, and of how many.
   */
  readonly onCheck?: (files: number, total: number) => void
  /**
   * Told at the end of a run that is stopped or fails: the outcomes that are committed, so that no other run tells of them,
   * and that its stream has not given. What an iterator had of the stream when its loop was left is not among them.
   */
  readonly onUntaken?: (outcomes: ReadonlyArray<Outcome>) => void
  /** Listens to the run; absent: nothing does, at no cost. */
  readonly recorder?: Recorder
}

/** What holds where nothing is said. */
export const defaults: Options = {
  directory: ".",
  jobs: 64,
  perHost: 6,
  delayMs: 0,
  maxDelayMs: 60_000,
  robots: false,
  retries: 4,
  backoffMs: 1000,
  timeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  userAgent: "simul/0.1 (+https://www.npmjs.com/package/@simul/cli)",
  headers: [],
  insecure: false,
  denyPrivate: false,
  refresh: false,
  durability: "process",
  format: "files",
  archiveBytes: 1 << 30,
  naming: "tree",
  serverNames: false,
  hash: true
}

const isText = (value: unknown) => typeof value === "string"

/** What each of them may be. */
export const kinds: OptionKind.Kinds<Options> = {
  directory: OptionKind.text,
  jobs: OptionKind.whole(1),
  perHost: OptionKind.whole(1),
  delayMs: OptionKind.finite(0),
  adaptive: OptionKind.positive,
  maxDelayMs: OptionKind.number(0),
  rate: OptionKind.positive,
  robots: OptionKind.toggle,
  retries: OptionKind.whole(0),
  backoffMs: OptionKind.number(0),
  timeoutMs: OptionKind.number(1),
  connectTimeoutMs: OptionKind.number(1),
  maxTimeMs: OptionKind.number(1),
  maxSize: OptionKind.number(0),
  userAgent: {
    takes: `text ${FieldValue.sendable}`,
    has: (value) => typeof value === "string" && FieldValue.isSendable(value)
  },
  headers: {
    ...OptionKind.list("[name, value]", (field) => Array.isArray(field) && field.length === 2 && field.every(isText)),
    isSecret: true
  },
  headersFor: OptionKind.list("origins", isText),
  proxy: OptionKind.text,
  cacert: OptionKind.text,
  insecure: OptionKind.toggle,
  cookieJar: OptionKind.text,
  denyPrivate: OptionKind.either(OptionKind.toggle, OptionKind.list("networks", isText)),
  refresh: OptionKind.toggle,
  durability: OptionKind.choice("process", "power"),
  format: OptionKind.choice("files", "warc"),
  archiveBytes: OptionKind.number(1),
  naming: OptionKind.either(
    OptionKind.choice("tree", "flat"),
    OptionKind.record("{ file }", ({ file }) => OptionKind.text.has(file))
  ),
  serverNames: OptionKind.toggle,
  hash: OptionKind.toggle,
  onCheck: OptionKind.callback,
  onUntaken: OptionKind.callback,
  recorder: OptionKind.record("a recorder", () => true)
}

/** What is said of settings. `undefined` says nothing, as what is absent does. */
export type Given<A> = { readonly [K in keyof A]?: A[K] | undefined }

/** What is said, and `otherwise` where nothing is. */
export const complete = <A extends object>(otherwise: A, given: Given<A>): A => ({
  ...otherwise,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
})
