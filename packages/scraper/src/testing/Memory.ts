/** What a site remembers between requests: how often each was made, and which gates are open. */
export class Memory {
  readonly #visits = new Map<string, number>()
  readonly #open = new Set<string>()
  readonly #waiting = new Map<string, Array<() => void>>()

  /** Counts a visit; 1 for the first one. */
  visit(key: string): number {
    const count = (this.#visits.get(key) ?? 0) + 1
    this.#visits.set(key, count)
    return count
  }

  /** Runs `then` when the gate is released: at once if it was before. */
  whenReleased(gate: string, then: () => void): void {
    if (this.#open.has(gate)) return then()
    const waiting = this.#waiting.get(gate)
    if (waiting === undefined) this.#waiting.set(gate, [then])
    else waiting.push(then)
  }

  /** Opens the gate, for those who wait and for all who come later. */
  release(gate: string): void {
    this.#open.add(gate)
    const waiting = this.#waiting.get(gate) ?? []
    this.#waiting.delete(gate)
    for (const resume of waiting) resume()
  }

  /** Forgets visits and closes gates; who waits goes on waiting. */
  reset(): void {
    this.#visits.clear()
    this.#open.clear()
  }
}
