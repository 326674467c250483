/**
 * How a run shows itself while it lasts. `bar` draws a block at the foot of the
 * terminal four times a second; `plain` writes a line each ten seconds, in the
 * same words, for logs. Both are functions of one `Get.Progress` and one rate.
 *
 * ```
 *   ━━━━━━━━━╸────────────────────────────────────────────────────────  12%
 *   1,204 / 10,000   3 failed   64 in flight   412/s   87 MB/s   253 MB   eta 21s
 *   a.example/disk.iso   ━━━━━━━━╸──────  58%   1.2 GB of 2.0 GB   14s
 *   waiting on slow.example (12 queued, next in 1.4s)
 * ```
 */
import type * as Get from "@simul/scraper/Get"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { width } from "./Block.ts"
import { commandFor } from "./DirectoryArgument.ts"
import * as Durations from "./Durations.ts"
import { printable } from "./Printable.ts"
import * as Rate from "./Rate.ts"
import { hint, type Paint, type Screen, warning } from "./Screen.ts"
import * as Sizes from "./Sizes.ts"

export type Kind = "bar" | "plain" | "none"

/** What there is to draw with. */
export interface Canvas {
  readonly columns: number
  readonly unicode: boolean
  readonly paint: Paint
}

/** `12,345`, of a whole number. By hand: the first number that `Intl` writes takes 30 ms. */
export const number = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ",")

/** Targets that have an outcome, those of earlier runs with them. */
const done = (progress: Get.Progress) =>
  progress.saved + progress.unchanged + progress.refused + progress.failed + progress.skipped

/** How much of the run is behind us, 0 to 1. */
const fraction = (progress: Get.Progress): number | undefined => {
  const { expected = 0, total, running } = progress
  if (total === 1 && running.length === 1) return share(running[0]!)
  const all = total ?? expected
  return all === 0 ? undefined : Math.min(1, done(progress) / all)
}

const share = (transfer: Get.Progress["running"][number]): number | undefined =>
  transfer.total === undefined || transfer.total === 0 ? undefined : Math.min(1, transfer.received / transfer.total)

/** Milliseconds to the end, at the present rate. */
const remaining = (progress: Get.Progress, rate: Rate.Rate): number | undefined => {
  const { total, running } = progress
  const all = total ?? progress.expected
  if (total === 1 && running.length === 1 && running[0]!.total !== undefined) {
    return rate.bytes > 0 ? ((running[0]!.total - running[0]!.received) / rate.bytes) * 1000 : undefined
  }
  if (all === undefined) return undefined
  // Where a few long transfers are left, their bytes tell more than the count of targets.
  const targets = all - done(progress)
  const left = running.reduce((sum, { received, total }) => sum + Math.max(0, (total ?? 0) - received), 0)
  const ofBytes = rate.bytes > 0 ? left / rate.bytes : 0
  // alone they say it only where each target left is among them, and its length is known
  const isAll = targets <= running.length && running.every(({ total }) => total !== undefined)
  if (rate.targets <= 0 && (ofBytes === 0 || !isAll)) return undefined
  const ofTargets = rate.targets > 0 ? targets / rate.targets : 0
  return Math.max(ofTargets, ofBytes) * 1000
}

const amountOf = ({ received, total }: Get.Progress["running"][number]) =>
  total === undefined ? Sizes.format(received) : `${Sizes.format(received)} of ${Sizes.format(total)}`

/** Targets a second: whole numbers where they are many, tenths where they are few. */
const perSecond = (rate: number) => `${rate >= 9.95 ? number(Math.round(rate)) : +rate.toFixed(1)}/s`

/** The facts in the order in which they are given up when the line is too short: the last goes first. */
const facts = (progress: Get.Progress, rate: Rate.Rate, paint: Paint): ReadonlyArray<string> => {
  const only = progress.total === 1 ? progress.running[0] : undefined
  if (only !== undefined) {
    const ms = remaining(progress, rate)
    return [
      paint.bold(amountOf(only)),
      `${Sizes.format(rate.bytes)}/s`,
      ...(ms === undefined ? [] : [`eta ${Durations.format(ms)}`])
    ]
  }
  const count =
    progress.total === undefined
      ? `${number(done(progress))} done`
      : `${number(done(progress))} / ${number(progress.total)}`
  const ms = remaining(progress, rate)
  return [
    paint.bold(count),
    ...(progress.failed > 0 ? [paint.red(`${number(progress.failed)} failed`)] : []),
    ...(progress.refused > 0 ? [paint.yellow(`${number(progress.refused)} refused`)] : []),
    `${number(progress.inFlight)} in flight`,
    perSecond(rate.targets),
    `${Sizes.format(rate.bytes)}/s`,
    Sizes.format(progress.received),
    ...(ms === undefined ? [] : [`eta ${Durations.format(ms)}`]),
    ...(progress.waiting > 0 ? [`${number(progress.waiting)} to retry`] : []),
    ...(progress.skipped > 0 ? [`${number(progress.skipped)} already saved`] : [])
  ]
}

