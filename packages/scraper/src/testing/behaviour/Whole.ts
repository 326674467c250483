/** Bodies that arrive whole and right, in each of the ways that HTTP has for telling their end. */
import * as Behaviour from "../Behaviour.ts"
import * as Content from "../Content.ts"
import * as Representation from "../Representation.ts"

/** Representations made lately, since a benchmark asks for the same few thousand again and again. */
const recent = new Map<string, Representation.Representation>()
const recentBytes = 128 * 1024 * 1024
let heldBytes = 0

const weight = (representation: Representation.Representation) =>
  Math.min(representation.content.size, 1024 * 1024) + 500

const remembered = (path: string, size: number): Representation.Representation => {
  const known = recent.get(path)
  if (known !== undefined) return known
  const representation = Representation.of(path, Content.generate(path, size))
  recent.set(path, representation)
  heldBytes += weight(representation)
  for (const [oldest, held] of recent) {
    if (heldBytes <= recentBytes) break
    recent.delete(oldest)
    heldBytes -= weight(held)
  }
  return representation
}

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make(
    "/bytes/N/name",
    "N bytes: Content-Length, strong ETag, Last-Modified, ranges and conditions kept exactly",
    (exchange, { values, path }) => Representation.answer(exchange, remembered(path, Behaviour.count(values.N)))
  ),
  Behaviour.make("/chunked/N/name", "N bytes in several chunks, no Content-Length", (exchange, { values, path }) =>
    exchange.send({
      status: 200,
      content: Content.generate(path, Behaviour.count(values.N)),
      framing: "chunked"
    })
  ),
  Behaviour.make("/close/N/name", "N bytes ended by the end of the connection", (exchange, { values, path }) =>
    exchange.send({ status: 200, content: Content.generate(path, Behaviour.count(values.N)), framing: "close" })
  ),
  Behaviour.make("/empty", "204, no body", (exchange) => exchange.send({ status: 204 })),
  Behaviour.make("/status/CODE/name", "that status and a line of text", (exchange, { values }) =>
    exchange.text(status(values.CODE), `status ${values.CODE}\n`)
  )
]

/** Reads an argument that is a final status code. */
export const status = (value: string): number => {
  const code = Behaviour.count(value)
  if (code < 200 || code > 999) throw new Behaviour.BadPath(`expected a status from 200 to 999, got "${value}"`)
  return code
}
