/**
 * What is fetched: how many files of which size, under how many names, by how many connections. The clients are given
 * the same URLs in the form that each of them reads.
 *
 * Invariants:
 * 1. The content of a file is a function of its path, the one that the test site uses: `Content.generate`. So nginx
 *    with the files on disk and a site process without any answer alike, and a saved file is judged without the original.
 * 2. The last segment of a URL is unique in its list, because some clients name files by it.
 */
import { createHash } from "node:crypto"
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Content from "@simul/scraper/testing/Content"

export interface Workload {
  readonly name: string
  readonly does: string
  /** Files that are served. */
  readonly files: number
  /** Size of each file. */
  readonly bytes: number
  /** URLs for each file. */
  readonly names: number
  /** Requests in flight. */
  readonly jobs: number
  /** Milliseconds before each answer. */
  readonly latencyMs: number
  /** By https. */
  readonly tls: boolean
}

const kibibyte = 1024
export const mebibyte = 1024 * kibibyte
export const gibibyte = 1024 * mebibyte

const make = (name: string, does: string, numbers: Partial<Workload>): Workload => ({
  name,
  does,
  files: 10_000,
  bytes: 10 * kibibyte,
  names: 1,
  jobs: 64,
  latencyMs: 0,
  tls: false,
  ...numbers
})

export const small = make("small", "start-up weighs", {})
export const small50 = make("small50", "five names for every file of `small`: start-up amortised", { names: 5 })
export const tls = make("tls", "`small` by https; the server speaks HTTP/1.1 and HTTP/2", { tls: true })
export const medium = make("medium", "incompressible", { files: 500, bytes: mebibyte })
export const large = make("large", "the kernel's copying weighs", { files: 2, bytes: 2 * gibibyte, jobs: 2 })
export const latency = make("latency", "each answer after 200 ms", { files: 5_000, jobs: 500, latencyMs: 200 })
export const million = make("million", "one list; a hundred names for every file", { bytes: kibibyte, names: 100 })
export const single = make("startup", "one URL", { files: 1, jobs: 6 })

/** The same in small: a tenth of the files, none larger than 64 MiB. For trying the harness, not for figures. */
export const quick = (workload: Workload): Workload => ({
  ...workload,
  files: Math.min(workload.files, Math.max(2, Math.ceil(workload.files / 10))),
  bytes: Math.min(workload.bytes, 64 * mebibyte)
})

export const requests = (workload: Workload): number => workload.files * workload.names

/** What the bodies are together. */
export const volume = (workload: Workload): number => requests(workload) * workload.bytes

/** What files of these sizes occupy: whole pages of 4096 bytes. */
export const occupied = (workload: Workload): number => requests(workload) * Math.ceil(workload.bytes / 4096) * 4096

/** One URL of the list. */
export interface Item {
  readonly path: string
  /** The last segment of the path. */
  readonly name: string
  /** The path of the file that a file server sends; `path` is another name for it. */
  readonly file: string
}

const digits = (index: number, width: number) => String(index).padStart(width, "0")

/** All URLs: every file once, then every file again under its second name, and so on. */
export function* items(workload: Workload): Generator<Item> {
  for (let copy = 0; copy < workload.names; copy++) {
    for (let index = 0; index < workload.files; index++) {
      const folder = `/bytes/${workload.bytes}/d${digits(index % 100, 2)}`
      const base = `page-${digits(index, 5)}.bin`
      const name = copy === 0 ? base : `r${copy}-${base}`
      yield { path: `${folder}/${name}`, name, file: `${folder}/${base}` }
    }
  }
}

const pieceBytes = 4 * mebibyte

function* pieces(path: string, bytes: number): Generator<Buffer> {
  const content = Content.generate(path, bytes)
  for (let from = 0; from < bytes; from += pieceBytes) yield content.read(from, Math.min(bytes, from + pieceBytes))
}

/** The sha256 of the content of `path`, in hexadecimal. */
export const digest = (path: string, bytes: number): string => {
  const hash = createHash("sha256")
  for (const piece of pieces(path, bytes)) hash.update(piece)
  return hash.digest("hex")
}

/** Writes the files below `root`, where a file server finds them. */
export const writeFiles = (workload: Workload, root: string): void => {
  for (const { file } of items({ ...workload, names: 1 })) {
    const target = join(root, file)
    mkdirSync(dirname(target), { recursive: true })
    const descriptor = openSync(target, "w")
    for (const piece of pieces(file, workload.bytes)) writeSync(descriptor, piece)
    closeSync(descriptor)
  }
}

/** The forms of a list, and how each writes a line. */
const forms = {
  /** A URL a line. */
  urls: (url: string, _name: string) => `${url}\n`,
  /** URL, tab, file name. */
  pairs: (url: string, name: string) => `${url}\t${name}\n`,
  curl: (url: string, name: string) => `url = "${url}"\noutput = "${name}"\n`,
  aria2: (url: string, name: string) => `${url}\n  out=${name}\n`
}

/** The path of the list in each form. */
export type Lists = Readonly<Record<keyof typeof forms, string>>

const linesAtOnce = 10_000

/** Writes the list in every form into `folder`. */
export const writeLists = (workload: Workload, origin: string, folder: string): Lists => {
  mkdirSync(folder, { recursive: true })
  const entries = Object.entries(forms).map(([form, line]) => {
    const path = join(folder, `list.${form}`)
    const descriptor = openSync(path, "w")
    let text = ""
    let lines = 0
    for (const item of items(workload)) {
      text += line(`${origin}${item.path}`, item.name)
      if (++lines % linesAtOnce > 0) continue
      writeSync(descriptor, text)
      text = ""
    }
    writeSync(descriptor, text)
    closeSync(descriptor)
    return [form, path] as const
  })
  return Object.fromEntries(entries) as Record<keyof typeof forms, string>
}
