/**
 * Where the spans of a timeline go: which row, which of them are in view, where
 * the marks of the axis stand.
 *
 * The HTML file carries these very functions, as text: each stands alone and
 * uses nothing but its arguments.
 */

/** A stretch of one lane that is drawn in one row: its spans from the index `first` to `last`. */
export interface Piece {
  readonly lane: number
  readonly first: number
  readonly last: number
  readonly startMs: number
  readonly endMs: number
}

/**
 * The pieces of a timeline whose spans come lane by lane: a new one starts with
 * each lane and where waiting turns into work or back. In the order of their start.
 *
 * `isWaiting` tells it of a span by its index; with a constant, a lane is one piece.
 */
export const pieces = (
  spans: ReadonlyArray<{ readonly lane: number; readonly startMs: number; readonly endMs: number }>,
  isWaiting: (span: number) => boolean
): ReadonlyArray<Piece> => {
  const found: Array<Piece> = []
  for (let first = 0; first < spans.length;) {
    const { lane, startMs } = spans[first]!
    let last = first
    while (last + 1 < spans.length && spans[last + 1]!.lane === lane && isWaiting(last + 1) === isWaiting(first)) last++
    found.push({ lane, first, last, startMs, endMs: spans[last]!.endMs })
    first = last + 1
  }
  return found.toSorted((a, b) => a.startMs - b.startMs)
}

/**
 * The row of each stretch, in as few rows as there are stretches at one time: the topmost that is free. They come in
 * the order of their start.
 */
export const pack = (
  stretches: ReadonlyArray<{ readonly startMs: number; readonly endMs: number }>
): ReadonlyArray<number> => {
  const until: Array<number> = []
  // rows before this one are taken at least until the next stretch starts
  return stretches.map(({ startMs, endMs }) => {
    let row = 0
    while (row < until.length && until[row]! > startMs) row++
    until[row] = endMs
    return row
  })
}

/** The first of spans without overlap, in the order of time, that ends after a time: a binary search. */
export const firstAfter = (ends: ArrayLike<number>, ms: number): number => {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ends[middle]! > ms) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * Round times within bounds (not below 0), at most `most` of them, at steps of 1, 2 or 5 times a power of ten; over a
 * minute at steps people read off a clock.
 */
export const ticks = (
  fromMs: number,
  toMs: number,
  most: number
): { readonly stepMs: number; readonly at: Array<number> } => {
  const least = (toMs - fromMs) / most
  const clock = [6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5, 144e5, 288e5, 864e5]
  let stepMs = clock.find((ms) => ms >= least) ?? 864e5 * Math.ceil(least / 864e5)
  if (least <= 3e4) {
    const power = 10 ** Math.floor(Math.log10(least))
    stepMs = [1, 2, 5, 10].map((times) => times * power).find((ms) => ms >= least * 0.999_999) ?? 10 * power
    if (stepMs > 1e4) stepMs = 3e4
  }
  const at: Array<number> = []
  for (let index = Math.max(0, Math.ceil(fromMs / stepMs - 1e-9)); index * stepMs <= toMs; index++)
    at.push(index * stepMs)
  return { stepMs, at }
}

/** A duration in the unit that suits it: `0`, `12 µs`, `3.4 ms`, `1.25 s`, `2 m 05 s`, `1 h 02 m`. */
export const duration = (ms: number): string => {
  if (ms === 0) return "0"
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`
  const digits = (value: number) => (value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
  const trim = (value: number) => String(Number(value.toFixed(digits(value))))
  if (ms < 999.5) return `${trim(ms)} ms`
  if (ms < 59_950) return `${trim(ms / 1000)} s`
  const two = (value: number) => String(value).padStart(2, "0")
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`
}
