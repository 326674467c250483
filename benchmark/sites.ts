/**
 * Compares what `simul crawl` and `wget -r` save of real documentation: `node benchmark/sites.ts [FOLDER]...`, those of installed
 * Debian packages unless given. Each folder is served by nginx on loopback.
 *
 * Prints, for each, how many files both have, and those that one alone has, by reason. Exit status: 0; 1 when a difference
 * has no reason; 2 usage. Needs Linux, nginx and wget: `apt-get install nginx-light wget python3-doc` for a larger site.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join, relative } from "node:path"
import * as FileServer from "./FileServer.ts"
import * as Arguments from "./Arguments.ts"
import * as Workplace from "./Workplace.ts"

const usual = [
  "/usr/share/doc/python3/html",
  "/usr/share/doc/nodejs/api",
  "/usr/share/doc/valgrind/html",
  "/usr/share/doc/libxslt1-dev/html",
  "/usr/share/doc/libffi8/html"
]

const start = (folder: string) => ["index.html", "index.htm"].find((name) => existsSync(join(folder, name)))

const given = Arguments.settings(
  {
    text: `usage: node benchmark/sites.ts [FOLDER...]
  FOLDER   with an index.html; default the documentation of installed Debian packages`,
    words: { kind: "folder" },
    options: {}
  },
  (_, words) => {
    const wrong = words.find((folder) => !existsSync(folder) || start(folder) === undefined)
    if (wrong !== undefined) throw new Arguments.WrongArgument(`${wrong} is no folder with an index.html`)
    return words
  }
)
const folders = (given.length > 0 ? given : usual).filter((folder) => existsSync(folder) && start(folder) !== undefined)

const workplace = Workplace.make()
const command = join(import.meta.dirname, "..", "apps", "cli", "src", "main.ts")

/** The paths that wget saved below a host's folder, as URLs have them. */
const savedByWget = (out: string): ReadonlySet<string> => {
  const [host] = readdirSync(out)
  if (host === undefined) return new Set()
  const root = join(out, host)
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" })
  return new Set(paths.filter((path) => statSync(join(root, path)).isFile()))
}

/** The same by what simul told: its names are safe on file systems that do not tell cases apart, and so not always the URL's. */
const savedBySimul = (told: string): ReadonlySet<string> =>
  new Set(
    told
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly outcome: string; readonly url: string })
      .filter(({ outcome }) => outcome === "saved")
      .map(({ url }) => new URL(url))
      .map(({ pathname, search }) => decodeURIComponent(pathname.slice(1).replace(/(^|\/)$/, "$1index.html") + search))
  )

/** The text of all pages that both have: whether something is named there. */
const textOf = (folder: string, paths: Iterable<string>) =>
  Array.from(paths, (path) => {
    const file = join(folder, path)
    return /\.html?$|\.css$/.test(path) && existsSync(file) ? readFileSync(file, "latin1") : ""
  }).join("\n")

/** Why one has a path that the other has not, where that is known. */
const reasonOf = (path: string, by: "simul" | "wget", text: string): string => {
  const name = path.split("/").at(-1)!
  if (by === "wget" && name === "robots.txt") return "wget saves robots.txt"
  if (!text.includes(encodeURI(name)) && !text.includes(name)) return "named by no page or style sheet that both have"
  return unexplained
}
const unexplained = "no reason known"

let unknown = 0
for (const folder of folders) {
  using room = workplace.reserve("sites", 2 ** 29, 20_000)
  await using server = await FileServer.ofFolder(workplace, room, folder)
  const seed = `${server.origin}/${start(folder)}`
  const [ours, theirs] = [room.folder("simul"), room.folder("wget")]
  const run = (...command: ReadonlyArray<string>) => {
    const [program = "", ...args] = command
    return spawnSync(program, args, { env: workplace.environment, encoding: "utf8", maxBuffer: 2 ** 28 })
  }
  const crawled = run(process.execPath, command, "crawl", seed, "-o", ours, "--no-robots", "--no-traps", "--json")
  // some pages were not there: 3, and 8 of wget
  if (crawled.status !== 0 && crawled.status !== 3) throw new Error(`simul ended with status ${crawled.status}`)
  const fetched = run("wget", "-q", "-r", "-p", "--level=inf", "-e", "robots=off", "-P", theirs, seed)
  if (fetched.status !== 0 && fetched.status !== 8) throw new Error(`wget ended with status ${fetched.status}`)
  const [simul, wget] = [savedBySimul(crawled.stdout), savedByWget(theirs)]
  const both = [...simul].filter((path) => wget.has(path))
  console.log(
    `\n${relative("/usr/share/doc", folder)}: ${simul.size} files by simul, ${wget.size} by wget, ${both.length} by both`
  )
  const text = textOf(folder, both)
  for (const [by, paths] of [
    ["simul", [...simul].filter((path) => !wget.has(path))],
    ["wget", [...wget].filter((path) => !simul.has(path))]
  ] as const) {
    const reasons = Map.groupBy(paths, (path) => reasonOf(path, by, text))
    for (const [reason, all] of reasons) {
      if (reason === unexplained) unknown += all.length
      console.log(
        `  ${by} alone: ${all.length}, ${reason}: ${all.slice(0, 5).join(", ")}${all.length > 5 ? ", …" : ""}`
      )
    }
  }
}
if (folders.length === 0) console.log("There is no such documentation here.")
process.exitCode = unknown > 0 ? 1 : 0
