/** Measures one row of one contender, in this process: `node measure.ts ROW CONTENDER`. Prints the figures as JSON. */
import { writeSync } from "node:fs"
import { contenders } from "./Contender.ts"
import { rows } from "./Row.ts"

const [rowName, contenderName] = process.argv.slice(2)
const row = rows.find(({ name }) => name === rowName)!
const contender = contenders.find(({ name }) => name === contenderName)!
const figures = await row.measure(contender)
writeSync(
  1,
  JSON.stringify(figures, (_, value) => (value === Infinity ? "never" : value))
)
// not all pools let a program end
process.exit()
