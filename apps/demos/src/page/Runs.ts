/**
 * Where the page gets runs from: a file, a simulation in a worker, or the server behind the page. All end by their signal.
 *
 * A page that was opened by double click may fetch nothing and start no worker from a file. Therefore what it needs comes as
 * scripts that leave their value in `simulData`, and its worker is made of the page's own script, the function `simul`.
 */
import type { Played } from "@simul/core/scenario/Scenario"
import type { StageEvent } from "@simul/core/scenario/Stage"
import type { Answer, Question } from "./Simulation.ts"

declare const simul: () => void
declare const simulData: Readonly<Record<string, unknown>>

/** There is a server that plays for real. */
export const isLive = globalThis.document?.documentElement.dataset["live"] !== undefined

const data = (path: string, signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    if (path in simulData) return resolve(simulData[path])
    const script = document.createElement("script")
    script.src = `${path}.js`
    script.addEventListener("load", () => resolve(simulData[path]))
    script.addEventListener("error", () => reject(new Error(`${path}.js could not be loaded`)))
    signal.addEventListener("abort", () => reject(signal.reason as Error))
    document.head.append(script)
  })

/** The virtual run of a demo at its defaults. */
export const recorded = async (name: string, signal: AbortSignal) => (await data(`runs/${name}`, signal)) as Played

export interface Source {
  readonly path: string
  readonly text: string
}

export const source = async (name: string, signal: AbortSignal) => (await data(`sources/${name}`, signal)) as Source

const start = (): Worker => {
  const url = URL.createObjectURL(new Blob([`(${String(simul)})()`], { type: "text/javascript" }))
  const worker = new Worker(url)
  URL.revokeObjectURL(url)
  return worker
}

let idle: Worker | undefined

/** Plays in virtual time. A worker whose run is not wanted any more is ended. */
export const simulated = (question: Question, signal: AbortSignal): Promise<Played> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const worker = idle ?? start()
    idle = undefined
    const answered = new AbortController()
    const once = { signal: answered.signal }
    const stop = () => {
      worker.terminate()
      reject(signal.reason as Error)
    }
    signal.addEventListener("abort", stop, once)
    worker.addEventListener("error", ({ message }) => reject(new Error(message)), once)
    worker.addEventListener(
      "message",
      ({ data }: MessageEvent<Answer>) => {
        answered.abort()
        idle = worker
        if ("error" in data) reject(new Error(data.error))
        else resolve(data.recording)
      },
      once
    )
    worker.postMessage(question, [])
  })

type Line = StageEvent | Omit<Played, "events"> | { readonly error: string }

/** A browser's own words for a server that is gone differ, and say nothing of what to do. */
const lost = (error: unknown): never => {
  if (!(error instanceof TypeError)) throw error
  throw new Error("The server behind this page is gone: start it again, then run this again.", { cause: error })
}

/** Plays for real on the machine of the server. */
export const real = async (
  { name, parameters }: Question,
  listen: (event: StageEvent) => void,
  signal: AbortSignal
): Promise<Played> => {
  const asked = fetch(`run/${name}`, { method: "POST", body: JSON.stringify(parameters), signal })
  const response = await asked.catch(lost)
  const events: Array<StageEvent> = []
  let end: Omit<Played, "events"> | undefined
  const read = (text: string) => {
    const line = JSON.parse(text) as Line
    if ("error" in line) throw new Error(line.error)
    if ("checks" in line) end = line
    else {
      events.push(line)
      listen(line)
    }
  }
  let left = ""
  for (const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader(); ;) {
    const { done, value } = await reader.read().catch(lost)
    if (done) break
    const lines = (left + value).split("\n")
    left = lines.pop()!
    for (const line of lines) read(line)
  }
  if (left !== "") read(left)
  if (end === undefined) throw new Error("the run ended without a result")
  return { ...end, events }
}
