/**
 * A session that asks nobody: a function tells the answer to each request. So a
 * run is tested without a network, and recorded answers are played again.
 */
import * as Schema from "effect/Schema"
import { FetchReason } from "../FetchError.ts"
import type { Request, Session } from "../Session.ts"
import * as Url from "../Url.ts"

/** An answer, after all redirects. */
export interface Answer {
  /** Absent: 200. */
  readonly status?: number
  /** Where it came from, if redirects led there. Absent: the URL of the request. */
  readonly url?: string
  /** By names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** Absent: empty. */
  readonly body?: Uint8Array | string
}

const isReason = Schema.is(FetchReason)

/** What it is instead of an answer, where no compiler checked the function. */
const misnomer = (given: unknown): string | undefined => {
  if (given instanceof Promise) return "a promise"
  if (Array.isArray(given)) return "an array"
  if (typeof given === "object" && given !== null) return undefined
  return given === undefined || given === null ? String(given) : `a ${typeof given}`
}

/** All that there is of an answer. Throws what is none: a bug of the function. */
const complete = (given: Answer, request: Request) => {
  const own = Url.withoutCredentials(request.url)
  const misnamed = misnomer(given)
  if (misnamed !== undefined) {
    // what else comes of a promise nobody is to hear
    if (given instanceof Promise) given.catch(() => {})
    throw new TypeError(
      `the function of a StubSession gave ${misnamed} for ${own}: it is to return { status, url, headers, body } or a FetchReason, and no promise of one`
    )
  }
  const { status = 200, url = own, headers = {}, body = "" } = given
  return { head: { status, url, header: (name: string) => headers[name] }, bytes: Buffer.from(body) }
}

/**
 * @param answer called once for each request; what it returns may also be why there is none. What it throws ends the run,
 *   and so does what is no answer
 */
export const make = (answer: (request: Request) => Answer | FetchReason): Session["Service"] => {
  const statistics = { requests: 0, redirects: 0, inFlight: 0, bytesReceived: 0 }
  return {
    open: (request, receiver) => {
      const given = answer(request)
      const over = () => void statistics.inFlight--
      const steps: Array<() => void> = []
      if (isReason(given))
        steps.push(() => {
          over()
          receiver.onError(given)
        })
      else {
        const { head, bytes } = complete(given, request)
        steps.push(
          () => {
            receiver.onSent?.()
            receiver.onHead(head)
          },
          () => {
            statistics.bytesReceived += bytes.length
            if (bytes.length > 0) receiver.onData(bytes)
          },
          () => {
            over()
            receiver.onEnd()
          }
        )
      }
      statistics.requests++
      statistics.inFlight++
      let isPaused = false
      const go = () => {
        while (!isPaused && steps.length > 0) steps.shift()!()
      }
      // never before `open` has returned
      queueMicrotask(go)
      return {
        pause: () => void (isPaused = true),
        resume: () => {
          isPaused = false
          queueMicrotask(go)
        },
        abort: () => {
          if (steps.splice(0).length > 0) over()
        }
      }
    },
    statistics: () => statistics
  }
}
