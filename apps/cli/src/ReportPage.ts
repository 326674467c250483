/**
 * A report as one HTML file: no script, no network, light and dark. Every text
 * from the network is escaped.
 */
import type { Counts, Report } from "@simul/scraper/Report"
import * as Durations from "./Durations.ts"
import * as Instant from "./Instant.ts"
import { number, withoutScheme } from "./Progress.ts"
import type { RunTimes } from "./RunTimes.ts"
import * as Sizes from "./Sizes.ts"
import * as Summary from "./Summary.ts"

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const kinds = ["saved", "unchanged", "failed", "refused", "pending", "beyond"] as const
const words = (kind: (typeof kinds)[number]) =>
  kind === "pending" ? "not done yet" : kind === "beyond" ? "beyond a limit" : kind

/** How a number of targets ended, as one bar. */
const bar = (counts: Counts) =>
  `<div class="bar">${kinds
    .filter((kind) => counts[kind] > 0)
    .map(
      (kind) =>
        `<i class="${kind}" style="flex-grow:${counts[kind]}" title="${number(counts[kind])} ${words(kind)}"></i>`
    )
    .join("")}</div>`

const countsTable = (title: string, rows: ReadonlyArray<{ readonly name: string } & Counts>) => {
  const used = kinds.filter((kind) => rows.some((row) => row[kind] > 0))
  const cells = (row: Counts) => used.map((kind) => `<td>${row[kind] === 0 ? "" : number(row[kind])}</td>`).join("")
  return `<section><h2>By ${title}</h2><table class="sums">
<tr><th>${title}</th><th>URLs</th>${used.map((kind) => `<th>${kind}</th>`).join("")}<th>bytes</th><th></th></tr>
${rows
  .map(
    (row) =>
      `<tr><td>${escape(row.name)}</td><td>${number(row.targets)}</td>${cells(row)}<td>${row.bytes === 0 ? "" : Sizes.format(row.bytes)}</td><td>${bar(row)}</td></tr>`
  )
  .join("\n")}
</table></section>`
}

const reasonsTable = ({ reasons }: Report) =>
  reasons.length === 0
    ? ""
    : `<section><h2>Why</h2><table class="why">
<tr><th>reason</th><th>URLs</th><th>hosts</th><th>for example</th></tr>
${reasons
  .map(
    ({ text, targets, hosts, example }) =>
      `<tr><td>${escape(text)}</td><td>${number(targets)}</td><td>${hosts
        .slice(0, 5)
        .map(({ host, targets: count }) => escape(count === targets ? host : `${host} ${number(count)}`))
        .join("<br>")}</td><td>${escape(example.url)}${
        example.message === text ? "" : `<br><small>${escape(example.message)}</small>`
      }</td></tr>`
  )
  .join("\n")}
</table></section>`

