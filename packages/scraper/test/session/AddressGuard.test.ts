import { assert, describe, it } from "@effect/vitest"
import { AddressDenied, isPrivate, judge } from "../../src/session/AddressGuard.ts"

const denied = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.0",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.8",
  "192.168.0.1",
  "198.19.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::7f00:1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:10.1.2.3",
  "64:ff9b::10.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b:1::1",
  "2002:7f00:1::",
  "2002:c0a8:101::1",
  "2001:0:1::1",
  "2001:db8::1",
  "fc00::1",
  "fdff::1",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "localhost",
  ""
]
const allowed = [
  "1.1.1.1",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.167.255.255",
  "223.255.255.255",
  "::ffff:8.8.8.8",
  "64:ff9b::8.8.8.8",
  "2002:808:808::1",
  "2606:4700:4700::1111",
  "2a00:1450:4001::1"
]

describe("AddressGuard", () => {
  for (const address of denied) it(`denies ${JSON.stringify(address)}`, () => assert.isTrue(isPrivate(address)))
  for (const address of allowed) it(`allows ${address}`, () => assert.isFalse(isPrivate(address)))

  it("condemns a name for one bad address among good ones, and names it", () => {
    const verdict = judge(true)!([{ address: "1.1.1.1" }, { address: "10.0.0.1" }])
    assert.instanceOf(verdict, AddressDenied)
    assert.strictEqual(verdict?.address, "10.0.0.1")
    assert.isUndefined(judge(true)!([{ address: "1.1.1.1" }]))
  })

  it("denies all but the networks of what is open, whatever form an address has", () => {
    const isDenied = (address: string, open: ReadonlyArray<string>) => judge(open)!([{ address }]) !== undefined
    for (const [open, others, same] of [
      [["127.0.0.1"], ["10.0.0.1", "0.0.0.0", "::10.0.0.1"], ["127.8.0.1", "::1", "::ffff:127.0.0.1"]],
      [["::1"], ["::", "fd00::1"], ["127.0.0.1"]],
      [["::", "::7f00:1"], ["::1", "::7f00:2", "127.0.0.1", "0.0.0.0"], []],
      [["10.1.2.3"], ["172.16.0.1", "192.168.0.1", "127.0.0.1", "::1"], ["10.9.9.9", "64:ff9b::a01:203"]],
      [["::ffff:192.168.0.1"], ["10.0.0.1"], ["192.168.7.7"]],
      [["fd12::1"], ["fe80::1", "10.0.0.1"], ["fd00::1", "fc00::1"]],
      [["10.0.0.1", "fd12::1"], ["127.0.0.1"], ["10.0.0.2", "fd00::1"]]
    ] as const) {
      for (const address of others) assert.isTrue(isDenied(address, open), `${address} by ${open.join()}`)
      for (const address of [...same, ...open, "8.8.8.8"])
        assert.isFalse(isDenied(address, open), `${address} by ${open.join()}`)
    }
  })

  it("denies link-local addresses and metadata services unless they are open themselves, in whatever form", () => {
    const linkLocal = [
      "169.254.169.254",
      "::ffff:169.254.169.254",
      "64:ff9b::a9fe:a9fe",
      "fe80::1%eth0",
      "100.100.100.200",
      "fd00:ec2::254",
      "fd00:ec2::23",
      "fd20:ce::254",
      "fd00:c1::a9fe:a9fe"
    ]
    const near = ["169.254.1.1", "fe80::2", "100.100.100.201", "fd00::1"]
    for (const address of linkLocal) {
      assert.instanceOf(judge(near)!([{ address }]), AddressDenied, address)
      assert.isUndefined(judge([address])!([{ address }]), address)
    }
    assert.isUndefined(judge(false))
    assert.instanceOf(judge(["10.0.0.1"])!([{ address: "no address" }]), AddressDenied)
  })
})
