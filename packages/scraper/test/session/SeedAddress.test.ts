import { assert, describe, it } from "@effect/vitest"
import { isIP } from "node:net"
import type { Denied } from "../../src/session/AddressGuard.ts"
import * as SeedAddress from "../../src/session/SeedAddress.ts"

const names: Record<string, ReadonlyArray<string>> = {
  "public.test": ["93.184.215.14", "2606:2800:21f::1"],
  "intranet.test": ["10.1.2.3", "fd12::1"],
  "evil.test": ["93.184.215.14", "169.254.169.254"],
  "half.test": ["93.184.215.14", "10.0.0.1"],
  "metadata.test": ["169.254.169.254"],
  "empty.test": []
}
const resolve: SeedAddress.Resolve = async (host) => {
  const addresses = names[host]
  if (addresses === undefined) throw new Error(`no address for ${host}`)
  return addresses.map((address) => ({ address, family: isIP(address) }))
}

const cases: ReadonlyArray<readonly [seeds: ReadonlyArray<string>, denied: Denied]> = [
  [["http://93.184.215.14/"], true],
  [["http://10.1.2.3/"], ["10.1.2.3"]],
  [["http://[::1]:8080/"], ["::1"]],
  [["http://169.254.169.254/"], ["169.254.169.254"]],
  [["http://[fe80::1]/"], ["fe80::1"]],
  [["http://public.test/"], true],
  [["http://intranet.test/"], ["10.1.2.3", "fd12::1"]],
  [
    ["http://public.test/", "https://intranet.test/a"],
    ["10.1.2.3", "fd12::1"]
  ],
  [
    ["http://intranet.test/", "http://169.254.1.1/"],
    ["10.1.2.3", "fd12::1", "169.254.1.1"]
  ],
  // its owner says so, not who names it
  [["http://evil.test/"], true],
  [["http://half.test/"], true],
  [["http://metadata.test/"], true],
  [
    ["http://intranet.test/", "http://evil.test/"],
    ["10.1.2.3", "fd12::1"]
  ],
  [["http://unknown.test/"], true],
  [["http://unknown.localhost/"], ["127.0.0.1", "::1"]],
  [["http://empty.test/"], true],
  [[], true]
]

describe("SeedAddress", () => {
  for (const [seeds, expected] of cases)
    it(`denies what is private${expected === true ? "" : ` but the networks of ${String(expected)}`} where ${seeds.join(" and ") || "nothing"} is named`, async () =>
      assert.deepStrictEqual(await SeedAddress.denied(seeds, resolve), expected))
})
