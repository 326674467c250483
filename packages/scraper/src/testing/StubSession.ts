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

/** @param answer called once for each request; what it returns may also be why there is none. What it throws ends the run */
export const make = (answer: (request: Request) => Answer | FetchReason): Session["Service"] => {
  const statistics = { requests: 0, redirects: 0, inFlight: 0, bytesReceived: 0 }
  return {
    open: (request, receiver) => {
      const given = answer(request)
      statistics.requests++
      statistics.inFlight++
      let isPaused = false
      const over = () => void statistics.inFlight--
      const steps = [
        () => {
          if (isReason(given)) {
            steps.length = 0
            over()
            return receiver.onError(given)
          }
          const { status = 200, url = Url.withoutCredentials(request.url), headers = {}, body = "" } = given
          const bytes = Buffer.from(body)
          steps.push(
            () => {
              statistics.bytesReceived += bytes.length
              if (bytes.length > 0) receiver.onData(bytes)
            },
            () => {
              over()
              receiver.onEnd()
            }
          )
          receiver.onSent?.()
          receiver.onHead({ status, url, header: (name) => headers[name] })
        }
      ]
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
