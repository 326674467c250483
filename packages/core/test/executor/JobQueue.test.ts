import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Queued } from "../../src/executor/JobQueue.ts"
import { JobQueue } from "../../src/executor/JobQueue.ts"

let looks = 0
class Waiting implements Queued {
  readonly priority: number
  readonly #sequence: number
  readonly queuedAt = 0
  previous: Queued | undefined
  following: Queued | undefined
  queue: JobQueue<Waiting> | undefined
  constructor(sequence: number, priority = 0) {
    this.#sequence = sequence
    this.priority = priority
  }
  get sequence() {
    looks++
    return this.#sequence
  }
}

const drained = (queue: JobQueue<Waiting>) => {
  const order: Array<readonly [priority: number, sequence: number]> = []
  for (let job; (job = queue.next(0)) !== undefined; queue.remove(job)) order.push([job.priority, job.sequence])
  return order
}

describe("a queue of jobs", () => {
  it("has those that it takes over in their places, and leaves none", () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ priority: fc.nat(2), inFirst: fc.boolean(), back: fc.boolean() }), { maxLength: 40 }),
        (jobs) => {
          const queue = new JobQueue<Waiting>(1000)
          const other = new JobQueue<Waiting>(1000)
          const waiting = jobs.map((job, sequence) => ({ ...job, job: new Waiting(sequence, job.priority) }))
          for (const { inFirst, back, job } of waiting) if (!back) (inFirst ? queue : other).add(job)
          // what comes back is added after those that came later
          for (const { inFirst, back, job } of waiting) if (back) (inFirst ? queue : other).add(job)
          queue.takeOver(other)
          assert.deepStrictEqual([queue.size, other.size, [...other]], [jobs.length, 0, []])
          const expected = jobs
            .map(({ priority }, sequence) => [priority, sequence] as const)
            .toSorted(([one, first], [another, second]) => another - one || first - second)
          assert.deepStrictEqual(drained(queue), expected)
        }
      )
    ))

  it("looks at each job a few times when it takes over as many as it has, one between each two", () => {
    const count = 5000
    const queue = new JobQueue<Waiting>(1000)
    const other = new JobQueue<Waiting>(1000)
    for (let sequence = 0; sequence < 2 * count; sequence++) (sequence % 2 ? queue : other).add(new Waiting(sequence))
    looks = 0
    queue.takeOver(other)
    assert.isBelow(looks, 20 * count)
    assert.strictEqual(queue.size, 2 * count)
  })
})
