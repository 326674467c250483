/** Passes on what a worker writes to stderr, and keeps the last of it for the error that may follow. */
import type { Readable } from "node:stream"

const kept = 4096

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
