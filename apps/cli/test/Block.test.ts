import { assert, describe, it } from "@effect/vitest"
import { stripVTControlCharacters } from "node:util"
import * as Block from "../src/Block.ts"

/** A terminal as far as a block needs one: it breaks what is too long, and breaks it anew when it gets narrower. */
const terminal = () => {
  let [lines, columns, row] = [[""], 0, 0]
  const resize = (to: number) => {
    columns = to
    lines = lines.flatMap((line) => line.match(new RegExp(`.{1,${to}}`, "g")) ?? [""])
    row = lines.length - 1
  }
  const write = (text: string) => {
    const up = /^\r(?:\x1b\[(\d+)A)?\x1b\[J/.exec(text) // oxlint-disable-line no-control-regex
    if (up !== null) lines = [...lines.slice(0, row - Number(up[1] ?? 0)), ""]
    const [first, ...rest] = stripVTControlCharacters(text).replace("\r", "").split("\n")
    lines = [...lines.slice(0, -1), lines.at(-1)! + first, ...rest]
    resize(columns)
  }
  return { resize, write, lines: () => lines }
}

describe("Block", () => {
  it("is drawn over what was drawn, also where the terminal was made narrower since", () => {
    const { resize, write, lines } = terminal()
    const block = Block.make()
    resize(10)
    write("before\n")
    write(block.redraw(["1234567890", "\x1b[32m12\x1b[39m", ""], 10))
    write(block.redraw(["abcdefgh", "ab"], 10))
    assert.deepStrictEqual(lines(), ["before", "abcdefgh", "ab"])
    resize(3)
    assert.lengthOf(lines(), 6)
    write(block.redraw(["x", "y"], 3))
    assert.deepStrictEqual(lines().slice(-3), ["ore", "x", "y"])
    write(block.redraw([], 3))
    assert.strictEqual(block.redraw([], 3), "")
  })
  it("leaves what was written below it", () => {
    const { resize, write, lines } = terminal()
    const block = Block.make()
    resize(10)
    write(block.redraw(["1", "2"], 10))
    write("\nshell\n")
    block.forget()
    write(block.redraw(["3"], 10))
    assert.deepStrictEqual(lines(), ["1", "2", "shell", "3"])
  })
})
