/**
 * The last of what a worker wrote to stderr, for the error that may follow; all of it is passed on.
 *
 * A process has a pipe, which is read. A thread writes a copy into shared memory, which outlives it: reading the stream
 * of a thread would keep the program alive for as long as the thread is.
 */
import type { Readable } from "node:stream"

const kept = 4096

/** Bytes of shared memory that `keepTail` needs: a count, then a ring. */
export const tailBytes = 4 + kept

export class StderrTail {
  text = ""
  constructor(stream: Readable) {
    stream.setEncoding("utf8")
    stream.on("data", (text: string) => {
      this.text = (this.text + text).slice(-kept)
      process.stderr.write(text)
    })
  }
}

/** In a thread: copies what is written to stderr from now on. Sent as text; see `Bootstrap.ts`. */
export function keepTail(memory: SharedArrayBuffer, start: number): void {
  const count = new Int32Array(memory, start, 1)
  const ring = new Uint8Array(memory, start + 4)
  const { stderr } = process
  const write = stderr.write.bind(stderr) as (...written: ReadonlyArray<unknown>) => boolean
  stderr.write = (chunk: string | Uint8Array, ...rest: ReadonlyArray<unknown>) => {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk
    for (const byte of bytes.subarray(-ring.length)) ring[count[0]!++ % ring.length] = byte
    return write(chunk, ...rest)
  }
}

/** What `keepTail` kept. */
export const readTail = (memory: SharedArrayBuffer, start: number): string => {
  const count = new Int32Array(memory, start, 1)[0]!
  const ring = Buffer.from(new Uint8Array(memory, start + 4))
  const end = count % kept
  return count <= kept ? ring.toString("utf8", 0, count) : ring.toString("utf8", end) + ring.toString("utf8", 0, end)
}
