/**
 * Servers that get ranges wrong, or whose content changes under a client.
 * Put `/cut-first/AT` before a row and the client has something to resume.
 */
import * as Behaviour from "../Behaviour.ts"
import type { Content } from "../Content.ts"
import { generate } from "../Content.ts"
import * as Representation from "../Representation.ts"

const whole = (path: string, size: string): Representation.Representation =>
  Representation.of(path, generate(path, Behaviour.count(size)))

/** The content before any change is version 0, after it version 1. */
const versionOf = (path: string, size: string, version: number): Content =>
  generate(version === 0 ? path : `${path} ${version}`, Behaviour.count(size))

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make("/range/ignored/N/name", "200 and everything, whatever range is asked", (exchange, { values, path }) =>
    Representation.answer(exchange, whole(path, values.N), { ignoresRange: true })
  ),
  Behaviour.make(
    "/range/wrong-offset/N/name",
    "206 that begins (and says so) one byte before the range asked, or one after its start at 0",
    (exchange, { values, path }) =>
      Representation.answer(exchange, whole(path, values.N), {
        part: (part) => ({ ...part, from: part.from === 0 ? Math.min(1, part.to - 1) : part.from - 1 })
      })
  ),
  Behaviour.make(
    "/range/short/N/name",
    "206 that ends (and says so) before the range asked does: half of it",
    (exchange, { values, path }) =>
      Representation.answer(exchange, whole(path, values.N), {
        part: (part) => ({ ...part, to: part.from + Math.ceil((part.to - part.from) / 2) })
      })
  ),
  Behaviour.make(
    "/range/wrong-total/N/name",
    "206 whose Content-Range gives N + 1 as the total",
    (exchange, { values, path }) =>
      Representation.answer(exchange, whole(path, values.N), { part: (part) => ({ ...part, total: part.total + 1 }) })
  ),
  Behaviour.make("/range/wrong-validator/N/name", "206 with another ETag than 200 has", (exchange, { values, path }) =>
    Representation.answer(exchange, whole(path, values.N), { part: (part) => ({ ...part, etag: '"another"' }) })
  ),
  Behaviour.make("/range/unstated/N/name", "206 without Content-Range", (exchange, { values, path }) =>
    Representation.answer(exchange, whole(path, values.N), { part: (part) => ({ ...part, stated: false }) })
  ),
  Behaviour.make("/range/416/N/name", "416 for every range", (exchange, { values, path }) =>
    Representation.answer(exchange, whole(path, values.N), { refusesRange: true })
  ),
  Behaviour.make(
    "/range/changed/N/name",
    "content, ETag and Last-Modified are others from the second request on; conditions kept exactly",
    (exchange, { values, path }) => {
      const version = exchange.visit(path) === 1 ? 0 : 1
      const name = version === 0 ? path : `${path} ${version}`
      Representation.answer(exchange, Representation.of(name, versionOf(path, values.N, version)))
    }
  ),
  Behaviour.make(
    "/range/changed-silently/N/name",
    "the content is another from the second request on, under the same ETag and Last-Modified",
    (exchange, { values, path }) => {
      const content = versionOf(path, values.N, exchange.visit(path) === 1 ? 0 : 1)
      Representation.answer(exchange, { ...whole(path, values.N), content })
    }
  ),
  Behaviour.make("/range/weak/N/name", "a weak ETag, no Last-Modified", (exchange, { values, path }) => {
    const { content, etag } = whole(path, values.N)
    Representation.answer(exchange, { content, etag: `W/${etag}` })
  }),
  Behaviour.make("/range/bare/N/name", "ranges, but no ETag and no Last-Modified", (exchange, { values, path }) =>
    Representation.answer(exchange, { content: whole(path, values.N).content })
  )
]
