/**
 * How fast a run is now: the difference over a short window, because an average
 * since the start hides that a run got slow, and one redraw's worth jumps.
 */

/** Per second. */
export interface Rate {
  readonly targets: number
  readonly bytes: number
}

interface Sample {
  readonly elapsedMs: number
  readonly targets: number
  readonly bytes: number
}

/** Takes samples in order of time and answers the rate over the last `windowMs`. */
export const make = (windowMs = 5000): ((sample: Sample) => Rate) => {
  const samples: Array<Sample> = [{ elapsedMs: 0, targets: 0, bytes: 0 }]
  return (sample) => {
    samples.push(sample)
    // One sample at or before the edge of the window stays: the window is never shorter than asked.
    while (samples.length > 2 && samples[1]!.elapsedMs <= sample.elapsedMs - windowMs) samples.shift()
    const first = samples[0]!
    const seconds = (sample.elapsedMs - first.elapsedMs) / 1000
    return seconds <= 0
      ? { targets: 0, bytes: 0 }
      : { targets: (sample.targets - first.targets) / seconds, bytes: (sample.bytes - first.bytes) / seconds }
  }
}
