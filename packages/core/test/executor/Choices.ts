/** Random structures from a list of numbers: each number decides one thing, so removing numbers shrinks the structure. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

/** What a run is made from; when it is used up every choice is the first. */
export const choices = Arbitrary.array(
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9999 }))),
  {
    maxLength: 300
  }
)

export class Choices {
  #at = 0
  readonly #numbers: ReadonlyArray<number>
  constructor(numbers: ReadonlyArray<number>) {
    this.#numbers = numbers
  }
  /** An integer from 0, below `bound`. */
  below(bound: number): number {
    return (this.#numbers[this.#at++] ?? 0) % bound
  }
  of<A>(options: ReadonlyArray<A>): A {
    return options[this.below(options.length)]!
  }
  list<A>(maximum: number, make: (index: number) => A): Array<A> {
    return Array.from({ length: this.below(maximum + 1) }, (_, index) => make(index))
  }
}
