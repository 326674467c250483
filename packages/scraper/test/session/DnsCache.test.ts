import { assert, describe, it } from "@effect/vitest"
import type { LookupAddress } from "node:dns"
import { DnsCache } from "../../src/session/DnsCache.ts"
import type { Options, Resolve } from "../../src/session/DnsCache.ts"

const v4 = { address: "192.0.2.1", family: 4 }
const other4 = { address: "192.0.2.2", family: 4 }
const v6 = { address: "2001:db8::1", family: 6 }

/** A resolver that is answered by hand. */
const resolver = () => {
  const asked: Array<string> = []
  const open: Array<Parameters<Resolve>[1]> = []
  const resolve: Resolve = (host, callback) => {
    asked.push(host)
    open.push(callback)
  }
  const answer = (...addresses: Array<LookupAddress>) => open.shift()?.(null, addresses)
  const fail = (code: string) => open.shift()?.(Object.assign(new Error(code), { code }), [])
  return { asked, resolve, answer, fail }
}

const cache = (options: Options) => {
  const dns = new DnsCache(options)
  const lookup = (host: string) =>
    new Promise<unknown>((resolve) =>
      dns.addresses(host, (error, addresses) =>
        resolve(error === null ? addresses : ((error as NodeJS.ErrnoException).code ?? error.message))
      )
    )
  return { dns, lookup }
}

describe("DnsCache", () => {
  it("asks once for lookups at one time, and gives all of them all addresses", async () => {
    const by = resolver()
    const { lookup } = cache(by)
    const both = Promise.all([lookup("a.test"), lookup("a.test")])
    by.answer(v4, v6)
    assert.deepStrictEqual(await both, [
      [v4, v6],
      [v4, v6]
    ])
    assert.deepStrictEqual(by.asked, ["a.test"])
  })

  it("believes an answer for its time, and no longer", async () => {
    let now = 0
    const by = resolver()
    const { lookup } = cache({ ...by, now: () => now, ttlMs: 60_000 })
    const first = lookup("a.test")
    by.answer(v4)
    await first
    now = 59_999
    assert.deepStrictEqual(await lookup("a.test"), [v4])
    assert.strictEqual(by.asked.length, 1)
    now = 60_000
    const second = lookup("a.test")
    assert.strictEqual(by.asked.length, 2)
    by.answer(v6)
    assert.deepStrictEqual(await second, [v6])
  })

  it("believes a failure for a shorter time", async () => {
    let now = 0
    const by = resolver()
    const { lookup } = cache({ ...by, now: () => now, negativeTtlMs: 2_000 })
    const first = lookup("a.test")
    by.fail("ENOTFOUND")
    assert.strictEqual(await first, "ENOTFOUND")
    now = 1_999
    assert.strictEqual(await lookup("a.test"), "ENOTFOUND")
    assert.strictEqual(by.asked.length, 1)
    now = 2_000
    const again = lookup("a.test")
    by.answer(v4)
    assert.deepStrictEqual(await again, [v4])
  })

  it("gives first the address that was preferred", async () => {
    const by = resolver()
    const { dns, lookup } = cache(by)
    const first = lookup("a.test")
    dns.prefer("a.test", v6.address)
    by.answer(v4, v6, other4)
    assert.deepStrictEqual(await first, [v4, v6, other4])
    dns.prefer("a.test", other4.address)
    assert.deepStrictEqual(await lookup("a.test"), [other4, v4, v6])
    assert.strictEqual(by.asked.length, 1)
  })

  it("gives families in turn", async () => {
    const by = resolver()
    const { lookup } = cache(by)
    const first = lookup("a.test")
    const other6 = { address: "2001:db8::2", family: 6 }
    by.answer(v6, other6, v4, other4, { address: "2001:db8::3", family: 6 })
    assert.deepStrictEqual(await first, [v6, v4, other6, other4, { address: "2001:db8::3", family: 6 }])
  })

  it("takes an address for its own", async () => {
    const by = resolver()
    const { lookup } = cache(by)
    assert.deepStrictEqual(await lookup(v6.address), [v6])
    assert.deepStrictEqual(await lookup(v4.address), [v4])
    assert.deepStrictEqual(by.asked, [])
  })

  it("forgets the name least recently asked for", async () => {
    const by = resolver()
    const { lookup } = cache({ ...by, capacity: 2 })
    const ask = async (host: string) => {
      const answer = lookup(host)
      by.answer(v4)
      await answer
    }
    await ask("a.test")
    await ask("b.test")
    await ask("a.test")
    await ask("c.test")
    await ask("a.test")
    assert.deepStrictEqual(by.asked, ["a.test", "b.test", "c.test"])
    await ask("b.test")
    assert.deepStrictEqual(by.asked, ["a.test", "b.test", "c.test", "b.test"])
  })

  it("calls no address a failure", async () => {
    const by = resolver()
    const { lookup } = cache(by)
    const first = lookup("a.test")
    by.answer()
    assert.strictEqual(await first, "ENOTFOUND")
  })

  it("gives localhost both addresses of the loopback, and leaves what is led elsewhere", async () => {
    const by = resolver()
    const { lookup } = cache(by)
    const loopback = [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 }
    ] as const
    const answered = (host: string, answer: () => void) => {
      const answers = lookup(host)
      answer()
      return answers
    }
    assert.deepStrictEqual(await answered("localhost", () => by.answer(loopback[0])), loopback)
    assert.deepStrictEqual(await answered("LOCALHOST.", () => by.answer(loopback[1])), loopback.toReversed())
    assert.deepStrictEqual(await answered("a.localhost", () => by.fail("ENOTFOUND")), loopback)
    assert.deepStrictEqual(await answered("b.localhost", () => by.answer(v4)), [v4])
    assert.strictEqual(await answered("notlocalhost", () => by.fail("ENOTFOUND")), "ENOTFOUND")
  })

  it("resolves localhost by the system", async () => {
    const answer = await cache({}).lookup("localhost")
    assert.isArray(answer)
    assert.isTrue((answer as Array<LookupAddress>).some(({ address }) => address === "127.0.0.1" || address === "::1"))
  })
})
