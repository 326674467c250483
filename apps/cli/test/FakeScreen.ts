/** A screen that keeps what is written, for tests in this process. */
import * as Effect from "effect/Effect"
import type { Screen } from "../src/Screen.ts"
import { uncoloured } from "../src/Screen.ts"

export const make = (overrides: Partial<Screen["Service"]> = {}) => {
  const data: Array<string> = []
  const notes: Array<string> = []
  const blocks: Array<ReadonlyArray<string>> = []
  const screen: Screen["Service"] = {
    data: (chunk) =>
      Effect.sync(() => {
        data.push(typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))
      }),
    note: (lines) => {
      notes.push(lines)
    },
    block: (lines) => {
      blocks.push(lines)
    },
    animated: false,
    columns: () => 80,
    unicode: true,
    paint: uncoloured,
    paintData: uncoloured,
    readerGone: () => false,
    ...overrides
  }
  return {
    screen,
    blocks,
    /** Standard output so far. */
    stdout: () => data.join(""),
    /** Standard error so far, without the block. */
    stderr: () => notes.map((note) => `${note}\n`).join("")
  }
}
