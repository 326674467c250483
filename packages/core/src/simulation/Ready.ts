/**
 * Tasks that are ready, the most urgent first, those of one priority in the order in which they became ready. Any of the
 * most urgent can be taken.
 *
 * 1. Adding a task and taking one cost O(log n) for n tasks of a priority, however far back the task stands.
 * 2. A task that was taken leaves an empty slot, so the others keep theirs; how many slots are not empty is told by a
 *    binary indexed tree (Fenwick: A New Data Structure for Cumulative Frequency Tables, Software: Practice and
 *    Experience 24(3), 1994). Slots are closed up when half of them are empty.
 */

/** A task has a whole number that is the lower the more urgent it is. */
export interface Prioritized {
  readonly priority: number
}

/** Slots that may be empty before they are closed up, whatever there is besides. */
const fewest = 32

/** Tasks of one priority. */
class Line<T> {
  readonly priority: number
  length = 0
  private readonly slots: Array<T | undefined> = []
  /** Slots that are used, empty or not. The room behind them is kept: an array whose length is set to 0 loses it. */
  private end = 0
  /** At `i`, from 1: how many of the slots are not empty, of as many up to the `i`-th as the lowest bit of `i` says. */
  private readonly counts: Array<number> = [0]

  constructor(priority: number) {
    this.priority = priority
  }

  add(task: T): void {
    const { slots, counts } = this
    slots[this.end++] = task
    const at = this.end
    let count = 1
    for (let step = 1; step < (at & -at); step <<= 1) count += counts[at - step]!
    counts[at] = count
    this.length++
  }

  take(index: number): T {
    const { slots, counts, end } = this
    // the longest run of slots with no more than `index` tasks ends before the one that is asked for
    let before = 0
    let left = index
    for (let step = 1 << (31 - Math.clz32(end)); step > 0; step >>= 1) {
      const at = before + step
      if (at > end || counts[at]! > left) continue
      before = at
      left -= counts[at]!
    }
    const task = slots[before]!
    slots[before] = undefined
    for (let at = before + 1; at <= end; at += at & -at) counts[at]!--
    this.length--
    if (this.length === 0) this.end = 0
    else if (end > fewest + 2 * this.length) this.close()
    return task
  }

  private close() {
    const tasks = Array.from(this)
    this.slots.length = 0
    this.end = 0
    this.length = 0
    for (const task of tasks) this.add(task)
  }

  *[Symbol.iterator](): Generator<T> {
    for (const task of this.slots) if (task !== undefined) yield task
  }
}

export class Ready<T extends Prioritized> implements Iterable<T> {
  /** The most urgent first; but for the first none is empty. */
  private readonly lines: Array<Line<T>> = [new Line(0)]

  get isEmpty(): boolean {
    return this.lines[0]!.length === 0
  }

  /** How many have the priority of the most urgent. */
  get mostUrgent(): number {
    return this.lines[0]!.length
  }

  add(task: T): void {
    const { lines } = this
    const { priority } = task
    if (this.isEmpty && lines[0]!.priority !== priority) lines[0] = new Line(priority)
    let at = 0
    while (at < lines.length && lines[at]!.priority < priority) at++
    if (lines[at]?.priority !== priority) lines.splice(at, 0, new Line(priority))
    lines[at]!.add(task)
  }

  /** Takes the most urgent task that so many of its priority stand before. */
  take(index: number): T {
    const { lines } = this
    const task = lines[0]!.take(index)
    if (this.isEmpty && lines.length > 1) lines.shift()
    return task
  }

  *[Symbol.iterator](): Generator<T> {
    for (const line of this.lines) yield* line
  }
}
