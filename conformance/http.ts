/**
 * What is saved for a given reply: the cases of curl's test suite, each served
 * by a raw TCP server of its own to a run of `Get.open` in a directory of its own.
 *
 * 1. The server writes the bytes of the case and nothing else, 20 at a time.
 * 2. Judged are the outcome and the whole directory: a saved body is the only
 *    new file and equal byte for byte; without one there is no new file and
 *    what was there is untouched.
 * 3. Where the header lines of a case end with LF alone, it is judged with CRLF,
 *    and a second time as it is.
 * 4. Where Simul decides otherwise, `exceptions` says why and what is right
 *    instead. An entry whose case passes without it is a failure.
 * 5. All are asked over plain `http://`, straight. Proxies are undici's, whose parser
 *    refuses more: a line that ends with LF alone, a folded line, a length beside a
 *    transfer coding, an equal length twice, `identity`, a blank before the first field
 *    or behind a chunk's size, a name that is no token, a control octet in a value, a list of
 *    no transfer codings, and a chunk extension without a name or with a control octet.
 */
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, type AddressInfo, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate, setTimeout } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Get from "@simul/scraper/Get"
import { defaults, type Options } from "@simul/scraper/Options"
import type { Outcome } from "@simul/scraper/Outcome"
import type { Result } from "./run.ts"

interface Exchange {
  readonly path: string
  readonly reply: string
  readonly replyCrlf?: string
  readonly close: boolean
  readonly substitute?: boolean
  readonly delayMsPer20Bytes?: number
}

interface Case {
  readonly id: number
  readonly title: string
  readonly options: string
  readonly needs: ReadonlyArray<string>
  readonly path: string
  readonly userinfo?: string
  readonly files?: Readonly<Record<string, string>>
  readonly exchanges: ReadonlyArray<Exchange>
  readonly expect: {
    readonly outcome: "saved" | "unchanged" | "redirect" | "failed"
    readonly body?: string
    readonly fileName?: string
  }
}

/** What the directory must hold in the end. `unchanged`: the file that was there, and no other. */
type Expected =
  | { readonly outcome: "saved"; readonly body: Buffer; readonly fileName?: string }
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "failed" }

/**
 * Case -> why Simul decides otherwise, and what it must do instead; `undefined`: the case cannot be asked for, so it is
 * not run.
 */
type Exception = { readonly reason: string; readonly instead?: (one: Case) => Expected }

const failed = (): Expected => ({ outcome: "failed" })
/** The plain body of the last reply, whole. */
const savedReply = (one: Case): Expected => ({ outcome: "saved", body: contentOf(one.exchanges.at(-1)!) })
/** The body of the case, under the name that is right for Simul. */
const savedAs =
  (fileName: string) =>
  (one: Case): Expected => ({ outcome: "saved", body: bodyOf(one), fileName })

const needs: Readonly<Record<string, Exception>> = {
  range: { reason: "`get` saves whole bodies: there is no option for a part of one" },
  "http/0.9": { reason: "a reply without a status line is refused", instead: failed }
}

const startsAgain =
  "a file without a part file and a validator of ours is not continued: it is fetched from the first byte"
const notAsked =
  "a whole file is not asked for again; 416 to a request without a range is an error, and the file there stays as it is"
const dateIgnored =
  "a 200 to a conditional request is the current content, whatever its Last-Modified says (RFC 9110 13.2.1)"
const nameless = "a URL without a last segment gives `index.html`"

/** By the number of the test in curl's suite, of which a folder may hold any part. */
const exceptions: Readonly<Record<number, Exception>> = {
  38: { reason: startsAgain, instead: savedReply },
  78: { reason: dateIgnored, instead: savedReply },
  92: { reason: notAsked, instead: failed },
  189: { reason: startsAgain, instead: savedReply },
  194: { reason: notAsked, instead: failed },
  274: { reason: "the number of redirects is no option" },
  391: { reason: "a URL has no dots for segments (WHATWG URL 4.4)" },
  395: { reason: "a body that ends before its length is cut (RFC 9112 8), whatever the length", instead: failed },
  690: { reason: nameless, instead: savedAs("index.html") },
  692: { reason: nameless, instead: savedAs("index.html") },
  770: {
    reason: "a length that is also written otherwise, `06` beside `6`, may be refused (RFC 9110 8.6)",
    instead: failed
  },
  772: { reason: "Location means nothing in a 200 (RFC 9110 10.2.2)", instead: savedReply },
  1040: { reason: notAsked, instead: failed },
  1042: { reason: startsAgain, instead: savedReply },
  1043: { reason: "a part that was not asked for is an error", instead: failed },
  1127: { reason: dateIgnored, instead: savedReply },
  1210: { reason: "the query is a part of the name", instead: savedAs("1210@junk") },
  1424: { reason: dateIgnored, instead: savedReply },
  1584: { reason: "a field without a disposition type is not read (RFC 6266 4.1)", instead: savedAs("1584") },
  1642: { reason: "a file is named after the URL that was asked for", instead: savedAs("1642") },
  1644: { reason: nameless, instead: savedAs("index.html") },
  2305: {
    reason: "all members of a gzip file are its content (RFC 1952 2.2)",
    instead: () => ({ outcome: "saved", body: Buffer.from("Hello, World!\n") })
  }
}

