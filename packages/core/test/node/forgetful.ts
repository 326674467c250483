/**
 * A program that runs a task and forgets its pool: `node forgetful.ts KIND`. With `killed` it dies while a task runs, with
 * `collected` it loses the pool while tasks run and wait, and lives until that has left no worker.
 */
import { Pool, Task } from "../../src/node/Pool.ts"
import type { WorkerEvent } from "../../src/WorkerEvent.ts"
import { collect } from "../collect.ts"
import type * as Work from "../tasks/work.task.ts"
import { range, until } from "./Submitted.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))
const [kind, how] = process.argv.slice(2) as [kind: "threads" | "processes" | "inline", how?: "killed" | "collected"]

if (how === "collected") {
  let workers = 0
  let ended = 0
  // not in `lose`: what is made there keeps the pool
  const onEvent = ({ kind }: WorkerEvent) => {
    if (kind === "spawn") workers++
    if (kind === "exit") ended++
  }
  const lose = async () => {
    const pool = await Pool[kind]({ minimum: 1, maximum: 1, idleTimeToLive: Infinity, onEvent })
    return range(3).map((n) => pool.run(work.later, [20, n]))
  }
  const results = await lose()
  collect()
  console.log((await Promise.all(results)).join(" "))
  await until(() => (collect(), ended > 0))
  console.log(`${workers} started, ${ended} ended`)
} else {
  const pool = await Pool[kind]({ minimum: 1, maximum: 1 })
  console.log(await pool.run(work.whoAmI, []))
  if (how === "killed")
    void pool.run(work.begin, ["obey", 0], { onProgress: () => process.kill(process.pid, "SIGKILL") })
}
