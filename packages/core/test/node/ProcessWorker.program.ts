/**
 * Asks for a process while all descriptors but a few are taken, then with all of them; says what became of it, and
 * which boards are open still.
 */
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs"
import { type ExecutorError, Pool, Task } from "../../src/node/Pool.ts"
import type * as Work from "../tasks/work.task.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))
/** What descriptors are of. */
const open = (): Array<string> => {
  const folder = "/proc/self/fd"
  return readdirSync(folder).flatMap((descriptor) => {
    try {
      return readlinkSync(`${folder}/${descriptor}`)
    } catch {
      // the one that read the folder
      return []
    }
  })
}

const said: Array<unknown> = []
for (let few = 0; few < 6; few++) {
  const pool = await Pool.processes({ maximum: 1 })
  const taken: Array<number> = []
  try {
    for (;;) taken.push(openSync("/dev/null", "r"))
  } catch {}
  for (const descriptor of taken.splice(0, few)) closeSync(descriptor)
  const outcome = await pool.run(work.increment, [1]).catch((error: unknown) => error)
  for (const descriptor of taken) closeSync(descriptor)
  const { reason } = outcome as ExecutorError
  said.push(reason._tag, /EMFILE/.test(reason.message))
  await pool.shutdown()
}
const pool = await Pool.processes({ maximum: 1 })
said.push(await pool.run(work.increment, [1]))
await pool.shutdown()
console.log(JSON.stringify([said, open().filter((path) => path.includes("simul-board"))]))
