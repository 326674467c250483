/**
 * What the time of a target is spent on. Every millisecond between being read
 * and being committed belongs to one of these.
 */
import type { Category } from "@simul/core/Timeline"

const all = {
  queue: { waiting: true, description: "read, waiting for one of the --jobs workers" },
  delay: { waiting: true, description: "the --delay or Crawl-delay of its host" },
  "retry-after": { waiting: true, description: "its host asked for a pause" },
  "back-off": { waiting: true, description: "its host failed, and is left alone for a while" },
  slot: { waiting: true, description: "its host has all --per-host requests in flight" },
  retry: { waiting: true, description: "failed, waiting in the store for another attempt" },
  commit: { waiting: true, description: "settled, waiting for the commit that it shares with others" },
  line: { waiting: false, description: "between the stages: this program's fibers and event loop" },
  connection: { waiting: false, description: "for one of the connections to its host to be free" },
  robots: { waiting: false, description: "may it be asked? Waiting for its host's robots.txt" },
  dns: { waiting: false, description: "the addresses of its host's name" },
  connect: { waiting: false, description: "to its host, or through the proxy to it" },
  tls: { waiting: false, description: "agreeing on TLS" },
  "first byte": { waiting: false, description: "from the request to the head of the answer" },
  body: { waiting: false, description: "its bytes on their way" },
  held: { waiting: false, description: "its bytes held back: by --rate, or until the decoder has room" },
  decode: { waiting: false, description: "undoing its content coding, where that does not run beside the body" },
  disk: { waiting: false, description: "its file: opened, written, hashed, named" }
} as const

export type Cause = keyof typeof all

export const causes = Object.keys(all) as ReadonlyArray<Cause>

/** As a timeline shows them, in the order of `causes`. */
export const categories: ReadonlyArray<Category> = causes.map((name) => ({ name, ...all[name] }))

/** The place of each in `causes`: by it, a number, the recorder knows them. */
export const indexOf = Object.fromEntries(causes.map((cause, index) => [cause, index])) as Readonly<
  Record<Cause, number>
>
