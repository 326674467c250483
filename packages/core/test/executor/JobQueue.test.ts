import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Queued } from "../../src/executor/JobQueue.ts"
import { JobQueue } from "../../src/executor/JobQueue.ts"

let looks = 0
class Waiting implements Queued {
  readonly priority: number
  readonly #sequence: number
  readonly queuedAt: number
  previous: Queued | undefined
  following: Queued | undefined
  queue: JobQueue<Waiting> | undefined
  constructor(sequence: number, priority = 0, queuedAt = 0) {
    this.#sequence = sequence
    this.priority = priority
    this.queuedAt = queuedAt
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

  it("gives the highest priority first, raised by one for each age that a job has waited", () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ priority: fc.nat(3), queuedAt: fc.nat(50) }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 50, max: 100 }),
        (submitted, now) => {
          const queue = new JobQueue<Waiting>(10)
          const jobs = submitted
            .toSorted((one, other) => one.queuedAt - other.queuedAt)
            .map(({ priority, queuedAt }, sequence) => new Waiting(sequence, priority, queuedAt))
          for (const job of jobs) queue.add(job)
          const rank = ({ priority, queuedAt }: Waiting) => priority + Math.floor((now - queuedAt) / 10)
          const [first] = jobs.toSorted((one, other) => rank(other) - rank(one) || one.sequence - other.sequence)
          assert.strictEqual(queue.next(now), first)
        }
      )
    ))

  it("knows the one that came first, whatever its priority", () => {
    const queue = new JobQueue<Waiting>(1000)
    assert.isUndefined(queue.oldest())
    const [high, low, middle] = [new Waiting(1, 2), new Waiting(2, 0), new Waiting(3, 1)]
    for (const job of [middle, high, low]) queue.add(job)
    assert.strictEqual(queue.oldest(), high)
    queue.remove(high)
    assert.strictEqual(queue.oldest(), low)
  })

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
