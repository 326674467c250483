/** What one of piscina's tests needs beside piscina: gives all of a stream's text. */
import { Writable } from "node:stream"

const concat = (done: (text: string) => void): Writable => {
  let text = ""
  return new Writable({
    decodeStrings: false,
    write: (part: string, _, next) => {
      text += part
      next()
    },
    final: (next) => {
      done(text)
      next()
    }
  })
}
export default concat
