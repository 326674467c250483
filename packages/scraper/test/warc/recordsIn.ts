import { createReadStream } from "node:fs"
import * as Gzip from "../../src/warc/Gzip.ts"
import * as WarcReader from "../../src/warc/WarcReader.ts"

const collect = async (chunks: AsyncIterable<Uint8Array>) => {
  const all: Array<Uint8Array> = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

async function* of(bytes: Uint8Array) {
  yield bytes
}

/** All records of a compressed file, in memory. `head` and `payload` are those of a message. */
export const recordsIn = async (file: string) => {
  const records = []
  for await (const record of WarcReader.records(Gzip.gunzip(createReadStream(file)))) {
    const block = await collect(record.block)
    const type = record.field("WARC-Type")!
    const { head, payload } =
      type !== "warcinfo"
        ? await WarcReader.message(of(block))
        : { head: new Uint8Array(), payload: of(new Uint8Array()) }
    records.push({
      type,
      field: record.field,
      block,
      head: Buffer.from(head).toString("latin1"),
      payload: await collect(payload)
    })
  }
  return records
}
