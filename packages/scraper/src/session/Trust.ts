/**
 * Whose certificates are believed.
 */
import { X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import * as tls from "node:tls"
import * as Effect from "effect/Effect"
import { OptionUnusable } from "../RunError.ts"

const pem = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** The usual authorities and those of the PEM file `cacert`. Fails when the file cannot be read or holds no certificate. */
export const authorities = Effect.fnUntraced(function* (cacert: string) {
  const unusable = (detail: string) => new OptionUnusable({ option: "--cacert", value: cacert, detail })
  const text = yield* Effect.tryPromise({
    try: () => readFile(cacert, "utf8"),
    catch: (cause) => unusable(`cannot be read (${(cause as NodeJS.ErrnoException).code})`)
  })
  const own = text.match(pem) ?? []
  if (own.length === 0) return yield* unusable("holds no PEM certificate")
  yield* Effect.try({
    try: () => own.forEach((certificate) => new X509Certificate(certificate)),
    catch: () => unusable("holds a damaged certificate")
  })
  return [...tls.getCACertificates("default"), ...own]
})
