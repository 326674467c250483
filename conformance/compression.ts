/**
 * Feeds the content-coding cases to the decoder, each in pieces of several sizes.
 */
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Decode from "@simul/scraper/Decode"

interface Case {
  readonly name: string
  readonly file: string
  readonly contentEncoding: string | ReadonlyArray<string>
  readonly expect: "decoded" | "too-large" | "cut" | "corrupt" | "unknown-coding"
  readonly decodedBytes?: number
  readonly decodedSha256?: string
  readonly maxSize?: number
  readonly decodedAtMost?: number
  readonly serveBytes?: number
}

/** Case name -> why it does not hold. An entry whose case passes is a failure. */
const exceptions: ReadonlyMap<string, string> = new Map(
  Decode.acceptEncoding.includes("zstd")
    ? []
    : [
        "zstd, static content size",
        "zstd, static no content size",
        "zstd, streaming no content size",
        "bomb within the bound, zstd",
        "bomb over the bound, zstd",
        "first half of zstd",
        "first half of zstd without content size",
        "first half of zstd streamed"
      ].map((name) => [name, "this Node has no zstd, or one that takes a cut body for a whole one"])
)

const pieceSizes = [1, 1000, Number.POSITIVE_INFINITY]

interface Result {
  readonly end: string
  readonly bytes: number
  readonly sha256: string
}

const decode = (body: Uint8Array, example: Case, pieceSize: number): Promise<Result> =>
  new Promise((resolve) => {
    const hash = createHash("sha256")
    let bytes = 0
    const finish = (end: string) => resolve({ end, bytes, sha256: hash.digest("hex") })
    let offset = 0
    const feed = () => {
      if (typeof decoder === "string") return
      while (offset < body.length) {
        const piece = body.subarray(offset, offset + pieceSize)
        offset += piece.length
        if (!decoder.write(piece)) return
      }
      decoder.end()
    }
    const header = example.contentEncoding
    const made = Decode.make(
      Decode.codings(typeof header === "string" ? header : header.join(", ")),
      example.maxSize === undefined ? {} : { maxBytes: example.maxSize },
      {
        data: (chunk) => {
          bytes += chunk.length
          hash.update(chunk)
        },
        drain: feed,
        end: () => finish("decoded"),
        error: (reason) => finish(reason._tag === "TooLargeError" ? "too-large" : reason.kind)
      }
    )
    const decoder = "_tag" in made ? (made.kind === "unknown" ? "unknown-coding" : made.kind) : made
    if (typeof decoder === "string") finish(decoder)
    else feed()
  })

const mismatch = (example: Case, result: Result): string | undefined => {
  if (result.end !== example.expect) return `${result.end}, not ${example.expect}`
  if (result.end === "decoded" && result.bytes !== example.decodedBytes)
    return `${result.bytes} bytes, not ${example.decodedBytes}`
  if (result.end === "decoded" && result.sha256 !== example.decodedSha256) return "other bytes"
  if (example.decodedAtMost !== undefined && result.bytes >= example.decodedAtMost)
    return `${result.bytes} bytes came out, more than ${example.decodedAtMost}`
  return undefined
}

/** Runs every case of `directory`. `failed` names the case and what went wrong. */
export const run = async (directory: string): Promise<{ passed: number; excepted: number; failed: Array<string> }> => {
  const lines = (await readFile(join(directory, "cases.jsonl"), "utf8")).split("\n").filter((line) => line !== "")
  let passed = 0
  let excepted = 0
  const failed: Array<string> = []
  for (const line of lines) {
    const example = JSON.parse(line) as Case
    const file = await readFile(join(directory, "files", example.file))
    const body = file.subarray(0, example.serveBytes ?? file.length)
    const problems: Array<string> = []
    for (const pieceSize of pieceSizes) {
      const problem = mismatch(example, await decode(body, example, pieceSize))
      if (problem !== undefined) problems.push(`in pieces of ${pieceSize}: ${problem}`)
    }
    const isExcepted = exceptions.has(example.name)
    if (isExcepted && problems.length > 0) excepted++
    else if (isExcepted) failed.push(`${example.name}: passes, but is listed as an exception`)
    else if (problems.length > 0) failed.push(`${example.name}: ${problems.join("; ")}`)
    else passed++
  }
  return { passed, excepted, failed }
}
