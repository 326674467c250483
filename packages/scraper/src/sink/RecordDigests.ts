/** What the bytes of a record add up to, to be held against what its fields say. */
import { createHash, type Hash } from "node:crypto"
import * as WarcReader from "../warc/WarcReader.ts"
import * as WarcRecord from "../warc/WarcRecord.ts"

export interface RecordDigests {
  /** As `WARC-Block-Digest` and `WARC-Payload-Digest` have them. The payload of what is no response is its block. */
  readonly block: string
  readonly payload: string
  /** Of the payload. */
  readonly bytes: number
}

/** Reads a record to its end. `also` takes the payload as well. Throws where it breaks off or is no message. */
export const read = async (record: WarcReader.WarcRecord, also?: Hash): Promise<RecordDigests> => {
  const block = createHash("sha1")
  const payload = createHash("sha1")
  async function* hashed() {
    for await (const chunk of record.block) {
      block.update(chunk)
      yield chunk
    }
  }
  const isResponse = record.field("WARC-Type") === "response"
  let bytes = 0
  for await (const chunk of isResponse ? (await WarcReader.message(hashed())).payload : hashed()) {
    bytes += chunk.length
    payload.update(chunk)
    also?.update(chunk)
  }
  return { block: WarcRecord.sha1(block.digest()), payload: WarcRecord.sha1(payload.digest()), bytes }
}