/** As many facts as fit. */
const fit = (parts: ReadonlyArray<string>, columns: number): string => {
  let line = ""
  for (const part of parts) {
    const longer = line === "" ? part : `${line}   ${part}`
    if (line !== "" && width(longer) > columns) break
    line = longer
  }
  return line
}

/** Cut in the middle: the host and the file's name are the telling parts of a URL. */
export const shorten = (text: string, columns: number, unicode = true): string => {
  const characters = Array.from(text)
  if (characters.length <= columns) return text
  const gap = unicode ? "…" : "..."
  const kept = Math.max(0, columns - gap.length)
  const tail = Math.floor(kept / 2)
  return characters.slice(0, kept - tail).join("") + gap + (tail === 0 ? "" : characters.slice(-tail).join(""))
}

const bar = (part: number, columns: number, { paint, unicode }: Canvas): string => {
  const halves = Math.floor(part * columns * 2)
  const full = Math.floor(halves / 2)
  if (!unicode) return paint.green("#".repeat(full)) + paint.dim("-".repeat(columns - full))
  const half = halves % 2 === 1 ? "╸" : ""
  return paint.green("━".repeat(full) + half) + paint.dim("─".repeat(columns - full - half.length))
}

const percent = (part: number) => `${Math.floor(part * 100)}%`.padStart(4)

