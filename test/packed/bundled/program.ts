/** A user's program: every kind of pool runs tasks of a module beside it, and one that is inline. */
import { inline } from "@simul/core/InlineTask"
import { Pool, Task } from "@simul/core/node/Pool"
import { Square } from "./Square.ts"
import type * as Work from "./work.task.ts"

const work = Task.module<typeof Work>(new URL("./work.task.ts", import.meta.url))
const cube = inline((n: number) => n ** 3)

for (const kind of ["threads", "processes", "inline"] as const) {
  const pool = await Pool[kind]({ maximum: 1 })
  const shown: Array<unknown> = [kind, new Square(4).area, await pool.run(work.area, [7]), await pool.run(cube, [3])]
  shown.push(await pool.map([1, 2, 3], work.area).toArray())
  for await (const n of pool.stream(work.upTo, [3])) shown.push(n)
  try {
    await pool.run(work.fail, ["wrong"])
  } catch (error) {
    shown.push(String(error), (error as Error).stack?.includes("--- submitted from ---"))
  }
  console.log(JSON.stringify(shown))
  await pool.shutdown()
}
