/** Timers by time, those of one time in the order in which they were set: a binary heap. */

export interface Timer {
  readonly at: number
  readonly order: number
}

const isBefore = (one: Timer, other: Timer) => one.at < other.at || (one.at === other.at && one.order < other.order)

/** Adds a timer to a heap. */
export const add = <T extends Timer>(heap: Array<T>, timer: T): void => {
  let at = heap.push(timer) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = timer
}

/** Takes the first timer off a heap that has one. */
export const take = <T extends Timer>(heap: Array<T>): T => {
  const first = heap[0]!
  const moved = heap.pop()!
  if (heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, moved)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = moved
  return first
}
