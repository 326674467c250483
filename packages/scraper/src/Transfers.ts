/**
 * The downloads under way: what was learnt of their hosts is told when they end,
 * and what of them is to be kept is known while they run.
 */
import * as Download from "./Download.ts"
import { InFlight } from "./InFlight.ts"
import type { Politeness } from "./Politeness.ts"
import type { Session } from "./Session.ts"
import type { Part, Sink } from "./Sink.ts"
import { asked, type Partial, type Target, withPartial } from "./Target.ts"
import * as Url from "./Url.ts"

/** Most transfers end before they are worth a row. */
const noteAfterMs = 1000

export const make = (
  services: { readonly session: Session["Service"]; readonly sink: Sink["Service"] },
  politeness: Pick<Politeness, "answered">,
  options: Download.DownloadOptions
) => {
  const running = new InFlight<Download.Download>()
  const interrupted: Array<Target> = []

  /** What an answer says of how fast its host is; one that came from elsewhere says nothing. */
  const learn = ({ target, latencyMs }: Download.Download, ended: Download.Attempt) => {
    const isGood = ended._tag === "Complete" || ended._tag === "Unchanged"
    const { host } = asked(target)
    if (ended._tag === "Failed" && ended.reason._tag === "TimeoutError" && ended.head === undefined)
      politeness.answered(host, ended.reason.ms, false)
    else if (latencyMs !== undefined && "head" in ended && Url.origin(ended.head.url) === host)
      politeness.answered(host, latencyMs, isGood)
  }

  /** What of a transfer is worth a row that it has not yet. */
  const notable = (download: Download.Download): Partial | undefined =>
    download.noted || performance.now() - download.startedMs < noteAfterMs ? undefined : download.resumable

  return {
    /** Starts an attempt, as `Download.start` does. */
    start: (target: Target, part: Part | undefined, done: (ended: Download.Attempt) => void): Download.Download => {
      // a session that broke its word tells of the end before it has opened, or once it threw
      let started: Download.Download | undefined
      let isOver = false
      started = Download.start(services, target, part, options, (ended) => {
        isOver = true
        if (started !== undefined) {
          running.remove(started)
          if (options.timed) learn(started, ended)
        }
        done(ended)
      })
      if (!isOver) running.add(started)
      return started
    },
    giveUp: (download: Download.Download) => {
      // it ended just now, and what became of it is settled
      if (download.slot === -1) return
      running.remove(download)
      interrupted.push(withPartial(download.target, download.abort()))
    },
    /** Those that were given up, as they may go on. */
    interrupted: (): ReadonlyArray<Target> => interrupted,
    /** In no order. */
    all: () => running.all,
    /** Those of some URLs that are under way. */
    of: (urls: ReadonlySet<string>): ReadonlyArray<Target> =>
      urls.size === 0 ? [] : running.all.flatMap(({ target }) => (urls.has(target.url) ? [target] : [])),
    /** Those whose part is worth a row by now, each once. */
    noteworthy: (): ReadonlyArray<Target> => {
      const worthy: Array<Target> = []
      for (const download of running.all) {
        const partial = notable(download)
        if (partial === undefined) continue
        download.noted = true
        worthy.push({ ...download.target, partial })
      }
      return worthy
    },
    isNoteworthy: (): boolean => running.all.some((download) => notable(download) !== undefined)
  }
}

export type Transfers = ReturnType<typeof make>
