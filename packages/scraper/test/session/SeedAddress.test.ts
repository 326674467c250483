import { assert, describe, it } from "@effect/vitest"
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
  return addresses.map((address) => ({ address }))
}

const cases: ReadonlyArray<readonly [seeds: ReadonlyArray<string>, denied: Denied]> = [
  [["http://93.184.215.14/"], true],
  [["http://10.1.2.3/"], "link-local"],
  [["http://[::1]:8080/"], "link-local"],
  [["http://169.254.169.254/"], false],
  [["http://[fe80::1]/"], false],
  [["http://public.test/"], true],
  [["http://intranet.test/"], "link-local"],
  [["http://public.test/", "https://intranet.test/a"], "link-local"],
  [["http://intranet.test/", "http://169.254.1.1/"], false],
  // its owner says so, not who names it
  [["http://evil.test/"], true],
  [["http://half.test/"], true],
  [["http://metadata.test/"], "link-local"],
  [["http://intranet.test/", "http://evil.test/"], "link-local"],
  [["http://unknown.test/"], true],
  [["http://empty.test/"], true],
  [[], true]
]

describe("SeedAddress", () => {
  for (const [seeds, expected] of cases)
    it(`denies ${expected === true ? "what is private" : expected === false ? "nothing" : "what is link-local"} where ${seeds.join(" and ") || "nothing"} is named`, async () =>
      assert.strictEqual(await SeedAddress.denied(seeds, resolve), expected))
})
