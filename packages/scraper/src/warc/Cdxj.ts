/**
 * Lines of a CDXJ index, as pywb and ReplayWeb.page read it: key and second of a
 * capture, then what it is and where, as JSON whose values are text.
 *
 *     com,example)/a 20261125101112 {"url": "http://example.com/a", "mime": "text/html", ...}
 */
import type { Capture } from "../Sink.ts"
import * as Surt from "./Surt.ts"

/** By this an index is sorted, byte by byte: key and second. */
const keyOf = ({ url, dateMs }: Capture): string =>
  `${Surt.fromUrl(url)} ${new Date(dateMs).toISOString().replace(/\D/g, "").slice(0, 14)}`

/** The line of a capture, with its end. Every line has a `mime`: that of a body without a type is the one that pywb gives it. */
const line = (key: string, capture: Capture): string => {
  const { url, status, type, digest, length, offset, archive, isRevisit } = capture
  const mime = isRevisit ? "warc/revisit" : type || "unk"
  const fields = {
    url,
    mime,
    status: `${status}`,
    digest,
    length: `${length}`,
    offset: `${offset}`,
    filename: archive
  }
  const json = Object.entries(fields).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`)
  return `${key} {${json.join(", ")}}\n`
}

/**
 * The lines of captures that come in the order of their URLs' keys and dates. Those of one key and second come in the
 * order of their text, so that the whole is sorted as `LC_ALL=C sort` does it.
 */
export class Lines {
  #key = ""
  #held: Array<string> = []

  /** The lines that are sure to be next. */
  add(captures: ReadonlyArray<Capture>): string {
    let text = ""
    for (const capture of captures) {
      const key = keyOf(capture)
      if (key !== this.#key) text += this.end()
      this.#key = key
      this.#held.push(line(key, capture))
    }
    return text
  }

  /** The last ones. */
  end(): string {
    const text = this.#held.toSorted().join("")
    this.#held = []
    return text
  }
}
