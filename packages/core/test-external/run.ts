/**
 * Runs the tests of another pool, unmodified, against an adapter of its shape over our
 * engine: `node packages/core/test-external/run.ts PEER DIRECTORY [FILE...]`, where
 * the directory is a checkout of the peer.
 *
 * Each case has a process of its own, and `longest` milliseconds; one that fails without
 * a reason is run once more, and named for it. Prints what became of each file, then the
 * cases that differ by reason, then those that fail with what they say. Ends with status 1
 * if a case fails for which the peer's differences give no reason.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join, resolve } from "node:path"
import { nodeTests } from "./NodeTests.ts"
import { peers } from "./Peers.ts"
import { vitestTests } from "./VitestTests.ts"

const [name = "", given = "", ...only] = process.argv.slice(2)
const peer = peers[name]
const directory = resolve(given)
const folder = join(directory, peer?.folder ?? "")
if (peer === undefined || given === "" || !existsSync(folder)) {
  console.error(
    peer === undefined
      ? `no adapter for ${JSON.stringify(name)}; there is one for ${Object.keys(peers).join(", ")}`
      : `no tests in ${folder}; give the folder of a checkout of ${name}: node run.ts ${name} DIRECTORY [FILE...]`
  )
  process.exit(2)
}

const tests = peer.vitest === true ? vitestTests(name, peer, directory) : nodeTests(name, peer, directory)

interface Case {
  readonly file: string
  readonly title: string
  readonly why: Promise<string | undefined | null>
}

let free = 2 * availableParallelism()
const waiting: Array<() => void> = []
/** A few at once: most of them wait most of the time. */
const inTurn = async <A>(run: () => Promise<A>): Promise<A> => {
  if (free === 0) await new Promise<void>((go) => waiting.push(go))
  else free--
  try {
    return await run()
  } finally {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
}

const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
const files = readdirSync(folder).filter((file) => peer.tests.test(file) && (only.length === 0 || only.includes(file)))
console.log(`| ${name} ${version} | passed | differs by design | fails |\n|---|---|---|---|`)
const cases = new Map<string, ReadonlyArray<Case>>()
for (const file of files)
  if (peer.differences.unfit[file] === undefined) {
    const titles = await tests.titles(file)
    if (titles.length === 0) throw new Error(`${file} cannot be loaded`)
    cases.set(
      file,
      titles.map((title, number) => ({ file, title, why: inTurn(() => tests.judge(file, title, number)) }))
    )
  }

const differing = new Map<string, Array<string>>()
const failing: Array<string> = []
const again: Array<string> = []
const total = { passed: 0, differs: 0, failed: 0 }
for (const [file, list] of cases) {
  const count = { passed: 0, differs: 0, failed: 0 }
  for (const [number, { title, why: judged }] of list.entries()) {
    const full = `${file.replace(peer.tests, "")}: ${title}`
    const reason = peer.differences.cases.find(({ cases }) => cases.includes(full))?.reason
    let why = await judged
    // many assert how long something takes, which depends on what else the machine does
    if (typeof why === "string" && reason === undefined) {
      again.push(full)
      why = await inTurn(() => tests.judge(file, title, number))
    }
    if (why === null) continue
    if (why === undefined) count.passed++
    else if (reason !== undefined) {
      count.differs++
      differing.set(reason, [...(differing.get(reason) ?? []), full])
    } else {
      count.failed++
      failing.push(`${full}: ${why}`)
    }
  }
  for (const key of ["passed", "differs", "failed"] as const) total[key] += count[key]
  console.log(`| ${file} | ${count.passed} | ${count.differs} | ${count.failed} |`)
}
console.log(`| **all** | **${total.passed}** | **${total.differs}** | **${total.failed}** |`)
for (const [file, what] of Object.entries(peer.differences.unfit)) console.log(`\nNot run: ${file}, ${what}.`)
for (const [reason, list] of differing) console.log(`\n- ${reason}\n${list.map((full) => `  - ${full}`).join("\n")}`)
if (again.length > 0) console.log(`\nRun a second time: ${again.join("; ")}.`)
for (const failure of failing) console.log(`\nfails: ${failure}`)
process.exitCode = failing.length > 0 ? 1 : 0
