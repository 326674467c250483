/**
 * A certificate authority of its own for each test site, and a certificate by it:
 * X.509 v3 (RFC 5280) on EC P-256, written as DER (ITU-T X.690) here because
 * `node:crypto` reads certificates but does not issue any.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { isIP } from "node:net"

/** What a certificate is for. */
export interface Options {
  /** Host names and IPv4 addresses. Default: `localhost` and `127.0.0.1`. */
  readonly names?: ReadonlyArray<string>
  /** Default: a day ago. */
  readonly notBefore?: Date
  /** Default: in a year. */
  readonly notAfter?: Date
}

/** All in PEM. `ca` is what a client has to trust. */
export interface Certificate {
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

const der = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(contents)
  const { length } = body
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}
const sequence = (...contents: ReadonlyArray<Uint8Array>) => der(0x30, ...contents)
const octets = (...contents: ReadonlyArray<Uint8Array>) => der(0x04, ...contents)
const bits = (bytes: Uint8Array, unused = 0) => der(0x03, Buffer.from([unused]), bytes)
const yes = der(0x01, Buffer.from([0xff]))

const base128 = (value: number): Array<number> => {
  const bytes = [value & 0x7f]
  for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80)
  return bytes
}

const identifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number)
  return der(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]))
}

/** UTCTime until 2049, GeneralizedTime after it (RFC 5280 4.1.2.5). */
const time = (date: Date): Buffer => {
  const digits = `${date.toISOString().replaceAll(/[-:T]|\..*/g, "")}Z`
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

const distinguishedName = (commonName: string) =>
  sequence(der(0x31, sequence(identifier("2.5.4.3"), der(0x0c, Buffer.from(commonName)))))

const extension = (dotted: string, critical: boolean, value: Uint8Array) =>
  sequence(identifier(dotted), ...(critical ? [yes] : []), octets(value))

const pem = (bytes: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${bytes
    .toString("base64")
    .replaceAll(/(.{64})/g, "$1\n")
    .trimEnd()}\n-----END CERTIFICATE-----\n`

const ecdsaWithSha256 = sequence(identifier("1.2.840.10045.4.3.2"))

interface Subject {
  readonly name: string
  readonly publicKey: KeyObject
}

const publicKeyBytes = (key: KeyObject) => key.export({ type: "spki", format: "der" })
const keyIdentifier = (key: KeyObject) => createHash("sha1").update(publicKeyBytes(key)).digest()

const issue = (
  subject: Subject,
  issuer: Subject & { readonly privateKey: KeyObject },
  validity: readonly [Date, Date],
  extensions: ReadonlyArray<Buffer>
): Buffer => {
  const serial = randomBytes(16)
  // A serial number is positive and has no superfluous zero byte in front.
  serial[0] = (serial[0]! & 0x7f) | 0x40
  const certificate = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    distinguishedName(issuer.name),
    sequence(...validity.map(time)),
    distinguishedName(subject.name),
    publicKeyBytes(subject.publicKey),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension("2.5.29.14", false, octets(keyIdentifier(subject.publicKey))),
        extension("2.5.29.35", false, sequence(der(0x80, keyIdentifier(issuer.publicKey))))
      )
    )
  )
  return sequence(certificate, ecdsaWithSha256, bits(sign("sha256", certificate, issuer.privateKey)))
}

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" })
const day = 24 * 3600 * 1000

/** Makes an authority and a server certificate by it. */
export const make = (options: Options = {}): Certificate => {
  const { names = ["localhost", "127.0.0.1"] } = options
  const validity = [
    options.notBefore ?? new Date(Date.now() - day),
    options.notAfter ?? new Date(Date.now() + 365 * day)
  ] as const
  const authority = { name: "Test authority", ...keyPair() }
  const server = { name: names[0] ?? "localhost", ...keyPair() }
  const alternativeNames = names.map((name) =>
    isIP(name) === 4 ? der(0x87, Buffer.from(name.split(".").map(Number))) : der(0x82, Buffer.from(name))
  )
  return {
    ca: pem(
      issue(authority, authority, validity, [
        extension("2.5.29.19", true, sequence(yes)),
        extension("2.5.29.15", true, bits(Buffer.from([0x06]), 1)) // keyCertSign, cRLSign
      ])
    ),
    certificate: pem(
      issue(server, authority, validity, [
        extension("2.5.29.19", true, sequence()),
        extension("2.5.29.15", true, bits(Buffer.from([0x80]), 7)), // digitalSignature
        extension("2.5.29.37", false, sequence(identifier("1.3.6.1.5.5.7.3.1"))), // serverAuth
        extension("2.5.29.17", false, sequence(...alternativeNames))
      ])
    ),
    key: server.privateKey.export({ type: "pkcs8", format: "pem" })
  }
}
