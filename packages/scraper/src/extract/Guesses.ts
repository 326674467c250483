/**
 * What looks like a URL in a text that is not one: absolute, or a path that begins with `/`, `./` or `../`. It finds links
 * that nothing else names, and things that are no links.
 */

/** A path needs a letter: `1 / 2` and `//` are none. */
const guess = /https?:\/\/[^\s"'<>`\\^{|}]+|(?<![^\s"'(,;=>])\.{0,2}\/(?=[^\s"'<>]{0,200}[a-z])[^\s"'<>`\\^{|}]+/gi

/** What a sentence puts after a URL. */
const after = /[.,;:!?)\]]{1,9}$/

/** Beyond this length, in characters, nothing is guessed. */
const longest = 2048

/** The guesses in a text, in its order. */
export const urls = (text: string): ReadonlyArray<string> =>
  (text.includes("/") ? (text.match(guess) ?? []) : [])
    .filter((found) => found.length <= longest)
    .map((found) => found.replace(after, ""))
