/**
 * Finds options that there are none of. Types tell of them where there are types; in plain JavaScript one that is
 * misspelt would go unheard.
 */
import { InvalidOption } from "./ExecutorError.ts"

/** All names of options, so that none is forgotten. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>

/**
 * The first option that has none of these names, if there is one. `of`: the option that has these. One that is
 * `undefined` or `null` is not given: `{ x: given.x }` hands on what may be missing; nor are such options as a whole.
 */
export const unknownOption = (
  options: object | null | undefined,
  names: Readonly<Record<string, true>>,
  of?: string
): InvalidOption | undefined => {
  if (options == null) return undefined
  if (Object(options) !== options)
    return of === undefined
      ? // what calls it with something of its own, as a signal's listener does, gives none
        undefined
      : new InvalidOption({ option: of, expected: `an object of ${Object.keys(names).join(", ")}`, got: options })
  for (const name of Object.keys(options))
    if (!Object.hasOwn(names, name) && Reflect.get(options, name) != null)
      return new InvalidOption({
        option: `an option${of === undefined ? "" : ` of \`${of}\``}`,
        expected: `one of ${Object.keys(names).join(", ")}`,
        got: name
      })
  return undefined
}
