/**
 * What stands between a target whose turn has come and its request: the rules of
 * a crawl as they are now, what is known of pages without end, robots.txt.
 */
import * as Effect from "effect/Effect"
import type { Committer } from "./Committer.ts"
import type { Conclusion } from "./Conclusion.ts"
import * as Exclusion from "./crawl/Exclusion.ts"
import type { DeadProxy } from "./DeadProxy.ts"
import type { Turn } from "./Download.ts"
import { RedirectError } from "./FetchError.ts"
import type { Frontier } from "./Frontier.ts"
import type { Crawl, LineError } from "./List.ts"
import type { Options } from "./Options.ts"
import type { Refusal } from "./Outcome.ts"
import type { Admission, Politeness } from "./Politeness.ts"
import type { RobotsTxt } from "./RobotsTxt.ts"
import type { RunClock } from "./RunClock.ts"
import { asked, type Target } from "./Target.ts"
import * as Url from "./Url.ts"

export interface Stages {
  readonly politeness: Pick<Politeness, "add" | "keepsApart" | "startAgain">
  readonly frontier: Pick<Frontier, "release">
  readonly committer: Pick<Committer, "room">
  readonly robots: Pick<RobotsTxt, "rule" | "known">
  readonly conclusion: Pick<Conclusion, "refuse">
  readonly proxy: Pick<DeadProxy, "failed">
  readonly now: RunClock
}

/** `isExcluded`: by the rules of the crawl. */
interface LeftOut {
  readonly error: Refusal
  readonly isExcluded: boolean
}

/** @param visit asks for a target that may be asked for */
export const make = (
  { politeness, frontier, committer, robots, conclusion, proxy, now }: Stages,
  crawl: Pick<Crawl, "excludes" | "redirect" | "traps"> | undefined,
  options: Pick<Options, "robots">,
  visit: (admission: Admission) => Effect.Effect<void, LineError>
) => {
  /**
   * Why a target is not asked for, without a look at its host. It may have been found, or a redirect followed, by other rules
   * than those of now.
   */
  const leftOut = (target: Target): LeftOut | undefined => {
    const exclusion = crawl?.excludes(target)
    if (exclusion !== undefined) return { error: exclusion, isExcluded: true }
    const { hop } = target
    if (hop !== undefined && crawl?.redirect(target, new URL(hop.url)) === false) {
      const location = Url.withoutCredentials(hop.url)
      const { message } = new RedirectError({ kind: "scope", location, count: hop.asked.length })
      return { error: { reason: "OutOfScope", message }, isExcluded: false }
    }
    // what the user named is worth a request, whatever it looks like, and so is a sitemap
    const trap = (target.depth ?? 1) <= 0 ? undefined : crawl?.traps?.caught(target.url)
    return trap && { error: Exclusion.ofTrap(trap), isExcluded: false }
  }

  const visitIfAllowed = (admission: Admission): Effect.Effect<void, LineError> => {
    const startedMs = performance.now()
    return Effect.flatMap(robots.rule(admission), (ruling) => {
      const { target } = admission
      if (ruling._tag === "Allowed") return visit(admission)
      const wait = ruling.proxy && proxy.failed(ruling.proxy, startedMs)
      if (ruling._tag === "Refused" && wait === undefined)
        return conclusion.refuse(target, performance.now(), ruling.error, ruling.verdict) ?? Effect.void
      politeness.add(target)
      frontier.release(target, wait === undefined ? ruling.verdict : "unasked")
      return wait ?? committer.room() ?? Effect.void
    })
  }
  /**
   * A redirect is a request as any other: within a host it may be sent at once where nothing is to be kept apart. Another
   * host has slots and pauses of its own, and what becomes of the request must count there.
   */
  const turn = (target: Target, to: URL): Turn => {
    const { origin } = to
    if (options.robots) {
      const ruling = robots.known({ ...target, hop: { url: to.href, host: origin, asked: [] } })
      if (ruling?._tag === "Refused") return { refused: ruling.error }
      if (ruling === undefined) return "wait"
    }
    return origin !== asked(target).host || politeness.keepsApart(origin, now()) ? "wait" : "follow"
  }

  return {
    /** Nothing stands there, and nothing but a download is called for. */
    isOpen: ({ target, down }: Admission): boolean =>
      !options.robots && down === undefined && target.partial === undefined && leftOut(target) === undefined,
    /** Visits a target, or refuses it. */
    carry: (admission: Admission): Effect.Effect<void, LineError> => {
      const { target } = admission
      const out = leftOut(target)
      if (out === undefined) return options.robots ? visitIfAllowed(admission) : visit(admission)
      return conclusion.refuse(target, performance.now(), out.error, "unasked", out.isExcluded) ?? Effect.void
    },
    /** Whether a target that was answered, to no avail, may be asked again at once; else it waits for its turn. */
    again: (target: Target): boolean => {
      if (politeness.startAgain(asked(target).host, now())) return true
      politeness.add(target)
      frontier.release(target, "answered")
      return false
    },
    turn
  }
}

export type Gate = ReturnType<typeof make>