/** The body of a reply that is neither chunked nor coded. */
const contentOf = (exchange: Exchange): Buffer => {
  const reply = Buffer.from(exchange.replyCrlf ?? exchange.reply, "base64")
  return reply.subarray(reply.indexOf("\r\n\r\n") + 4)
}

const bodyOf = ({ expect }: Case): Buffer => Buffer.from(expect.body ?? "", "base64")

const expectedOf = (one: Case): Expected => {
  const { expect } = one
  switch (expect.outcome) {
    case "saved":
      return {
        outcome: "saved",
        body: bodyOf(one),
        ...(expect.fileName === undefined ? {} : { fileName: expect.fileName })
      }
    case "unchanged":
      return { outcome: "unchanged" }
    // a redirect that leads nowhere and a failure leave no file alike
    case "redirect":
    case "failed":
      return failed()
  }
}

// --- serving ---------------------------------------------------------------

/** How long a connection may idle after a reply that has no end of its own. */
const idleMs = 500

interface Server extends AsyncDisposable {
  readonly origin: string
  /** What was asked against the script, as sentences. */
  readonly complaints: ReadonlyArray<string>
}

/** curl writes a blank of a query as `+`, the URL standard as `%20`; both are the path of the case. */
const samePath = (one: string, other: string) => {
  const canonical = (path: string) => path.replace(/\?.*$/s, (query) => query.replaceAll("+", "%20"))
  return canonical(one) === canonical(other)
}

/** Serves the exchanges in their order, whatever connection a request comes on. A request after the last one is hung up on. */
const serve = async (exchanges: ReadonlyArray<Exchange>, crlf: boolean): Promise<Server> => {
  const complaints: Array<string> = []
  const sockets = new Set<Socket>()
  let next = 0
  const answer = async (socket: Socket, head: string) => {
    const exchange = exchanges[next++]
    const target = head.split(" ")[1] ?? ""
    if (exchange === undefined) {
      socket.destroy()
      return
    }
    if (!samePath(target, exchange.path)) complaints.push(`request ${next} asked for ${target}, not ${exchange.path}`)
    let reply = Buffer.from((crlf ? exchange.replyCrlf : undefined) ?? exchange.reply, "base64")
    if (exchange.substitute === true) {
      const { port } = server.address() as AddressInfo
      const text = reply.toString("latin1").replaceAll("%HOSTIP", "127.0.0.1").replaceAll("%HTTPPORT", String(port))
      reply = Buffer.from(text, "latin1")
    }
    for (let at = 0; at < reply.length && !socket.destroyed; at += 20) {
      socket.write(reply.subarray(at, at + 20))
      await (exchange.delayMsPer20Bytes === undefined ? setImmediate() : setTimeout(exchange.delayMsPer20Bytes))
    }
    if (exchange.close) socket.end()
    else socket.setTimeout(idleMs)
  }
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    let head = ""
    socket.on("timeout", () => socket.end())
    socket.on("error", () => socket.destroy())
    socket.on("close", () => sockets.delete(socket))
    socket.on("data", (bytes) => {
      // it idled too long: whoever asked when it ended asks again elsewhere
      if (socket.writableEnded) return
      head += bytes.toString("latin1")
      const end = head.indexOf("\r\n\r\n")
      if (end < 0) return
      const request = head.slice(0, end)
      head = head.slice(end + 4)
      socket.setTimeout(0)
      void answer(socket, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    origin: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    complaints,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

// --- asking ----------------------------------------------------------------

const option = (one: Case, pattern: RegExp): string | undefined => pattern.exec(one.options)?.[1]

/** curl's `-o NAME`, unless it is standard output. */
const fileOption = (one: Case) => {
  const name = option(one, /(?:^| )-o '?([^' ]+)/)
  return name === "-" ? undefined : name
}

/** `directory` is where bodies go, `beside` where the files lie that only options name. */
const optionsOf = (one: Case, directory: string, beside: string): Options => {
  const file = fileOption(one) ?? Object.keys(downloads(one)).at(0)
  const maxSize = option(one, /--max-filesize[= ](\d+)/)
  const maxTime = option(one, /--retry-max-time (\d+)/)
  const cookie = one.needs.includes("cookies") ? option(one, /-b "([^"]*=[^"]*)"/) : undefined
  const jar = one.needs.includes("cookies") ? Object.keys(one.files ?? {}).at(0) : undefined
  const blank = [...one.options.matchAll(/-H "([^":;]+);"/g)].map(([, name]) => [name!.toLowerCase(), ""] as const)
  return {
    ...defaults,
    directory,
    retries: one.needs.includes("retry") ? 2 : 0,
    // a head of many pieces takes its time on a busy machine
    timeoutMs: 60_000,
    connectTimeoutMs: 60_000,
    refresh: one.needs.includes("conditional"),
    naming: file === undefined ? "flat" : { file },
    serverNames: file === undefined && one.needs.includes("content-disposition"),
    headers: [...blank, ...(cookie === undefined ? [] : [["cookie", cookie] as const])],
    ...(maxSize === undefined ? {} : { maxSize: Number(maxSize) }),
    ...(maxTime === undefined ? {} : { maxTimeMs: Number(maxTime) * 100 }),
    ...(jar === undefined ? {} : { cookieJar: join(beside, jar) })
  }
}

const urlOf = (one: Case, origin: string): string => {
  // `%HOSTIP:...` is no user: the origin's URL has no slash before a query with an @
  const user = one.userinfo?.startsWith("%") === true ? undefined : one.userinfo
  const [name, password] = (option(one, /-u "?([^" ]+)/) ?? "").split(":").map(encodeURIComponent)
  const credentials = user ?? (name === "" ? undefined : `${name}:${password}`)
  return `http://${credentials === undefined ? "" : `${credentials}@`}${origin}${one.path}`
}

