/** Texts by number, so that an event can hold one. Beyond a bound every further text is `(other)`. */
const most = 4096

/** The number of no text. */
export const none = 0

export class Names {
  readonly #texts: Array<string> = ["", "(other)"]
  readonly #numbers = new Map<string, number>()

  /** The number of a text: the same for the same text. */
  numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number !== undefined) return number
    if (this.#texts.length >= most) return 1
    number = this.#texts.push(text) - 1
    this.#numbers.set(text, number)
    return number
  }

  /** Empty where there is none. */
  textOf(number: number): string {
    return this.#texts[number] ?? ""
  }
}
