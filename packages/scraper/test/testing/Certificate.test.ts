import { assert, it } from "@effect/vitest"
import { X509Certificate, createPrivateKey } from "node:crypto"
import * as Certificate from "../../src/testing/Certificate.ts"

it("makes an authority and a certificate that it has signed", () => {
  const made = Certificate.make()
  const authority = new X509Certificate(made.ca)
  const server = new X509Certificate(made.certificate)
  assert.isTrue(authority.ca)
  assert.isFalse(server.ca)
  assert.isTrue(server.checkIssued(authority))
  assert.isTrue(server.verify(authority.publicKey))
  assert.isTrue(authority.verify(authority.publicKey))
  assert.isFalse(server.verify(server.publicKey))
  assert.isTrue(server.checkPrivateKey(createPrivateKey(made.key)))
})

it("names hosts and addresses", () => {
  const server = new X509Certificate(Certificate.make({ names: ["a.test", "127.0.0.9", "*.b.test"] }).certificate)
  assert.strictEqual(server.subjectAltName, "DNS:a.test, IP Address:127.0.0.9, DNS:*.b.test")
  assert.strictEqual(server.checkIP("127.0.0.9"), "127.0.0.9")
  assert.isUndefined(server.checkHost("c.test"))
})

it("is valid from and until the dates given, before and after 2050", () => {
  const notBefore = new Date("2001-02-03T04:05:06Z")
  const notAfter = new Date("2061-02-03T04:05:06Z")
  const server = new X509Certificate(Certificate.make({ notBefore, notAfter }).certificate)
  assert.strictEqual(Date.parse(server.validFrom), notBefore.getTime())
  assert.strictEqual(Date.parse(server.validTo), notAfter.getTime())
})

it("has another key each time, and a positive serial number", () => {
  const made = Array.from({ length: 10 }, () => new X509Certificate(Certificate.make().certificate))
  assert.strictEqual(new Set(made.map(({ fingerprint256 }) => fingerprint256)).size, 10)
  // A negative one would show its sign.
  for (const { serialNumber } of made) assert.match(serialNumber, /^[0-9A-F]{32}$/)
})
