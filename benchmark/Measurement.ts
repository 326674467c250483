/**
 * One run of a command: the CPU time of its whole process tree, wall time, memory, exit status.
 *
 * The command is the child of a bash whose `time` reads what the kernel charged to it and to all descendants that were
 * waited for. Memory is read from `/proc` every 20 ms: the high-water mark never falls, so only what the last 20 ms
 * added is missed.
 */
import { join } from "node:path"
import { text } from "node:stream/consumers"
import type { Readable } from "node:stream"
import { descendants, field, read } from "./ProcessTree.ts"
import type { Workplace } from "./Workplace.ts"
import { endGroup } from "./Workplace.ts"

export interface Usage {
  readonly wallSeconds: number
  readonly userSeconds: number
  readonly systemSeconds: number
  /** The high-water mark of the largest process of the tree; 0 when it was too quick to be seen. */
  readonly peakBytes: number
  /** The main thread of the busiest process, up to the last 20 ms: on a CPU, and ready but waiting for one. */
  readonly mainThread: { readonly ranSeconds: number; readonly queuedSeconds: number }
  /** What the largest process held, over time. */
  readonly samples: ReadonlyArray<Sample>
  /** The exit status, 128 + N for signal N. */
  readonly status: number
  /** The last line that the command wrote to stderr. */
  readonly said: string
}

interface Sample {
  /** Since the start. */
  readonly seconds: number
  readonly residentBytes: number
}

interface Options {
  /** The CPUs to run on, as taskset(1) takes them. */
  readonly cpus: string
  readonly cwd: string
  readonly timeoutSeconds?: number
}

const everyMs = 20

const script = `log=$1; shift; TIMEFORMAT='%3R %3U %3S'; { time "$@" >/dev/null 2>"$log" 3>&-; } 2>&3`

/** Runs the command to its end, or kills it after `timeoutSeconds` (default 600). Rejects when it cannot be started. */
export const measure = async (
  workplace: Workplace,
  command: ReadonlyArray<string>,
  { cpus, cwd, timeoutSeconds = 600 }: Options
): Promise<Usage> => {
  const log = join(workplace.root, "stderr")
  const child = workplace.start(["taskset", "-c", cpus, "bash", "-c", script, "bash", log, ...command], {
    cwd,
    stdio: ["ignore", "ignore", "ignore", "pipe"]
  })
  const began = performance.now()
  const samples: Array<Sample> = []
  let peakBytes = 0
  let mainThread = { ranSeconds: 0, queuedSeconds: 0 }
  const look = () => {
    let residentBytes = 0
    for (const pid of descendants(String(child.pid))) {
      const status = read(`/proc/${pid}/status`)
      peakBytes = Math.max(peakBytes, field(status, "VmHWM"))
      // Of a process it is about its first thread alone; in nanoseconds.
      const [ran = 0, queued = 0] = read(`/proc/${pid}/schedstat`).split(" ").map(Number)
      if (ran / 1e9 > mainThread.ranSeconds) mainThread = { ranSeconds: ran / 1e9, queuedSeconds: queued / 1e9 }
      residentBytes = Math.max(residentBytes, field(status, "VmRSS"))
    }
    if (residentBytes > 0) samples.push({ seconds: (performance.now() - began) / 1000, residentBytes })
  }
  const looking = setInterval(look, everyMs)
  const patience = setTimeout(() => endGroup(child.pid!), timeoutSeconds * 1000)
  try {
    const exited = new Promise<number>((resolve, reject) => {
      child.once("error", reject)
      child.once("exit", (code) => resolve(code ?? 137))
    })
    const [status, times] = await Promise.all([exited, text(child.stdio[3] as Readable)])
    const [wallSeconds = NaN, userSeconds = NaN, systemSeconds = NaN] = times.trim().split(" ").map(Number)
    const said = read(log).trimEnd().split("\n").at(-1)!
    const seen = { peakBytes, mainThread, samples }
    // The time of a process that its parent left behind was not counted: better no figure than a flattering one.
    if (endGroup(child.pid!)) return { ...nothing, ...seen, status: 1, said: "left processes behind" }
    return { wallSeconds, userSeconds, systemSeconds, ...seen, status, said }
  } finally {
    clearInterval(looking)
    clearTimeout(patience)
  }
}

const nothing = { wallSeconds: NaN, userSeconds: NaN, systemSeconds: NaN }

export const cpuSeconds = (usage: Usage): number => usage.userSeconds + usage.systemSeconds
