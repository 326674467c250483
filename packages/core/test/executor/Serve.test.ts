import { assert, describe, it } from "@effect/vitest"
import { boardBytes, memoryWorkerBoard } from "../../src/executor/Board.ts"
import { encodeError } from "../../src/executor/ErrorCodec.ts"
import type { Command, Reply } from "../../src/executor/Protocol.ts"
import { serve } from "../../src/executor/Serve.ts"

describe("a worker", () => {
  it("looks at what it uses when a task has ended, not while the first one waits for its module", async () => {
    const replies: Array<Reply[0]> = []
    let obey: (commands: ReadonlyArray<Command>) => void = () => {}
    const told = Promise.withResolvers<void>()
    await serve(
      {
        board: memoryWorkerBoard(new ArrayBuffer(boardBytes)),
        load: async () => ({ answer: () => 42 }),
        encodeError,
        channel: {
          post: (reply) => {
            replies.push(reply[0])
            if (reply[0] === "usage") told.resolve()
          },
          check: structuredClone,
          listen: (listener) => void (obey = listener),
          flushed: () => undefined,
          usage: () => [1, 1, 0],
          stop: () => {}
        }
      },
      { tasksPerWorker: 1, tasks: [], timed: false }
    )
    obey([
      ["task", 0, "module", "answer"],
      ["run", 0, 0, [], undefined]
    ])
    await told.promise
    assert.deepStrictEqual(replies, ["ready", "ok", "usage"])
  })
})
