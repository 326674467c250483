/**
 * Text that someone else chose, made safe to show. Servers choose URLs, reason
 * phrases and file names; a terminal obeys control sequences and reorders text
 * around bidirectional controls, so neither may reach it.
 */

// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional and other invisible format
// characters, private use and lone surrogates: \p{C} is all of them, with unassigned code points.
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu

/** `text` with every character that a terminal would act on, hide or reorder by written as `\u{hex}`. One line stays one line. */
export const printable = (text: string): string =>
  text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
