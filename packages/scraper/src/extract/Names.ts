/**
 * The names of tags and attributes: few, and each of them thousands of times in a page. There is one string for each, made
 * once; so a name costs a comparison of some characters, and comparing it with a literal one of addresses.
 *
 * Memory is bounded: of names that fall on one place the latest is kept. What the names of one kind are asked for is
 * a function, and all that ask the same one share what is kept.
 */

const places = 512
/** A longer name is made anew each time. */
const longest = 32

const shared = new WeakMap<(name: string) => boolean, Names>()

export class Names {
  /** @param wants of a name in lower case; asked once for each that is kept */
  static by(wants: (name: string) => boolean): Names {
    let names = shared.get(wants)
    if (names === undefined) shared.set(wants, (names = new Names(wants)))
    return names
  }

  readonly #written: Array<string> = Array.from({ length: places }, () => "")
  readonly #names: Array<string> = Array.from({ length: places }, () => "")
  readonly #wanted: Array<boolean> = Array.from({ length: places }, () => false)
  readonly #wants: (name: string) => boolean

  private constructor(wants: (name: string) => boolean) {
    this.#wants = wants
  }

  /**
   * Where the name is kept that is written there, in whatever case; -1 where it is too long or not ASCII. `hash`: any,
   * of what is written.
   */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const length = end - start
    if (length > longest) return -1
    const place = (hash ^ (hash >>> 9)) & (places - 1)
    const written = this.#written[place]!
    let same = 0
    if (written.length === length) while (same < length && written.charCodeAt(same) === bytes[start + same]) same++
    if (same === length) return place
    const name = bytes.subarray(start, end)
    if (name.some((code) => code >= 0x80)) return -1
    this.#put(place, String.fromCharCode(...name))
    return place
  }
  #put(place: number, written: string) {
    const lower = written.toLowerCase()
    // the key of an object is a string that is there once
    const name = Object.keys({ [lower]: 0 })[0]!
    this.#written[place] = written
    this.#names[place] = name
    this.#wanted[place] = this.#wants(name)
  }

  name(place: number): string {
    return this.#names[place]!
  }
  isWanted(place: number): boolean {
    return this.#wanted[place]!
  }
}
