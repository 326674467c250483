/** The clients that are compared: how each is found and called, and what is on or off for it. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import * as Bundle from "./Bundle.ts"
import type { Lists, Workload } from "./Workload.ts"
import type { Workplace } from "./Workplace.ts"

/** What a client is to do. */
export interface Task {
  readonly lists: Lists
  /** A fresh folder. */
  readonly out: string
  readonly jobs: number
  /** The file with the authority to trust, where the list is of https. */
  readonly cacert?: string | undefined
}

export interface Client {
  readonly name: string
  readonly version: string
  readonly command: (task: Task) => ReadonlyArray<string>
  /** What is on or off, and other things that a reader of its row must know. */
  readonly note: (workload: Workload) => string
  /** Takes part in so many rounds, where more would take the night; absent: all. */
  readonly rounds?: number
  /** Takes part in these alone; absent: in all. */
  readonly fits?: (workload: Workload) => boolean
  /** Why it does not take part at all. */
  readonly unfit?: (workload: Workload) => string | undefined
}

/** The client that all ratios refer to. */
export const reference = "curl -Z"

/** The first capture of the pattern in what a program prints; undefined when it cannot be run. */
export const ask = (workplace: Workplace, pattern: RegExp, program: string, ...args: ReadonlyArray<string>) => {
  try {
    const env = workplace.environment
    return pattern.exec(
      execFileSync(program, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] })
    )?.[1]
  } catch {
    return undefined
  }
}

/** Of the python3 on the PATH the first that has the module: its path and the module's version. */
export const python = (workplace: Workplace, module: string) => {
  const say = `import sys, ${module}; print(sys.executable, ${module}.__version__)`
  for (const folder of new Set(workplace.environment["PATH"]!.split(":"))) {
    const [program, version] = ask(workplace, /(.+)/, join(folder, "python3"), "-c", say)?.split(" ") ?? []
    if (program !== undefined && version !== undefined) return { program, version }
  }
  return undefined
}

/** A program in `peers`. */
export const peer = (name: string) => join(import.meta.dirname, "peers", name)

/** The most transfers that every curl with -Z takes. */
const curlMost = 300

const flags = (values: Readonly<Record<string, string | number>>) => Object.entries(values).flat().map(String)

const wget2 = ["-q", "-nd", "--no-robots", "--no-hsts", "--no-ocsp", "--no-cookies", "--compression=identity"]
const trusting = (cacert: string | undefined) => (cacert === undefined ? [] : [`--ca-certificate=${cacert}`])
const aria2 = [
  "-q -x1 -s1 --no-conf --file-allocation=none --allow-overwrite=true --auto-file-renaming=false",
  "--summary-interval=0 --download-result=hide"
].flatMap((line) => line.split(" "))

const curl = ({ lists, out, jobs, cacert }: Task): ReadonlyArray<string> => [
  "curl",
  "-sSZ",
  // With -Z it draws a meter all the same, in spite of -s.
  "--no-progress-meter",
  ...flags({ "--parallel-max": Math.min(jobs, curlMost), "--output-dir": out, "-K": lists.curl }),
  ...(cacert === undefined ? [] : ["--cacert", cacert])
]

/** How `simul get` is called. `program`: what Node is given before the arguments. */
export const simulCommand = (
  { lists, out, jobs, cacert }: Task,
  program: ReadonlyArray<string> = [Bundle.published]
): ReadonlyArray<string> => [
  process.execPath,
  ...program,
  "get",
  ...flags({
    "-i": lists.urls,
    "-o": out,
    "-j": jobs,
    "--per-host": jobs,
    "--progress": "none",
    ...(cacert && { "--cacert": cacert })
  })
]

/** The clients that are installed, Simul first, and the names of those that are not. */
export const find = (workplace: Workplace): { readonly clients: ReadonlyArray<Client>; readonly absent: string[] } => {
  const clients: Array<Client> = []
  const absent: Array<string> = []
  const add = (name: string, version: string | undefined, client: Omit<Client, "name" | "version">) => {
    if (version === undefined) absent.push(name)
    else clients.push({ name, version, ...client })
  }
  add("simul", ask(workplace, /^simul (\S+)/, process.execPath, Bundle.published, "--version"), {
    command: (task) => simulCommand(task),
    note: () => "on: state to resume from, rename of whole files, sha256, retries"
  })
  const curlVersion = ask(workplace, /^curl (\S+)/, "curl", "--version")
  add(reference, curlVersion, {
    command: curl,
    note: ({ jobs, tls }) =>
      jobs > curlMost
        ? `its own bound: ${curlMost} in flight, not ${jobs}`
        : `no state, no rename, no hash, no retries${tls ? "; HTTP/2" : ""}`
  })
  add("curl -Z --http1.1", curlVersion, {
    command: (task) => [...curl(task), "--http1.1"],
    note: () => "the same, by HTTP/1.1",
    fits: ({ tls }) => tls
  })
  add("wget2", ask(workplace, /Wget2 (\S+)/, "wget2", "--version"), {
    command: ({ lists, out, jobs, cacert }) => [
      "wget2",
      ...wget2,
      ...trusting(cacert),
      `--max-threads=${jobs}`,
      "-P",
      out,
      "-i",
      lists.urls
    ],
    note: ({ tls }) => `off: robots, HSTS, OCSP, cookies, compression${tls ? "; HTTP/2" : ""}`
  })
  add("aria2c", ask(workplace, /^aria2 version (\S+)/, "aria2c", "--version"), {
    command: ({ lists, out, jobs, cacert }) => [
      "aria2c",
      ...aria2,
      ...trusting(cacert),
      ...flags({ "-j": jobs, "-d": out, "-i": lists.aria2 })
    ],
    note: () => "off: pre-allocation, renaming, settings file; one connection for each file"
  })
  const aiohttp = python(workplace, "aiohttp")
  add("aiohttp", aiohttp?.version, {
    command: ({ lists, out, jobs, cacert }) => [
      aiohttp!.program,
      peer("aiohttp_save.py"),
      lists.pairs,
      out,
      String(jobs),
      ...(cacert === undefined ? [] : [cacert])
    ],
    note: () =>
      "one session, a worker for each connection, synchronous writes; no state, no rename, no hash, no retries"
  })
  const scrapy = python(workplace, "scrapy")
  add("Scrapy", scrapy?.version, {
    command: ({ lists, out, jobs }) => [scrapy!.program, peer("scrapy_save.py"), lists.pairs, out, String(jobs)],
    note: () => "CONCURRENT_ITEMS=1; off: cookies, retries, log, telnet, robots",
    rounds: 2,
    unfit: ({ bytes }) => (bytes > 2 ** 28 ? "holds a whole body in memory" : undefined)
  })
  return { clients, absent }
}
