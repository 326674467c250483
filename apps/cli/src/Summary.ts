/**
 * What a run says when it is over: how much was had, what was not and why, and
 * what to do next. A function of the fold over its outcomes and its last
 * progress, so nothing is kept for each target.
 *
 * ```
 * saved 9,981 of 10,000 URLs (2.1 GB) in 24s, 415/s
 *
 *   12  HTTP 404                       a.example 9, b.example 3
 *    1  body ended at 3 of 5000 bytes  e.example/cut
 *
 * hint: run the same command again to retry the 1 that may succeed
 * ```
 */
import type * as Get from "@simul/scraper/Get"
import type { Outcome } from "@simul/scraper/Outcome"
import type { Reason, Report } from "@simul/scraper/Report"
import type { Beyond } from "@simul/scraper/Store"
import { join } from "node:path"
import { commandFor } from "./DirectoryArgument.ts"
import * as Durations from "./Durations.ts"
import * as Instant from "./Instant.ts"
import { printable } from "./Printable.ts"
import { number, shorten, withoutScheme } from "./Progress.ts"
import type { Paint } from "./Screen.ts"
import { complaint, hint } from "./Screen.ts"
import * as Sizes from "./Sizes.ts"

export interface Facts {
  readonly report: Report
  readonly progress: Get.Progress
  /** As the person wrote it, for the commands of the hints. */
  readonly directory: string
  /** What the run makes of what it saves. */
  readonly format: "files" | "warc"
  /** The run was stopped before its end. */
  readonly interrupted: boolean
  /** It keeps cookies already. */
  readonly keepsCookies?: boolean
  /** URLs may have gone through a proxy. */
  readonly hasProxy?: boolean
  /** The only outcome of a run for one URL. */
  readonly only?: Outcome
  /** Where the file of the only outcome is, as the person would write it. */
  readonly file?: string
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`

/** The rows of reasons, aligned: count, words, where. */
export const reasons = (report: Report, columns: number, paint: Paint, limit = 10): ReadonlyArray<string> => {
  const shown = report.reasons.slice(0, limit)
  const others = report.otherReasons + report.reasons.slice(limit).reduce((sum, { targets }) => sum + targets, 0)
  // One of a kind is told in its own words, with its own URL.
  const rows = shown.map((reason) => ({
    count: number(reason.targets),
    text: printable(reason.targets === 1 && reason.reason !== "Trap" ? ownWords(reason) : reasonText(reason)),
    where: (room: number) => (reason.targets === 1 ? withoutScheme(reason.example.url) : hostsOf(reason, room)),
    refused: reason.outcome === "refused"
  }))
  if (others > 0) rows.push({ count: number(others), text: "for other reasons", where: () => "", refused: false })
  const counts = Math.max(...rows.map(({ count }) => count.length))
  const words = Math.min(Math.max(...rows.map(({ text }) => text.length)), Math.max(20, Math.floor(columns * 0.55)))
  return rows.map(({ count, text, where, refused }) => {
    const room = Math.max(10, columns - counts - words - 7)
    const told = `${shorten(text, words).padEnd(words)}  ${paint.dim(shorten(printable(where(room)), room))}`
    return `  ${(refused ? paint.yellow : paint.red)(count.padStart(counts))}  ${told}`.trimEnd()
  })
}

/** Of a line that is no URL without the line: it stands beside, and its fault would be cut. */
const ownWords = ({ reason, example: { message } }: Reason): string =>
  reason === "InvalidUrl" ? message.replace(/: ".*$/su, "") : message

const rules: Readonly<Record<string, string>> = {
  TooDeep: "left out: too deep",
  TooManySitemaps: "sitemaps left out: too many in a row",
  Excluded: "left out by --exclude",
  NotIncluded: "left out by --include",
  OutOfScope: "out of scope",
  Noindex: "asks not to be indexed",
  AddressError: "private address"
}

/** A rule's name is its tag; the robots rule is the one that people know by its file. */
const reasonText = (reason: Reason): string => {
  if (reason.outcome === "failed") return reason.text
  // its evidence is longer than a row; the host stands beside it
  if (reason.reason === "Trap") return `no end: ${reason.text.replace(/^https?:\/\/[^/]*| has no end: .*$/g, "")}`
  if (/robots/i.test(reason.reason)) return "refused by robots.txt"
  return rules[reason.reason] ?? `refused: ${reason.reason}`
}

/** Those with most of it, as many as have room: a count that is cut away would be a lie. */
const hostsOf = (reason: Reason, room: number): string => {
  const [first, ...rest] = reason.hosts
  if (first !== undefined && rest.length === 0 && reason.otherTargets === 0) return first.host
  const told = (shown: number, columns = Infinity) => {
    const named = reason.hosts.slice(0, shown)
    const more = reason.targets - named.reduce((sum, { targets }) => sum + targets, 0)
    return [
      ...named.map(({ host, targets }) => `${shorten(host || "no host", columns)} ${number(targets)}`),
      ...(more > 0 ? [`others ${number(more)}`] : [])
    ].join(", ")
  }
  const whole = [3, 2, 1].map((shown) => told(shown)).find((line) => line.length <= room)
  if (whole !== undefined) return whole
  const columns = room - told(1, 0).length + 1
  return columns < 8 ? "some hosts" : told(1, columns)
}

/** By the codes of OpenSSL and Node. A certificate that is trusted may still be too old, or another host's. */
const tlsRemedies: ReadonlyArray<readonly [code: RegExp, remedy: string]> = [
  [
    /SELF_SIGNED|UNABLE_TO_/,
    "`--cacert FILE` trusts the certificates in FILE as well, NODE_USE_SYSTEM_CA=1 those of this machine"
  ],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET|ALTNAME/, "`--insecure` takes any certificate, of whoever answers"],
  [/WRONG_VERSION|PACKET_LENGTH/, "that port speaks no TLS: try `http://`"]
]

