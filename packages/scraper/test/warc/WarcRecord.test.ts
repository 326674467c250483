import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { sha1 } from "../../src/warc/WarcRecord.ts"
import * as WarcRecord from "../../src/warc/WarcRecord.ts"

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1")
const about = { id: "0e6bf9f7-4d0f-4a5b-9c0c-0d5a7c1d2e3f", dateMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) }

describe("WarcRecord", () => {
  it("writes a whole warcinfo record", () => {
    const record = WarcRecord.warcinfo(about, "simul-00000.warc.gz", [
      ["software", "simul"],
      ["robots", "ignore"]
    ])
    assert.strictEqual(
      text(record),
      "WARC/1.1\r\n" +
        "WARC-Type: warcinfo\r\n" +
        "WARC-Record-ID: <urn:uuid:0e6bf9f7-4d0f-4a5b-9c0c-0d5a7c1d2e3f>\r\n" +
        "WARC-Date: 2026-01-02T03:04:05.006Z\r\n" +
        "WARC-Filename: simul-00000.warc.gz\r\n" +
        "Content-Type: application/warc-fields\r\n" +
        "Content-Length: 33\r\n\r\n" +
        "software: simul\r\nrobots: ignore\r\n\r\n\r\n"
    )
  })

  it("writes the head of a response record", () => {
    const head = WarcRecord.response({
      ...about,
      targetUri: "https://example.com/a?b=c",
      bytes: 42,
      blockDigest: "sha1:BLOCK",
      payloadDigest: "sha1:PAYLOAD"
    })
    assert.strictEqual(
      text(head),
      "WARC/1.1\r\n" +
        "WARC-Type: response\r\n" +
        "WARC-Record-ID: <urn:uuid:0e6bf9f7-4d0f-4a5b-9c0c-0d5a7c1d2e3f>\r\n" +
        "WARC-Date: 2026-01-02T03:04:05.006Z\r\n" +
        "WARC-Target-URI: https://example.com/a?b=c\r\n" +
        "WARC-Payload-Digest: sha1:PAYLOAD\r\n" +
        "WARC-Block-Digest: sha1:BLOCK\r\n" +
        "Content-Type: application/http;msgtype=response\r\n" +
        "Content-Length: 42\r\n\r\n"
    )
  })

  it("tells the address of a record without the zone, which only this machine knows", () => {
    for (const [address, told] of [
      ["192.0.2.7", "192.0.2.7"],
      ["2001:db8::7", "2001:db8::7"],
      ["fe80::1%eth0", "fe80::1"]
    ] as const) {
      const exchange = { ...about, targetUri: "http://host/", address, bytes: 1, blockDigest: "sha1:B" }
      for (const head of [
        WarcRecord.response({ ...exchange, payloadDigest: "sha1:P" }),
        WarcRecord.request(exchange, "id")
      ])
        assert.include(text(head), `WARC-Target-URI: http://host/\r\nWARC-IP-Address: ${told}\r\n`)
    }
  })

  it("keeps the fields of an answer as received, repeated ones too", () => {
    const fields = [
      ["Content-Type", "text/html"],
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["Content-Encoding", "gzip"],
      ["content-length", "7"],
      ["Connection", "keep-alive"]
    ] as const
    const head = WarcRecord.httpHead({ status: 200, reason: "OK", fields }, 7)
    assert.strictEqual(
      text(head),
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" +
        "Content-Encoding: gzip\r\ncontent-length: 7\r\nConnection: keep-alive\r\n\r\n"
    )
  })

  it("says the length of a body whose chunks are undone, instead of its transfer coding", () => {
    const fields = [
      ["transfer-encoding", "chunked"],
      ["Trailer", "x-checksum"],
      ["X-Other", "stays"]
    ] as const
    assert.strictEqual(
      text(WarcRecord.httpHead({ status: 206, fields }, 1234)),
      "HTTP/1.1 206 \r\nX-Other: stays\r\nContent-Length: 1234\r\n\r\n"
    )
  })

  it("takes a head as it came, but for the lines of chunks that are undone", () => {
    const lines = [
      "HTTP/1.0 200 Very Fine",
      "X-Odd:no",
      " blank",
      "Transfer-Encoding:",
      "\tchunked",
      "ETag: caf\u00e9\x1b\x7f"
    ]
    assert.strictEqual(
      text(WarcRecord.httpHead({ status: 200, text: `${lines.join("\r\n")}\r\n\r\n`, fields: [] }, 5)),
      "HTTP/1.0 200 Very Fine\r\nX-Odd:no\r\n blank\r\nETag: caf\u00e9\x1b\x7f\r\nContent-Length: 5\r\n\r\n"
    )
  })

  it("ends each line of a head with CRLF, whatever it ended with", () => {
    const head = WarcRecord.httpHead(
      { status: 200, text: "HTTP/1.1 200 OK\nA: b\r\nTransfer-Encoding: chunked\n\n", fields: [] },
      5
    )
    assert.strictEqual(text(head), "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n")
  })

  it("writes a request, and withholds what may be a secret", () => {
    const fields = [
      "host",
      "a.example",
      "user-agent",
      "simul",
      "Cookie",
      "a=1",
      "authorization",
      "Basic x",
      "x-key",
      "y"
    ]
    assert.strictEqual(
      text(WarcRecord.requestHead("/a?b", fields)),
      "GET /a?b HTTP/1.1\r\nhost: a.example\r\nuser-agent: simul\r\nCookie: (withheld)\r\n" +
        "authorization: (withheld)\r\nx-key: (withheld)\r\n\r\n"
    )
    const head = WarcRecord.request({ ...about, targetUri: "http://a/", bytes: 1, blockDigest: "sha1:B" }, "ID")
    assert.include(text(head), "WARC-Type: request\r\n")
    assert.include(text(head), "WARC-Concurrent-To: <urn:uuid:ID>\r\n")
    assert.include(text(head), "Content-Type: application/http;msgtype=request\r\n")
  })

  it("refers from a revisit to the record with the payload", () => {
    const original = {
      recordId: "<urn:uuid:FIRST>",
      targetUri: "http://first/",
      date: "2026-01-01T00:00:00.000Z",
      payloadDigest: "sha1:PAYLOAD"
    }
    const exchange = { ...about, targetUri: "http://again/", bytes: 42, blockDigest: "sha1:HEAD", truncated: "length" }
    assert.strictEqual(
      text(WarcRecord.revisit(exchange, "identical-payload-digest", original)),
      "WARC/1.1\r\n" +
        "WARC-Type: revisit\r\n" +
        "WARC-Record-ID: <urn:uuid:0e6bf9f7-4d0f-4a5b-9c0c-0d5a7c1d2e3f>\r\n" +
        "WARC-Date: 2026-01-02T03:04:05.006Z\r\n" +
        "WARC-Target-URI: http://again/\r\n" +
        "WARC-Payload-Digest: sha1:PAYLOAD\r\n" +
        "WARC-Block-Digest: sha1:HEAD\r\n" +
        "WARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\n" +
        "WARC-Refers-To: <urn:uuid:FIRST>\r\n" +
        "WARC-Refers-To-Target-URI: http://first/\r\n" +
        "WARC-Refers-To-Date: 2026-01-01T00:00:00.000Z\r\n" +
        "WARC-Truncated: length\r\n" +
        "Content-Type: application/http;msgtype=response\r\n" +
        "Content-Length: 42\r\n\r\n"
    )
  })

  it("lets no value begin another line, in whatever characters", () => {
    const values = ["a\r\nEvil: 1", "a\nEvil: 1", "a\u0000b", "\u010d\u010aEvil: 1", "a\r\n\r\nbody"]
    for (const value of values) {
      const lines = text(WarcRecord.httpHead({ status: 200, reason: value, fields: [["X", value]] }, 0)).split(
        /\r\n|\r|\n/
      )
      // status, field, and the empty line with what follows it
      assert.strictEqual(lines.length, 4, JSON.stringify(value))
      const record = WarcRecord.warcinfo(about, value, [])
      assert.notMatch(text(record), /^Evil/m)
    }
  })

  it("writes octets above ASCII as they came, and text beyond them as UTF-8", () => {
    assert.include(text(WarcRecord.httpHead({ status: 200, fields: [["X", "caf\u00e9"]] }, 0)), "X: caf\u00e9\r\n")
    assert.include(
      Buffer.from(WarcRecord.httpHead({ status: 200, fields: [["X", "\u010a"]] }, 0)).toString("utf8"),
      "X: \u010a\r\n"
    )
  })

  it("writes SHA-1 in base32", () => {
    // the digests of nothing and of "abc" (FIPS 180-4), in base32
    assert.strictEqual(sha1(createHash("sha1").digest()), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ")
    assert.strictEqual(sha1(createHash("sha1").update("abc").digest()), "sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5")
  })
})
