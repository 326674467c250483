/**
 * The time of a run, by which hosts and waiting targets are kept apart: that of
 * the wall, but it never goes back. Where somebody sets the wall's clock back, an
 * hour of waits would be added to each that is begun; where it is set on, or the
 * machine slept, they are over.
 */

/** Milliseconds since the epoch. */
export type RunClock = () => number

export const make = (wall: () => number): RunClock => {
  let last = -Infinity
  /** By how much the wall's clock was set back. */
  let behind = 0
  return () => {
    const nowMs = wall() + behind
    if (nowMs < last) behind += last - nowMs
    else last = nowMs
    return last
  }
}
