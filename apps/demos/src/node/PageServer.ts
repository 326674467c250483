/**
 * Serves the page to this machine, and plays demos for real.
 *
 * 1. It listens on loopback and answers only those who call it by a name of loopback and come from its own page: another
 *    site in the same browser, or a name that points here, gets 403.
 * 2. `POST /run/NAME`, a JSON object of parameters as its body, plays in a process of its own: what blocks there blocks
 *    neither the page nor the stream of events. The answer is a JSON line for each event as it happens, and a last one
 *    with the checks; or `{ "error": ... }`.
 * 3. One run at a time, for two would measure each other: a second one gets 409. A run ends when its reader leaves.
 */
import { spawn } from "node:child_process"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import * as Parameter from "@simul/core/scenario/Parameter"
import { scenarios } from "../Chapters.ts"
import * as Page from "./Page.ts"

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml"
}

const program = fileURLToPath(new URL("../main.ts", import.meta.url))

/** How long a run that was told to end may take for it. */
const graceMs = 2000

const mostBytes = 10_000

export interface Server {
  readonly url: string
  readonly close: () => Promise<void>
}

class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const bodyOf = async (request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> => {
  let text = ""
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > mostBytes) throw new Refusal(413, `more than ${mostBytes} bytes`)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch {
    // said below
  }
  throw new Refusal(400, "the body must be a JSON object of parameters")
}

/** Starts to serve on a port of 127.0.0.1; 0 takes a free one. */
export const start = async (port: number): Promise<Server> => {
  const files = await Page.files(true)
  const running = new Set<() => void>()

  const isOurs = ({ headers }: IncomingMessage): boolean => {
    const names = ["127.0.0.1", "localhost"].map((name) => `${name}:${(server.address() as AddressInfo).port}`)
    const site = headers["sec-fetch-site"]
    return (
      names.includes(headers.host ?? "") &&
      (headers.origin === undefined || names.some((name) => headers.origin === `http://${name}`)) &&
      (site === undefined || site === "same-origin" || site === "none")
    )
  }

  const play = async (name: string, request: IncomingMessage, response: ServerResponse) => {
    const scenario = scenarios.find((one) => one.name === name)
    if (scenario === undefined) throw new Refusal(404, `there is no demo called ${name}`)
    const given = Object.fromEntries(
      Object.entries(await bodyOf(request)).map(([name, value]) => [name, String(value)])
    )
    try {
      Parameter.parse(scenario.parameters as Parameter.Parameters, given)
    } catch (error) {
      if (error instanceof Parameter.ParameterError) throw new Refusal(400, error.message)
      throw error
    }
    if (running.size > 0) throw new Refusal(409, "another run is under way: two would measure each other")
    const turned = Object.entries(given).map(([name, value]) => `--${name}=${value}`)
    const run = spawn(process.execPath, [program, name, "--events", ...turned], { stdio: ["ignore", "pipe", "pipe"] })
    const end = () => {
      run.kill()
      setTimeout(() => run.kill("SIGKILL"), graceMs).unref()
    }
    running.add(end)
    response.on("close", end)
    response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" })
    run.stdout.pipe(response, { end: false })
    let complaint = ""
    run.stderr.on("data", (chunk) => (complaint = (complaint + String(chunk)).slice(-mostBytes)))
    run.on("close", (status) => {
      running.delete(end)
      response.off("close", end)
      response.end(status === 0 || status === 1 ? undefined : `${JSON.stringify({ error: complaint || "ended" })}\n`)
    })
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname.slice(1)
    const run = /^run\/([a-z-]+)$/.exec(path)
    if (run !== null) {
      if (request.method !== "POST") throw new Refusal(405, "a run is asked for by POST")
      return play(run[1]!, request, response)
    }
    if (request.method !== "GET" && request.method !== "HEAD") throw new Refusal(405, "files are asked for by GET")
    const name = path === "" ? "index.html" : path
    const text = await files.get(name)?.()
    if (text === undefined) throw new Refusal(404, `there is no ${name}`)
    const headers = { "content-type": types[extname(name)] ?? "text/plain", "x-content-type-options": "nosniff" }
    response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : text)
  }

  const server = createServer((request, response) => {
    const answered = isOurs(request)
      ? answer(request, response)
      : Promise.reject(new Refusal(403, "this page is for those who call it by its own name"))
    answered.catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      const status = error instanceof Refusal ? error.status : 500
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      for (const end of running) end()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  }
}