/** The files of the case that are downloads, not cookies and etags. */
const downloads = (one: Case): Readonly<Record<string, string>> =>
  one.needs.includes("cookies") || one.needs.includes("conditional") ? {} : (one.files ?? {})

/** The exchange that saves what the case takes for granted: our validators come from an answer, not from a flag. */
const earlier = (one: Case): Exchange | undefined => {
  if (!one.needs.includes("conditional")) return undefined
  const text = (name: string | undefined) => (name === undefined ? undefined : one.files?.[name])
  const etag = text(option(one, /--etag-compare (\S+)/))
  const date = option(one, /-z "([^"]+)"/)
  const body = Buffer.from(text(fileOption(one)) ?? "", "base64")
  const validator =
    etag === undefined
      ? `Last-Modified: ${new Date(date!).toUTCString()}`
      : `ETag: ${Buffer.from(etag, "base64").toString().trim()}`
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${validator}\r\n\r\n`
  return {
    path: one.exchanges[0]!.path,
    reply: Buffer.concat([Buffer.from(head), body]).toString("base64"),
    close: true
  }
}

const outcomesOf = (url: string, options: Options): Promise<ReadonlyArray<Outcome>> =>
  Get.open({ urls: [url] }, options).pipe(
    Effect.flatMap((run) => Stream.runCollect(run.outcomes)),
    Effect.scoped,
    Effect.timeout("2 minutes"),
    Effect.runPromise
  )

const filesOf = async (directory: string): Promise<ReadonlyMap<string, Buffer>> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((path) => !path.startsWith(".simul"))
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(join(directory, path))] as const)))
}

// --- judging ---------------------------------------------------------------

interface Seen {
  readonly outcomes: ReadonlyArray<Outcome>
  readonly before: ReadonlyMap<string, Buffer>
  readonly after: ReadonlyMap<string, Buffer>
  readonly complaints: ReadonlyArray<string>
}

const play = async (one: Case, crlf: boolean): Promise<Seen> => {
  const folder = await mkdtemp(join(tmpdir(), "simul-http-"))
  const [directory, beside] = [join(folder, "out"), join(folder, "beside")]
  try {
    const first = earlier(one)
    await using server = await serve(first === undefined ? one.exchanges : [first, ...one.exchanges], crlf)
    await Promise.all([mkdir(directory), mkdir(beside)])
    for (const [name, content] of Object.entries(one.files ?? {}))
      await writeFile(join(name in downloads(one) ? directory : beside, name), Buffer.from(content, "base64"))
    const options = optionsOf(one, directory, beside)
    const url = urlOf(one, server.origin)
    if (first !== undefined) await outcomesOf(url, options)
    const before = await filesOf(directory)
    const outcomes = await outcomesOf(url, options)
    return { outcomes, before, after: await filesOf(directory), complaints: server.complaints }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const short = (bytes: Buffer | undefined) =>
  bytes === undefined ? "nothing" : `${bytes.length} bytes ${JSON.stringify(bytes.subarray(0, 40).toString("latin1"))}`

/** What is wrong with what was seen, or `undefined`. */
const fault = (expected: Expected, { outcomes, before, after, complaints }: Seen): string | undefined => {
  const [outcome, ...more] = outcomes
  if (outcome === undefined || more.length > 0) return `${outcomes.length} outcomes`
  const said =
    outcome._tag === "Failed" ? `failed: ${outcome.error._tag}, ${outcome.error.message}` : outcome._tag.toLowerCase()
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((path) => {
    const [old, now] = [before.get(path), after.get(path)]
    return old === undefined || now === undefined || !old.equals(now)
  })
  switch (expected.outcome) {
    case "saved": {
      if (complaints.length > 0) return complaints.join("; ")
      if (outcome._tag !== "Saved") return `expected a body of ${expected.body.length} bytes, but ${said}`
      const file = after.get(outcome.path)
      if (file === undefined) return `${outcome.path} is said to be saved and is not there`
      if (!file.equals(expected.body)) return `saved ${short(file)}, not ${short(expected.body)}`
      if (outcome.bytes !== file.length) return `said ${outcome.bytes} bytes, saved ${file.length}`
      if (outcome.sha256 !== createHash("sha256").update(file).digest("hex")) return `said sha256 ${outcome.sha256}`
      const name = outcome.path.slice(outcome.path.lastIndexOf("/") + 1)
      if (expected.fileName !== undefined && name !== expected.fileName)
        return `saved as ${name}, not ${expected.fileName}`
      const others = changed.filter((path) => path !== outcome.path)
      return others.length === 0 ? undefined : `wrote ${others.join(", ")} as well`
    }
    case "unchanged":
      if (complaints.length > 0) return complaints.join("; ")
      if (outcome._tag !== "Unchanged") return `expected unchanged, but ${said}`
      return changed.length === 0 ? undefined : `touched ${changed.join(", ")}`
    case "failed":
      if (outcome._tag !== "Failed") return `expected a failure, but ${said} ${short(after.get(changed[0] ?? ""))}`
      return changed.length === 0 ? undefined : `failed, and left ${changed.join(", ")}`
  }
}

const judge = async (one: Case): Promise<{ readonly excepted: boolean; readonly fault?: string }> => {
  const exception = exceptions[one.id] ?? one.needs.map((need) => needs[need]).find((entry) => entry !== undefined)
  if (exception !== undefined && exception.instead === undefined) return { excepted: true }
  const seen = await play(one, true)
  const literal = fault(expectedOf(one), seen)
  if (exception !== undefined && literal === undefined)
    return { excepted: false, fault: `passes, so it needs no exception (${exception.reason})` }
  const expected = exception?.instead?.(one) ?? expectedOf(one)
  const strict = exception === undefined ? literal : fault(expected, seen)
  if (strict !== undefined) return { excepted: false, fault: strict }
  if (one.exchanges.some((exchange) => exchange.replyCrlf !== undefined)) {
    const loose = fault(expected, await play(one, false))
    if (loose !== undefined) return { excepted: false, fault: `with LF alone: ${loose}` }
  }
  return { excepted: exception !== undefined }
}

/** Judges every line of `cases.jsonl`, 16 at a time. */
export const run = async (directory: string): Promise<Result> => {
  // the cases are on loopback: no proxy of the environment may stand between
  for (const name of Object.keys(process.env)) if (/^(?:https?|all)_proxy$/i.test(name)) delete process.env[name]
  const lines = (await readFile(join(directory, "cases.jsonl"), "utf8")).split("\n").filter((line) => line !== "")
  const cases = lines.map((line): Case => JSON.parse(line))
  const failures: Array<string> = []
  const result = { passed: 0, excepted: 0 }
  const judgeOne = async (one: Case) => {
    const { excepted, fault } = await judge(one).catch((cause) => ({ excepted: false, fault: String(cause) }))
    if (fault !== undefined) failures.push(`${one.id} ${one.title}: ${fault}`)
    else if (excepted) result.excepted++
    else result.passed++
  }
  await Effect.runPromise(
    Effect.forEach(cases, (one) => Effect.promise(() => judgeOne(one)), { concurrency: 16, discard: true })
  )
  return { ...result, failed: failures.toSorted((one, other) => parseInt(one) - parseInt(other)) }
}
