/** Runs a thousand short items on the board that it inherits, then ends as it is told. */
import { fileWorkerBoard } from "../../src/node/FileBoard.ts"

const board = fileWorkerBoard(3)
board.start(0)
board.start(1)
for (let index = 0; index < 1000; index++) {
  board.item(0, index, false)
  board.item(1, index, true)
}
const ends: Readonly<Record<string, () => void>> = {
  exits: () => process.exit(5),
  throws: () => {
    throw new Error("out of nowhere")
  },
  "is killed": () => process.kill(process.pid, "SIGKILL")
}
ends[process.argv[2]!]!()