/** Of what a log-in makes that sends one back until a cookie is there: its URL may be another each time. */
const endless: ReadonlySet<string> = new Set(["redirects in a loop", "too many redirects"])

/** By a line that is no URL: a header, or a cell in quotes, is of CSV. */
const listRemedy = (line: string): string => {
  const takes = (command: string, form: string) =>
    `a list has a URL a line: \`${command} LIST | simul get -i -\` takes them out of ${form}`
  const [, separator] = /^\s*(?:"[^"]*"|[\w -]+)([,;\t])\s*\S/.exec(line) ?? []
  if (separator !== undefined) return takes(`grep -oE 'https?://[^"${separator.trim()}[:space:]]+'`, "CSV")
  if (/^\s*[[{"]/.test(line)) return takes(`jq -r .${/^\s*"/.test(line) ? "" : "url"}`, "JSON")
  return "a URL starts with `http://` or `https://`"
}

/** What may help with what went wrong, the most general first. */
const remedies = ({ report, keepsCookies = false, hasProxy = false }: Facts): ReadonlyArray<string> => {
  const has = (tag: string) => report.reasons.some(({ reason }) => reason === tag)
  const line = report.reasons.find(({ reason }) => reason === "InvalidUrl")
  return [
    ...(has("ProxyError") || (hasProxy && report.reasons.some(({ text }) => text === "HTTP 407"))
      ? ["`--proxy http://NAME:PASSWORD@HOST:PORT` names another proxy, `NO_PROXY=HOST` a host that needs none"]
      : []),
    ...tlsRemedies
      .filter(([code]) => report.reasons.some(({ reason, text }) => reason === "TlsError" && code.test(text)))
      .map(([, remedy]) => remedy),
    ...(has("AddressError")
      ? ["`--allow-private` opens every private address, that of a cloud's credentials too"]
      : []),
    ...(report.reasons.some(({ text }) => text === "no room on the disk")
      ? ["make room on the disk, and run the same command again"]
      : []),
    ...(report.reasons.some(({ text }) => text === "path through a symbolic link")
      ? ["nothing is written through a link below the directory: put a folder in its place, or `-o` another directory"]
      : []),
    ...(has("TooLargeError") ? ["`--max-size SIZE` allows larger bodies"] : []),
    ...(report.reasons.some(({ reason, text }) => reason === "TimeoutError" && text.startsWith("not done"))
      ? ["`--max-time TIME` gives a URL longer"]
      : []),
    ...(has("RobotsDisallowed") ? ["`--no-robots` would fetch what robots.txt refuses; ask the site first"] : []),
    ...(has("RobotsUnreachable")
      ? ["a host whose robots.txt cannot be had is left alone: run the same command again when it answers"]
      : []),
    ...(!keepsCookies && report.reasons.some(({ text }) => endless.has(text))
      ? ["`--cookie-jar FILE` keeps cookies: some sites redirect until one is sent back"]
      : []),
    ...(has("TooManySitemaps") ? ["a sitemap that is given as a further URL is read"] : []),
    ...(has("Trap") ? ["`--no-traps` fetches what has no end, too"] : []),
    ...(line === undefined ? [] : [listRemedy(line.example.url)])
  ].slice(0, 2)
}

const hints = (facts: Facts): ReadonlyArray<string> => {
  const { report, progress, directory, interrupted } = facts
  if (interrupted && progress.diskFull !== undefined)
    return ["the disk was full: make room on it, and run the same command again to resume"]
  if (interrupted) return [`run the same command again to resume${fromWhen(progress)}`]
  const retried = report.reasons.filter(({ retryable }) => retryable)
  const retryable = retried.reduce((sum, { targets }) => sum + targets, 0)
  const many = report.failed + report.refused > 1
  return [
    ...(retryable > 0
      ? [
          (many ? `run the same command again to retry the ${number(retryable)} that may succeed` : retryOne) +
            fromWhen(progress, retried)
        ]
      : []),
    ...remedies(facts),
    ...(many ? [`\`${commandFor("simul report", directory)} --failed\` lists every URL`] : [])
  ]
}
const retryOne = "run the same command again to try once more"

/** Sooner it would only wait; or what is of that host would, where that is not all that is tried again. */
const fromWhen = ({ leftAlone }: Get.Progress, retried: ReadonlyArray<Reason> = []): string => {
  if (leftAlone === undefined) return ""
  const name = withoutScheme(leftAlone.host)
  const isAll = retried.every(
    ({ hosts, otherTargets }) => otherTargets === 0 && hosts.every(({ host }) => host === name)
  )
  const until = Instant.format(leftAlone.untilMs)
  return isAll ? `; ${name} asked to be left alone until ${until}` : `; what is of ${name} waits until ${until}`
}

/** What to do about targets without an outcome. */
export const finish = (isHeld: boolean): string =>
  isHeld
    ? "a run works in it: ask again when that is over"
    : "run the command that wrote it again to do what is not done yet"

/** A limit of a crawl, as it was given. */
export const limitFlag = ({ by, most }: Beyond): string =>
  `\`--${by === "maxPages" ? "max-pages" : "max-pages-per-host"} ${most}\``

/** What to do about what a crawl has found and not asked for, since it has saved what it may. */
export const beyond = (limit: Beyond | undefined, left: number): ReadonlyArray<string> =>
  limit === undefined || left <= 0
    ? []
    : [
        `it stopped at ${limitFlag(limit)} with ${plural(left, "URL")} queued: the same command with a larger one goes on`
      ]

const beyondIn = ({ progress, interrupted }: Facts): ReadonlyArray<string> => {
  const { total = 0, saved, unchanged, refused, failed, skipped, limit } = progress
  return interrupted ? [] : beyond(limit, total - saved - unchanged - refused - failed - skipped)
}

const headline = ({ report, progress, interrupted }: Facts, paint: Paint): string => {
  const time = Durations.format(progress.elapsedMs)
  const skipped = progress.skipped > 0 ? `, ${number(progress.skipped)} already saved` : ""
  if (interrupted) {
    // what was saved last is committed, and told of, when the run is closed, after this; on a full disk it may never be
    const { saved, unchanged, bytes } = progress.diskFull === undefined ? progress : report
    const got = number(saved + unchanged)
    const total = progress.total === undefined ? "" : ` of ${number(progress.total)}`
    return `${paint.yellow("interrupted")} after ${time}: saved ${got}${total} (${Sizes.format(bytes)})${skipped}`
  }
  const got = report.saved + report.unchanged
  if (report.targets === 0) {
    const known = progress.skipped === 1 ? "already saved" : `all ${number(progress.skipped)} URLs already saved`
    return progress.skipped === 0 ? "nothing to do: the list has no URLs" : `${paint.green(known)}; nothing to do`
  }
  const verb = report.saved === 0 && report.unchanged > 0 ? "unchanged" : "saved"
  const all = got === report.targets
  const amount = all ? plural(got, "URL") : `${number(got)} of ${plural(report.targets, "URL")}`
  const unchanged = report.saved > 0 && report.unchanged > 0 ? `, ${number(report.unchanged)} of them unchanged` : ""
  // A rate over less than a second is noise, and below one a second the time says it better.
  const perSecond = progress.elapsedMs < 1000 ? 0 : Math.round((report.targets / progress.elapsedMs) * 1000)
  const rate = perSecond < 1 ? "" : `, ${number(perSecond)}/s`
  const colour = all ? paint.green : got === 0 ? paint.red : paint.yellow
  return `${colour(verb)} ${amount} (${Sizes.format(report.bytes)}${unchanged}) in ${time}${rate}${skipped}`
}

const onlyOne = (facts: Facts & { readonly only: Outcome }, paint: Paint): string => {
  const { only, file } = facts
  switch (only._tag) {
    case "Saved":
    case "Unchanged": {
      const place = printable(file ?? only.path)
      const size = Sizes.format(only.bytes)
      return only._tag === "Saved"
        ? `${paint.green("saved")} ${place} (${size})`
        : `${paint.green("unchanged")} ${place} (${size}): the server has nothing newer`
    }
    case "Refused":
    case "Failed": {
      const retry = only._tag === "Failed" && only.error.retryable ? [retryOne + fromWhen(facts.progress)] : []
      return complaint(paint, printable(`${only.error.message}: ${only.url}`), [...retry, ...remedies(facts)])
    }
  }
}

/** Lines of the list that are no URLs, found by an earlier run: they have no outcome in this one, and are failures still. */
export const knownInvalid = ({
  report,
  progress,
  interrupted
}: Pick<Facts, "report" | "progress" | "interrupted">): number =>
  // when a run is stopped, what failed last has no outcome yet either
  interrupted ? 0 : Math.max(0, progress.failed - report.failed)

/** What is saved is not saved once more in another form, and nobody should learn of that from an archive with holes. */
const changed = ({ format, progress }: Facts): ReadonlyArray<string> =>
  progress.inOtherForm === undefined
    ? []
    : [
        format === "warc"
          ? "what was saved as files stays so, and is in no archive: `-o` another directory archives all"
          : "what was archived stays so, and is no file: `-o` another directory makes files of all"
      ]

/** The whole screen, without a line break at its end. */
export const render = (facts: Facts, columns: number, paint: Paint): string => {
  if (facts.only !== undefined && !facts.interrupted) return onlyOne({ ...facts, only: facts.only }, paint)
  const { report } = facts
  const told = [headline(facts, paint)]
  const invalid = knownInvalid(facts)
  if (invalid > 0)
    told.push(paint.red(`${plural(invalid, "line")} of the list ${invalid === 1 ? "is" : "are"} no URL, as before`))
  const { linksCut = 0 } = report
  if (linksCut > 0)
    told.push(
      paint.yellow(
        `${plural(linksCut, "page")} ${linksCut === 1 ? "is" : "are"} too long to be read to the end: later links were not followed`
      )
    )
  const { missing = 0, starts = [] } = facts.progress.mirror ?? {}
  if (missing > 0)
    told.push(
      paint.yellow(`${plural(missing, "saved file")} ${missing === 1 ? "is" : "are"} gone, and not in the mirror`)
    )
  if (report.reasons.length > 0) told.push("", ...reasons(report, columns, paint))
  const [start] = starts
  const next = [
    ...(facts.interrupted || report.reasons.length > 0
      ? hints(facts)
      : report.targets === 0 && facts.progress.skipped > 0
        ? ["`--refresh` asks again and takes what changed"]
        : []),
    ...changed(facts),
    ...beyondIn(facts),
    ...(missing > 0 ? [`\`${commandFor("simul verify", facts.directory)}\` names what is gone`] : []),
    ...(start === undefined ? [] : [`open ${printable(join(facts.directory, start))} in a browser`])
  ]
  if (next.length > 0) told.push("", ...next.map((text) => hint(paint, text)))
  return told.join("\n")
}
