/** A program that runs a task and forgets its pool: `node forgetful.ts KIND`. With `killed` it dies while a task runs. */
import { Pool, Task } from "../../src/node/Pool.ts"
import type * as Work from "../tasks/work.task.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))
const [kind, killed] = process.argv.slice(2) as ["threads" | "processes" | "inline", string?]
const pool = await Pool[kind]({ minimum: 1, maximum: 1 })
console.log(await pool.run(work.whoAmI, []))
if (killed !== undefined)
  void pool.run(work.begin, ["obey", 0], { onProgress: () => process.kill(process.pid, "SIGKILL") })
