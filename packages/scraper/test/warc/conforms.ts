/** What ISO 28500:2017 (WARC 1.1) asks of a file, judged on its bytes as warcio finds them. */
import { assert } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { gunzipSync } from "node:zlib"
import { WARCParser } from "warcio"
import { sha1 } from "../../src/warc/WarcRecord.ts"

export interface Found {
  readonly type: string
  readonly offset: number
  readonly length: number
  readonly fields: ReadonlyMap<string, string>
  readonly head: string
  readonly payload: Buffer
}

const digestOf = (bytes: Uint8Array) => sha1(createHash("sha1").update(bytes).digest())
const splitAt = (bytes: Buffer): readonly [string, Buffer] => {
  const end = bytes.indexOf("\r\n\r\n")
  assert.isAtLeast(end, 0)
  return [bytes.toString("latin1", 0, end), bytes.subarray(end + 4)]
}

/** Fields by the types of record that may have them, where not all may (5.6 to 5.20). */
const only: Readonly<Record<string, ReadonlyArray<string>>> = {
  "warc-concurrent-to": ["request", "response", "resource", "metadata", "revisit"],
  "warc-refers-to": ["metadata", "revisit", "conversion"],
  "warc-refers-to-target-uri": ["revisit"],
  "warc-refers-to-date": ["revisit"],
  "warc-target-uri": ["request", "response", "resource", "metadata", "revisit", "conversion", "continuation"],
  "warc-filename": ["warcinfo"],
  "warc-ip-address": ["request", "response", "resource", "metadata", "revisit"],
  "warc-profile": ["revisit"]
}

/** The records of an archive; fails where it breaks a rule. */
export const recordsOf = async (file: string): Promise<ReadonlyArray<Found>> => {
  const bytes = fs.readFileSync(file)
  const places: Array<readonly [number, number]> = []
  // the outside judge of where records begin and end
  const parser = new WARCParser(fs.createReadStream(file), { parseHttp: false })
  for await (const record of parser) {
    await record.skipFully()
    places.push([parser.offset, parser.recordLength])
  }
  const records: Array<Found> = []
  let at = 0
  for (const [offset, length] of places) {
    assert.strictEqual(offset, at, "records follow each other")
    at += length
    const [head, rest] = splitAt(gunzipSync(bytes.subarray(offset, offset + length)))
    const [version, ...lines] = head.split("\r\n")
    assert.strictEqual(version, "WARC/1.1")
    const fields = new Map<string, string>()
    for (const line of lines) {
      // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\u0000-\u001f\u007f]+)$/.exec(line) ?? []
      assert.isDefined(name, `a named field: ${line}`)
      assert.isFalse(fields.has(name.toLowerCase()), `once: ${line}`)
      fields.set(name.toLowerCase(), value!)
    }
    const type = fields.get("warc-type")!
    for (const name of fields.keys()) assert.isTrue(only[name]?.includes(type) ?? true, `${name} of ${type}`)
    assert.match(
      fields.get("warc-record-id")!,
      /^<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>$/
    )
    assert.match(fields.get("warc-date")!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/)
    const block = rest.subarray(0, Number(fields.get("content-length")))
    assert.strictEqual(rest.toString("latin1", block.length), "\r\n\r\n", "ends after its block")
    if (type === "warcinfo") {
      assert.strictEqual(fields.get("content-type"), "application/warc-fields")
      records.push({ type, offset, length, fields, head: block.toString(), payload: Buffer.alloc(0) })
      continue
    }
    assert.strictEqual(fields.get("warc-block-digest"), digestOf(block), head)
    assert.strictEqual(
      fields.get("content-type"),
      `application/http;msgtype=${type === "request" ? "request" : "response"}`
    )
    assert.isTrue(URL.canParse(fields.get("warc-target-uri")!))
    const [message, payload] = splitAt(block)
    if (type === "response") assert.strictEqual(fields.get("warc-payload-digest"), digestOf(payload), head)
    records.push({ type, offset, length, fields, head: message, payload })
  }
  assert.strictEqual(at, bytes.length, "nothing follows the last record")
  assert.strictEqual(records[0]?.type, "warcinfo")
  assert.strictEqual(records.filter(({ type }) => type === "warcinfo").length, 1)

  const byId = new Map(records.map((record) => [record.fields.get("warc-record-id"), record]))
  assert.strictEqual(byId.size, records.length, "every id once")
  for (const { fields } of records) {
    const answer = byId.get(fields.get("warc-concurrent-to"))
    if (answer === undefined) continue
    assert.strictEqual(fields.get("warc-date"), answer.fields.get("warc-date"), "one capture, one date")
    assert.strictEqual(fields.get("warc-target-uri"), answer.fields.get("warc-target-uri"))
  }
  return records
}

/** Fails unless every revisit among the records of some archives refers to what it should. */
export const assertRevisits = (records: ReadonlyArray<Found>): void => {
  const byId = new Map(records.map((record) => [record.fields.get("warc-record-id"), record]))
  for (const { type, fields, payload } of records) {
    if (type !== "revisit") continue
    const original = byId.get(fields.get("warc-refers-to"))
    assert.strictEqual(original?.type, "response", `refers to a response: ${fields.get("warc-target-uri")}`)
    assert.strictEqual(fields.get("warc-refers-to-target-uri"), original!.fields.get("warc-target-uri"))
    assert.strictEqual(fields.get("warc-refers-to-date"), original!.fields.get("warc-date"))
    assert.strictEqual(fields.get("warc-payload-digest"), original!.fields.get("warc-payload-digest"))
    assert.strictEqual(payload.length, 0)
  }
}
