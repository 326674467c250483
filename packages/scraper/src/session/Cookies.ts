/**
 * Cookies in a Netscape cookie file, the format of curl, wget and browsers'
 * exports: seven fields a line, tabs between them, in octets as fields of HTTP are
 * (a character each, whatever their encoding). Which cookie goes where is
 * `tough-cookie`'s knowledge (RFC 6265, public suffixes); it is loaded only when
 * a jar is asked for.
 */
import * as fs from "node:fs"
import { isForeign } from "@simul/core/node/Ownership"
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type { Cookie, CookieJar } from "tough-cookie"
import * as FieldValue from "../FieldValue.ts"
import { OptionUnusable } from "../RunError.ts"
import * as WrittenItself from "../sink/WrittenItself.ts"
import * as CookieDomain from "./CookieDomain.ts"
import * as CookiePath from "./CookiePath.ts"

export interface Cookies {
  /** The value of the `cookie` field for a request; absent: none fits. */
  readonly header: (url: string) => string | undefined
  /** Keeps the `set-cookie` lines of an answer, as far as its host may set them. */
  readonly keep: (url: string, lines: ReadonlyArray<string>) => void
}

const httpOnly = "#HttpOnly_"

const byteOrderMark = /^\xef\xbb\xbf/

/** A date has no later millisecond. curl writes the end of all time as a greater number. */
const lastMs = 8.64e15