/** What the targets of each host spent their time on, as one bar a host: as long as its share of the host with most. */
const timesTable = ({ title, startedAtMs, durationMs, categories, hosts }: RunTimes) => {
  const sumOf = (times: RunTimes["hosts"][number]["times"]) => Object.values(times).reduce((sum, ms) => sum + ms, 0)
  const longest = Math.max(1, ...hosts.map(({ times }) => sumOf(times)))
  const inAll = (name: string) => hosts.reduce((sum, { times }) => sum + (times[name] ?? 0), 0)
  const whole = Math.max(
    1e-9,
    hosts.reduce((sum, { times }) => sum + sumOf(times), 0)
  )
  const colour = (text: string) => (/^#[\da-f]{6}$/i.test(text) ? text : "#9aa5b5")
  const used = categories.filter(({ name }) => inAll(name) > 0)
  const bySum = used.toSorted((one, other) => inAll(other.name) - inAll(one.name))
  const share = (ms: number, of: number) =>
    ms / of < 0.0005 ? "&lt; 0.1 %" : `${((100 * ms) / of).toFixed(ms / of < 0.1 ? 1 : 0)} %`
  // as in the other tables, but for a host that has both
  const schemes = new Map<string, number>()
  for (const { host } of hosts) {
    const bare = withoutScheme(host)
    schemes.set(bare, (schemes.get(bare) ?? 0) + 1)
  }
  const rows = hosts.map(({ host, targets, times }) => {
    const bare = withoutScheme(host)
    const sum = sumOf(times)
    const parts = used
      .filter(({ name }) => (times[name] ?? 0) > 0)
      .map(
        ({ name, colour: fill }) =>
          `<i style="flex-grow:${times[name]!};background:${colour(fill)}" title="${escape(name)} ${Durations.format(times[name]!)}, ${share(times[name]!, sum)}"></i>`
      )
    return `<tr><td>${escape(schemes.get(bare) === 1 ? bare : host)}</td><td>${number(targets)}</td><td>${Durations.format(sum)}</td><td><div class="bar" style="width:${((100 * sum) / longest).toFixed(2)}%">${parts.join("")}</div></td></tr>`
  })
  const key = bySum.map(
    ({ name, description, colour: fill }) =>
      `<tr><td><span class="key" style="background:${colour(fill)}"></span>${escape(name)}</td><td>${Durations.format(inAll(name))}</td><td>${share(inAll(name), whole)}</td><td>${escape(description)}</td></tr>`
  )
  return `<section><h2>Where the time went</h2>
<p>${escape(title)}, ${Instant.format(startedAtMs)}: the run took ${Durations.format(durationMs)}, its targets together ${Durations.format(whole)}, from being read to being recorded.</p>
<table class="sums times"><tr><th>host</th><th>URLs</th><th>time</th><th></th></tr>
${rows.join("\n")}
</table>
<table class="sums spent"><tr><th>spent on</th><th>time</th><th>share</th><th></th></tr>
${key.join("\n")}
</table></section>`
}

const style = `
:root { color-scheme: light dark; --saved: #2a9d5c; --unchanged: #4a90c2; --failed: #d1495b; --refused: #d9a21b; --pending: #9aa0a6; --beyond: #c9cdd2 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
section { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8883; overflow-wrap: anywhere }
th { font-weight: 600; opacity: .7; white-space: nowrap } td:is(:first-child, :last-child) { min-width: 8rem }
.why :is(th, td):nth-child(2) { text-align: right } .why td:nth-child(3) { min-width: 8rem } .why td:last-child { min-width: 14rem }
.bar { display: flex; height: .8rem; border-radius: .4rem; overflow: hidden; margin: .35rem 0; background: #8882 } .bar i { min-width: 2px }
.sums :is(th, td):not(:first-child, :last-child) { text-align: right; white-space: nowrap }
.times td:last-child { width: 60% } .spent { margin-top: 1.5rem } .spent td:last-child { width: 60% }
h1 + p + .bar { height: 1.4rem; border-radius: .7rem }
${kinds.map((kind) => `.${kind} { background: var(--${kind}) }`).join("\n")}
.key { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em } .key + b { margin-right: 1.2em }`

/** The page for a directory's report. */
export const render = (report: Report, directory: string, times?: RunTimes): string => {
  const legend = kinds
    .filter((kind) => report[kind] > 0)
    .map((kind) => `<span class="key ${kind}"></span><b>${number(report[kind])} ${words(kind)}</b>`)
  const others = report.otherHosts.targets > 0 ? [{ name: "all other hosts", ...report.otherHosts }] : []
  const hosts = report.hosts.map(({ host, ...counts }) => ({ name: host === "" ? "(no host)" : host, ...counts }))
  const statuses = report.statuses.map(({ status, ...counts }) => ({
    name: status === undefined ? "no answer" : `HTTP ${status}`,
    ...counts
  }))
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>simul report: ${escape(directory)}</title><style>${style}</style>
<h1>${escape(directory)}</h1>
<p>${Summary.plural(report.targets, "URL")}, ${Sizes.format(report.bytes)} in files</p>
${bar(report)}
<p>${legend.join("")}</p>
${reasonsTable(report)}
${times === undefined ? "" : timesTable(times)}
${countsTable("host", [...hosts, ...others])}
${countsTable("status", statuses)}
</html>
`
}
