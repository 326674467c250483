/**
 * CPU work that scenarios do, in steps: a Fibonacci number by its definition, or a loop that only burns time.
 *
 * What a Fibonacci number comes to is shown by its last 20 digits.
 */
export type Work =
  /** `n` additions of numbers that grow: 0.69 n bits at the end. */
  | { readonly _tag: "Fibonacci"; readonly n: number }
  /** So many milliseconds of CPU. */
  | { readonly _tag: "Spin"; readonly ms: number }

export const fibonacci = (n: number): Work => ({ _tag: "Fibonacci", n })
export const spin = (ms: number): Work => ({ _tag: "Spin", ms })

const tail = 10n ** 20n

/** The last 20 digits, all of the number where it has no more; zeros at their start are kept. */
const lastDigits = (value: bigint, isCut: boolean) => (isCut ? String(value % tail).padStart(20, "0") : String(value))

/** The first whose number has 21 digits. */
const firstCut = 97

/**
 * The last digits of the `n`th Fibonacci number by fast doubling, in log n multiplications: what all others are
 * compared with.
 */
export const fibonacciDigits = (n: number): string => {
  const double = (n: number): readonly [bigint, bigint] => {
    if (n === 0) return [0n, 1n]
    const [a, b] = double(Math.floor(n / 2))
    const c = (a * (2n * b - a + tail)) % tail
    const d = (a * a + b * b) % tail
    return n % 2 === 0 ? [c, d] : [d, (c + d) % tail]
  }
  return lastDigits(double(n)[0], n >= firstCut)
}

/**
 * Additions between two places where the work can be cut. Few enough to last microseconds; so many that stepping costs
 * nothing beside them: cut at each, code that was not compiled yet took half as long again (215 ms instead of 150 for
 * F(150,000)), and each worker's first task was measured as that.
 */
export const stride = 50

const { process } = globalThis as {
  readonly process?: { readonly threadCpuUsage?: () => { readonly user: number; readonly system: number } }
}

/** What the calling thread has computed, in milliseconds; by the clock where that is not told: then others compute, too. */
const cpuMs = (): number => {
  const used = process?.threadCpuUsage?.()
  return used === undefined ? performance.now() : (used.user + used.system) / 1000
}

/** Does the work step by step; `yield` is where it can be cut. */
export const steps = function* (work: Work): Generator<void, string> {
  if (work._tag === "Spin") {
    const until = cpuMs() + work.ms
    while (cpuMs() < until) {
      for (let turn = 0, sum = 0; turn < 200; turn++) sum += turn
      yield
    }
    return ""
  }
  let [a, b] = [0n, 1n]
  for (let index = 0; index < work.n; yield)
    for (const end = Math.min(work.n, index + stride); index < end; index++) [a, b] = [b, a + b]
  return lastDigits(a, work.n >= firstCut)
}

/** Does the work at once. */
export const perform = (work: Work): string => {
  const all = steps(work)
  for (let next = all.next(); ; next = all.next()) if (next.done) return next.value
}

/** What a model knows of a machine's speed: milliseconds. One addition of numbers of 0.69 i bits costs `base + slope i`. */
const cost = { base: 5e-5, slope: 2.4e-8 }

/** What steps `from` to `to` cost in the model, in milliseconds. */
export const costOf = (work: Work, from = 0, to = stepsOf(work)): number =>
  work._tag === "Spin" ? to - from : cost.base * (to - from) + (cost.slope * (to * to - from * from)) / 2

/** Steps in the model: additions, or milliseconds. */
export const stepsOf = (work: Work): number => (work._tag === "Spin" ? work.ms : work.n)

/** The step up to which a slice of `ms` comes that begins with step `from`. */
export const stepAfter = (work: Work, from: number, ms: number): number => {
  const all = stepsOf(work)
  if (work._tag === "Spin") return Math.min(all, from + ms)
  // slope/2 x^2 + base x = cost up to `from` + ms
  const { base, slope } = cost
  const total = costOf(work, 0, from) + ms
  return Math.min(all, Math.max(from + 1, Math.round((-base + Math.sqrt(base * base + 2 * slope * total)) / slope)))
}

/**
 * The result without the work: numbers of at most 20 digits instead of the long ones. For the model, which only
 * pretends to take the time.
 */
export const resultOf = (work: Work): string => {
  if (work._tag === "Spin") return ""
  let [a, b] = [0n, 1n]
  for (let index = 0; index < work.n; index++) [a, b] = [b, (a + b) % tail]
  return lastDigits(a, work.n >= firstCut)
}