const parseLine = (line: string): (Partial<Cookie> & { readonly domain: string }) | undefined => {
  const marked = line.startsWith(httpOnly)
  const [domain, subdomains, path, secure, expires, name, value = "", ...more] = (
    marked ? line.slice(httpOnly.length) : line
  ).split("\t")
  if (domain === undefined || name === undefined || path === undefined || !/^(-?\d+(\.\d+)?)?$/.test(expires ?? ""))
    return undefined
  if (more.length > 0) return undefined
  const endMs = Math.max(-lastMs, Math.min(Number(expires) * 1000, lastMs))
  return {
    domain: domain.replace(/^\./, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
    hostOnly: subdomains?.toUpperCase() !== "TRUE",
    path,
    secure: secure?.toUpperCase() === "TRUE",
    // 0 marks a cookie of the session, and so does nothing, as Python writes it; it lives as long as the file passes it on
    expires: endMs === 0 ? "Infinity" : new Date(endMs),
    key: name,
    value,
    httpOnly: marked
  }
}

const formatLine = (cookie: Cookie): string | undefined => {
  const expires = cookie.expires instanceof Date ? Math.ceil(cookie.expires.getTime() / 1000) : 0
  const fields = [
    `${cookie.httpOnly ? httpOnly : ""}${cookie.hostOnly === true ? "" : "."}${cookie.domain}`,
    cookie.hostOnly === true ? "FALSE" : "TRUE",
    cookie.path ?? "/",
    cookie.secure ? "TRUE" : "FALSE",
    `${expires}`,
    cookie.key,
    cookie.value
  ]
  // a field with a tab or a line end would become another cookie when read
  return fields.some((field) => /[\t\r\n]/.test(field)) ? undefined : fields.join("\t")
}

/** Those that a file has with a control octet stay behind: they would make a bad request of each. */
const headerOf = (jar: CookieJar, url: string): string | undefined => {
  const pairs = jar.getCookiesSync(CookiePath.located(url)).map((cookie) => cookie.cookieString())
  return pairs.filter(FieldValue.isSendable).join("; ") || undefined
}

/** Lines of a jar, by what makes two cookies one (RFC 6265 5.3, 11). */
type Lines = ReadonlyMap<string, string>

const linesOf = (jar: CookieJar): Lines => {
  const now = Date.now()
  const lines = new Map<string, string>()
  // the memory store calls back before it returns
  jar.store.getAllCookies((_error, cookies) => {
    for (const cookie of cookies ?? []) {
      const { domain, path, key, expires } = cookie
      const line = expires instanceof Date && expires.getTime() <= now ? undefined : formatLine(cookie)
      if (line !== undefined) lines.set(`${domain}\t${path}\t${key}`, line)
    }
  })
  return lines
}

/** What `ours` made of `before`, made of `theirs`. */
const merged = (before: Lines, ours: Lines, theirs: Lines): Lines => {
  const lines = new Map(theirs)
  // what is over here another run may have renewed
  for (const [name, line] of before) if (!ours.has(name) && theirs.get(name) === line) lines.delete(name)
  for (const [name, line] of ours) if (before.get(name) !== line) lines.set(name, line)
  return lines
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}

/**
 * Removes what this user's runs were writing beside the jar when they were killed, for cookies are passwords; as far as the
 * folder may be listed.
 */
const sweep = (name: string) => {
  const folder = dirname(name)
  const start = `${basename(name)}.`
  try {
    for (const entry of fs.readdirSync(folder)) {
      if (!entry.startsWith(start)) continue
      const [, pid] = /^([1-9]\d{0,9})\.part$/.exec(entry.slice(start.length)) ?? []
      const file = join(folder, entry)
      if (pid !== undefined && !isRunning(Number(pid)) && !isForeign(file)) fs.unlinkSync(file)
    }
  } catch {
    // another run was sooner, or it is no file
  }
}

const write = (file: string, lines: Lines) => {
  const text = ["# Netscape HTTP Cookie File", "", ...lines.values(), ""].join("\n")
  const name = WrittenItself.nameOf(file)
  if (name === undefined) {
    const descriptor = WrittenItself.open(file)
    try {
      fs.writeFileSync(descriptor, text, "latin1")
    } finally {
      fs.closeSync(descriptor)
    }
    return
  }
  const temporary = `${name}.${process.pid}.part`
  try {
    // cookies are passwords: nobody else may read them, not even for a moment
    fs.rmSync(temporary, { force: true })
    fs.writeFileSync(temporary, text, { encoding: "latin1", mode: 0o600, flag: "wx" })
    fs.renameSync(temporary, name)
  } catch (cause) {
    fs.rmSync(temporary, { force: true })
    throw cause
  }
}

const form = "host, TRUE or FALSE, path, TRUE or FALSE, time, name and value, with tabs between"

/**
 * Opens the jar of `file`, which need not exist yet, and writes it back when the
 * scope ends: what changed meanwhile, for another run may have changed the rest. A device or a pipe is not read, and
 * written itself. Fails with `OptionUnusable` when the file cannot be read, its folder not be written, or it has a line
 * that is no cookie: it is some other file then, and must not be replaced.
 */
export const open = Effect.fnUntraced(function* (file: string) {
  const unusable = (detail: string) => new OptionUnusable({ option: "--cookie-jar", value: file, detail })
  // before anything is fetched, for at the end it is too late to say so
  const name = yield* Effect.try({
    try: () => {
      const name = WrittenItself.nameOf(file)
      if (name !== undefined) {
        fs.accessSync(dirname(name), fs.constants.W_OK)
        sweep(name)
      }
      return name
    },
    catch: (cause) => unusable(`cannot be written (${(cause as NodeJS.ErrnoException).code})`)
  })
  const [{ Cookie }, CookieBounds] = yield* Effect.promise(() =>
    Promise.all([import("tough-cookie"), import("./CookieBounds.ts")])
  )
  const read = Effect.gen(function* () {
    const jar = CookieBounds.empty()
    // a pipe may never have anything to read
    const text = yield* Effect.try({
      try: () => (name === undefined ? "" : fs.readFileSync(name, "latin1")),
      catch: (cause) => cause as NodeJS.ErrnoException
    }).pipe(
      Effect.catch((cause) =>
        cause.code === "ENOENT" ? Effect.succeed("") : Effect.fail(unusable(`cannot be read (${cause.code})`))
      )
    )
    // what is behind a CR in a line could not be written back, and curl leaves it out
    const lines = text
      .replace(byteOrderMark, "")
      .replace(/\r[^\n]*/g, "")
      .split("\n")
    for (const [index, line] of lines.entries()) {
      if (line.trim() === "" || (line.startsWith("#") && !line.startsWith(httpOnly))) continue
      const cookie = parseLine(line)
      if (cookie === undefined)
        return yield* unusable(`line ${index + 1} is no line of a cookie file: ${form}; mend that line, or remove it`)
      // as curl and wget do: it is of no host
      if (CookieDomain.isNameless(cookie.domain)) continue
      const now = new Date()
      jar.store.putCookie(new Cookie({ ...cookie, creation: now, lastAccessed: now }), () => undefined)
    }
    return jar
  })
  const jar = yield* read
  const before = linesOf(jar)
  const save = Effect.flatMap(read, (theirs) =>
    Effect.try({
      try: () => write(file, merged(before, linesOf(jar), linesOf(theirs))),
      catch: (cause) => unusable(`cannot be written (${(cause as NodeJS.ErrnoException).code})`)
    })
  )
  yield* Effect.addFinalizer(() => Effect.catch(save, ({ message }) => Effect.logWarning(message)))
  const cookies: Cookies = {
    header: (url) => headerOf(jar, url),
    keep: (url, lines) => CookieBounds.keep(jar, url, lines, Date.now())
  }
  return cookies
})