/** A URL or an origin as people write it. */
export const withoutScheme = (url: string) => url.replace(/^https?:\/\//, "")

const transferLine = (transfer: Get.Progress["running"][number], canvas: Canvas): string => {
  const part = share(transfer)
  const rest = `${amountOf(transfer).padStart(18)}   ${Durations.format(transfer.elapsedMs)}`
  const cells = part === undefined ? 0 : Math.max(8, Math.min(24, Math.floor(canvas.columns / 5)))
  const drawn = part === undefined ? "" : `${bar(part, cells, canvas)} ${percent(part)}`
  const room = canvas.columns - width(rest) - (part === undefined ? 0 : cells + 5) - 6
  if (room < 12) return shorten(withoutScheme(printable(transfer.url)), canvas.columns, canvas.unicode)
  return `${shorten(withoutScheme(printable(transfer.url)), room, canvas.unicode).padEnd(room)}   ${drawn}${rest}`
}

const waitLine = (slow: Get.SlowHost): string => {
  const next = slow.waitMs > 0 ? `next in ${Durations.format(slow.waitMs)}` : `${number(slow.inFlight)} in flight`
  return `waiting on ${printable(slow.host)} (${number(slow.queued)} queued, ${next})`
}

/** A quota leaves bytes free that nobody may write. */
const diskLine = ({ free, needed }: NonNullable<Get.Progress["diskFull"]>): string =>
  `disk full (${Sizes.format(free)} free${free < needed ? `, needs ${Sizes.format(needed)}` : ""})`

const mirrorLine = ({ files, total }: NonNullable<Get.Progress["mirror"]>): string =>
  `mirror: ${number(files)} of ${number(total)} files`

/** A command that is cut is none: where it has no room, its argument is named as in help. */
const pausedLine = (directory: string, columns: number): string => {
  const line = (directory: string) => `paused: \`${commandFor("simul resume", directory)}\` goes on`
  const whole = line(directory)
  // no character takes more cells than it has bytes
  return Buffer.byteLength(whole) <= columns ? whole : line("DIR")
}

/** The block of a run in `directory` as it stands; no line is wider than the canvas. */
export const render = (
  progress: Get.Progress,
  rate: Rate.Rate,
  whole: Canvas,
  directory: string
): ReadonlyArray<string> => {
  // Two cells of margin on the left, and the last cell of a line stays free: some terminals wrap when it is filled.
  const canvas = { ...whole, columns: Math.max(10, whole.columns - 3) }
  const { columns, paint, unicode } = canvas
  const part = fraction(progress)
  const lines: Array<string> = []
  if (part !== undefined) lines.push(`${bar(part, Math.max(1, columns - 5), canvas)} ${percent(part)}`)
  lines.push(fit(facts(progress, rate, paint), columns))
  // A transfer that is over within a blink is only noise; the single one of a run is the bar already.
  const long = progress.running.filter((transfer) => transfer.elapsedMs >= 2000).slice(0, 3)
  if (progress.total === 1) {
    for (const transfer of long)
      lines.push(paint.dim(shorten(withoutScheme(printable(transfer.url)), columns, unicode)))
  } else {
    for (const transfer of long) lines.push(transferLine(transfer, canvas))
  }
  for (const slow of progress.slow) lines.push(paint.yellow(shorten(waitLine(slow), columns, unicode)))
  if (progress.mirror !== undefined) lines.push(shorten(mirrorLine(progress.mirror), columns, unicode))
  if (progress.paused === true) lines.push(paint.yellow(shorten(pausedLine(directory, columns), columns, unicode)))
  if (progress.diskFull !== undefined) {
    const notice = `${diskLine(progress.diskFull)}: paused, goes on when there is room`
    lines.push(paint.bold(paint.red(shorten(notice, columns, unicode))))
  }
  return lines.map((line) => `  ${line}`)
}

/** The run in one line, for logs. */
export const plain = (progress: Get.Progress, rate: Rate.Rate, paint: Paint): string => {
  const slow = progress.slow[0]
  // nothing else tells of lines that bring nothing new
  const part = progress.total === undefined ? fraction(progress) : undefined
  return [
    ...(progress.paused === true ? ["paused"] : []),
    ...(part === undefined ? [] : [percent(part).trim()]),
    ...facts(progress, rate, paint),
    ...(progress.mirror === undefined ? [] : [mirrorLine(progress.mirror)]),
    ...(slow === undefined ? [] : [waitLine(slow)]),
    ...(progress.diskFull === undefined ? [] : [diskLine(progress.diskFull)])
  ].join("   ")
}

/** Says when the disk is full and when there is room again: somebody must act, however quiet the run was to be. */
const watchDisk = (progress: () => Get.Progress, screen: Screen["Service"]) => {
  let full = false
  const look = Effect.sync(() => {
    const { diskFull } = progress()
    if ((diskFull !== undefined) === full) return
    full = diskFull !== undefined
    const text = full ? `${diskLine(diskFull!)}: paused` : "room on the disk again: going on"
    screen.note(warning(screen.paint, text))
    if (full)
      screen.note(hint(screen.paint, "make room (bytes, files) and it goes on by itself; or stop it, and resume later"))
  })
  return Effect.forkScoped(Effect.fn("disk watch")(() => Effect.repeat(look, Schedule.spaced("500 millis")))())
}

/** Between two drawings, and between two lines, in milliseconds. */
const pauses = { bar: 250, plain: 10_000 }

/** Shows how far files are looked at before a run begins, as `Options.onCheck` tells of them. */
export const checks = (kind: Kind, screen: Screen["Service"], now = () => performance.now()) => {
  let nextMs = -Infinity
  return (files: number, total: number): void => {
    if (kind === "none" || now() < nextMs) return
    nextMs = now() + pauses[kind]
    const parts = [`${number(files)} / ${number(total)} files checked`, "saved before the machine was last started"]
    if (kind === "bar") screen.block([fit(parts, screen.columns())])
    else screen.note(fit(parts, Infinity))
  }
}

/** Takes turns until the scope ends; then the screen is free again. */
const drawing = (turn: Effect.Effect<void>, pause: number, screen: Screen["Service"]) =>
  Effect.fn("progress")(() => Effect.andThen(Effect.sleep(pause), Effect.repeat(turn, Schedule.fixed(pause))))().pipe(
    Effect.ensuring(Effect.sync(() => screen.block([]))),
    Effect.forkScoped
  )

/** Shows in a line, until the scope ends, how far a command is; nothing of what is over in a blink. */
export const working = (line: () => string, screen: Screen["Service"]) => {
  const turn = Effect.sync(() => (screen.animated ? screen.block([`  ${line()}`]) : screen.note(line())))
  return drawing(turn, screen.animated ? pauses.bar : pauses.plain, screen)
}

/** Shows a run in `directory` until the scope ends; then the screen is free again. */
export const show = (
  kind: Kind,
  progress: () => Get.Progress,
  screen: Screen["Service"],
  directory: string
): Effect.Effect<void, never, Scope.Scope> => {
  if (kind === "none") return Effect.asVoid(watchDisk(progress, screen))
  const measure = Rate.make()
  const look = (draw: (progress: Get.Progress, rate: Rate.Rate) => void) =>
    Effect.sync(() => {
      const now = progress()
      draw(now, measure({ elapsedMs: now.elapsedMs, targets: done(now) - now.skipped, bytes: now.received }))
    })
  const redraw = look((now, rate) =>
    screen.block(
      render(now, rate, { columns: screen.columns(), unicode: screen.unicode, paint: screen.paint }, directory)
    )
  )
  const line = look((now, rate) => screen.note(plain(now, rate, screen.paint)))
  return drawing(kind === "bar" ? redraw : line, pauses[kind], screen).pipe(
    Effect.andThen(kind === "bar" ? Effect.void : watchDisk(progress, screen)),
    Effect.asVoid
  )
}
