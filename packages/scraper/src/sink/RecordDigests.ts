/** What the bytes of a record add up to, to be held against what its fields say. */
import { createHash, hash, type Hash } from "node:crypto"
import * as WarcReader from "../warc/WarcReader.ts"
import * as WarcRecord from "../warc/WarcRecord.ts"

export interface RecordDigests {
  /** As `WARC-Block-Digest` and `WARC-Payload-Digest` have them. The payload of what is no response is its block. */
  readonly block: string
  readonly payload: string
  /** Of the payload. */
  readonly bytes: number
}

const isResponse = ({ field }: WarcReader.WarcRecord) => field("WARC-Type") === "response"

const inMemory = (record: WarcReader.HeldRecord, also?: Hash): RecordDigests => {
  const digest = (bytes: Buffer) => WarcRecord.sha1(hash("sha1", bytes, "buffer"))
  const payload = isResponse(record) ? WarcReader.payloadIn(record.held) : record.held
  also?.update(payload)
  return { block: digest(record.held), payload: digest(payload), bytes: payload.length }
}

/** Reads a record to its end. `also` takes the payload as well. Throws where it breaks off or is no message. */
export const read = async (
  record: WarcReader.WarcRecord | WarcReader.HeldRecord,
  also?: Hash
): Promise<RecordDigests> => {
  if ("held" in record) return inMemory(record, also)
  const block = createHash("sha1")
  const payload = createHash("sha1")
  async function* hashed() {
    for await (const chunk of record.block) {
      block.update(chunk)
      yield chunk
    }
  }
  let bytes = 0
  for await (const chunk of isResponse(record) ? (await WarcReader.message(hashed())).payload : hashed()) {
    bytes += chunk.length
    payload.update(chunk)
    also?.update(chunk)
  }
  return { block: WarcRecord.sha1(block.digest()), payload: WarcRecord.sha1(payload.digest()), bytes }
}
