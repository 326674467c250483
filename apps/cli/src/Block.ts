/** Lines on a terminal that are drawn over by those that follow. */
import { stripVTControlCharacters } from "node:util"

/** Cells that a text takes; everything that is drawn here is one cell a character, but for the colours. */
export const width = (text: string): number => stripVTControlCharacters(text).length

export const make = () => {
  /** Cells of each line of it. */
  let drawn: ReadonlyArray<number> = []
  return {
    /**
     * What brings other lines into its place, given the cells that a line of the terminal has by now: one that was made
     * narrower has broken longer lines.
     */
    redraw: (lines: ReadonlyArray<string>, columns: number): string => {
      const rows = drawn.reduce((sum, cells) => sum + Math.max(1, Math.ceil(cells / columns)), 0)
      drawn = lines.map(width)
      // to its first line, and everything from there on is cleared
      const clear = rows === 0 ? "" : `\r${rows > 1 ? `\x1b[${rows - 1}A` : ""}\x1b[J`
      return clear + lines.join("\n")
    },
    /** Something was written below it: it stays, and the next one is drawn below that. */
    forget: () => {
      drawn = []
    }
  }
}
