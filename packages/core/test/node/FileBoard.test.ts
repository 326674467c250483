import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { openFileBoard } from "../../src/node/FileBoard.ts"

const program = fileURLToPath(new URL("FileBoard.program.ts", import.meta.url))

/** What is noted of short items, and of items that are noted each, when their process has ended. */
const noted = async (end: string): Promise<readonly [short: number, each: number]> => {
  const board = openFileBoard()
  for (const position of [0, 1]) board.reset(position)
  const child = spawn(process.execPath, [program, end], { stdio: ["ignore", "ignore", "ignore", board.descriptor] })
  await once(child, "exit")
  board.close()
  return [board.item(0), board.item(1)]
}

describe("the board of a process", () => {
  for (const end of ["exits", "throws"])
    it(`says which short item ran when the process ${end}`, async () => {
      assert.deepStrictEqual(await noted(end), [~999, ~999])
    })

  it("says from which short item on it may have been when the process is killed", async () => {
    const [short, each] = await noted("is killed")
    assert.strictEqual(each, ~999)
    assert.isAtLeast(short, 0)
    assert.isAtMost(short, 999)
  })
})
