/**
 * Hands a body on to what reads it for links, a piece each turn of the event loop, so that a big page keeps no other
 * transfer waiting: the operating system gives what has arrived of one connection all at once.
 *
 * A page of one piece is read as it comes. Of a longer one what is not read yet is kept, and its transfer is to wait: that
 * is one chunk.
 */

/** Bytes of a turn: some thousand links at the most, which take a few milliseconds. */
export const pieceBytes = 65_536

export class Pace {
  readonly #read: (piece: Uint8Array) => unknown
  readonly #drained: () => void
  /** Bytes read in this turn, or in turns that were not full. */
  #taken = 0
  #rest: Array<Uint8Array> = []
  #next: ReturnType<typeof setImmediate> | undefined

  /** @param drained all that was written has been read, after a `write` that gave `false` */
  constructor(read: (piece: Uint8Array) => unknown, drained: () => void) {
    this.#read = read
    this.#drained = drained
  }

  /** There is something that has not been read. */
  get isBehind(): boolean {
    return this.#rest.length > 0
  }

  /** Takes bytes; they belong to the caller again when it returns. `false`: more should come after `drained` only. */
  write(chunk: Uint8Array): boolean {
    if (this.isBehind) this.#rest.push(new Uint8Array(chunk))
    else if (this.#taken + chunk.length <= pieceBytes) this.#take(chunk)
    else {
      const room = pieceBytes - this.#taken
      if (room > 0) this.#take(chunk.subarray(0, room))
      this.#rest.push(new Uint8Array(chunk.subarray(room)))
      this.#next = setImmediate(this.#turn)
    }
    return !this.isBehind
  }

  /** What has not been read never is. */
  close(): void {
    clearImmediate(this.#next)
    this.#rest = []
  }

  #take(piece: Uint8Array) {
    this.#taken += piece.length
    this.#read(piece)
  }
  readonly #turn = () => {
    this.#taken = 0
    while (this.#rest.length > 0 && this.#taken < pieceBytes) {
      const chunk = this.#rest[0]!
      const room = pieceBytes - this.#taken
      if (chunk.length > room) this.#rest[0] = chunk.subarray(room)
      else this.#rest.shift()
      this.#take(chunk.length > room ? chunk.subarray(0, room) : chunk)
    }
    if (this.isBehind) this.#next = setImmediate(this.#turn)
    else this.#drained()
  }
}
