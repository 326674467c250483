import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as Robots from "../../src/robots/Robots.ts"

const allowed = (file: string | Uint8Array, token: string, path: string) =>
  Robots.decide(Robots.parse(file), token, `http://host${path}`).allowed

describe("decide", () => {
  it("searches so much and no more for a file that means no good, and asks nothing of its host then", () => {
    const path = `/${"z".repeat(8000)}`
    const file = (rules: number) => `User-agent: *\n${"Disallow: /*zzzzzzzq\n".repeat(rules)}`
    assert.isTrue(allowed(file(500), "a", path))
    assert.isFalse(allowed(file(20_000), "a", path))
    assert.isTrue(allowed(file(20_000), "a", "/z"))
  })
})

describe("parse", () => {
  it("knows every line end, and counts lines by it", () => {
    const robots = Robots.parse("user-agent: a\r\n\r\nallow: /x\rdisallow: /\n")
    assert.strictEqual(Robots.decide(robots, "a", "http://host/x").rule?.line, 3)
    assert.strictEqual(Robots.decide(robots, "a", "http://host/").rule?.line, 4)
  })

  it("skips a byte order mark, and what is left of one", () => {
    const file = Buffer.from("User-agent: *\nDisallow: /")
    for (const mark of [[0xef, 0xbb, 0xbf], [0xef, 0xbb], [0xef]])
      assert.isFalse(allowed(Buffer.concat([Buffer.from(mark), file]), "a", "/"))
    assert.isFalse(allowed(`\ufeff${file.toString()}`, "a", "/"))
    assert.isTrue(allowed(Buffer.concat([Buffer.from([0xbf]), file]), "a", "/"))
  })

  it("reads 500 KiB, and no half line", () => {
    const rule = "Disallow: /private\n"
    const head = "User-agent: *\n"
    const fill = (size: number) => `${"#".repeat(size - 1)}\n`
    const whole = head + fill(Robots.maxBytes - head.length - rule.length) + rule
    assert.strictEqual(whole.length, Robots.maxBytes)
    assert.isFalse(allowed(whole, "a", "/private"))
    const cut = head + fill(Robots.maxBytes - head.length - rule.length + 2) + rule
    assert.isTrue(allowed(cut, "a", "/private"))
    // "Disallow: /priva" must not stand for it
    assert.isTrue(allowed(cut, "a", "/priva"))
  })

  it("ignores comments, unknown records and blank lines within a group", () => {
    const file =
      "User-agent: a # one\nHost: h\n\n<br/>\n# Disallow: /x\n\tDISALLOW :\t/y # two\nSitemap: s\nDisallow:/z"
    assert.isTrue(allowed(file, "a", "/x"))
    assert.isFalse(allowed(file, "a", "/y"))
    assert.isFalse(allowed(file, "a", "/z"))
  })

  it("forgives a missing colon between two words only", () => {
    assert.isFalse(allowed("user-agent a\ndisallow /", "a", "/"))
    assert.isTrue(allowed("user-agent a\ndisallow / b", "a", "/"))
  })

  it("forgives the slips that Google's parser forgives", () => {
    for (const file of [
      "useragent: a\ndissallow: /",
      "user agent: a\ndisalow: /",
      "User-Agents: a\nDisallowed: /",
      "user-agent: a\ndiasllow /"
    ])
      assert.isFalse(allowed(file, "a", "/"), file)
    assert.isTrue(allowed("user-agent: a\ndisallowed: /\nallow : /x", "a", "/x"))
    assert.deepStrictEqual(Robots.parse("site-map: a\nsitemaps: b\nmap: c").sitemaps, ["a", "b"])
  })

  it("reads UTF-16 that says so", () => {
    const file = "\ufeffUser-agent: *\r\nDisallow: /ä"
    for (const bytes of [Buffer.from(file, "utf16le"), Buffer.from(file, "utf16le").swap16()]) {
      assert.isFalse(allowed(bytes, "a", "/%C3%A4"))
      assert.isTrue(allowed(bytes, "a", "/"))
    }
  })

  it("ignores rules before any name, and those for a name that is none", () => {
    assert.isTrue(allowed("disallow: /\nuser-agent: a\nallow: /x", "a", "/"))
    assert.isTrue(allowed("user-agent: a\nallow: /\nuser-agent: 123\ndisallow: /", "a", "/"))
  })

  it("keeps the bytes of a path that is no UTF-8", () => {
    const file = Buffer.from("user-agent: *\ndisallow: /\xe4\xa0\n", "latin1")
    assert.isFalse(allowed(file, "a", "/%E4%A0"))
    assert.isTrue(allowed(file, "a", "/%E4"))
  })

  it("lists sitemaps in order, whatever group they stand in", () => {
    const robots = Robots.parse("Sitemap: http://host/ä.xml\nuser-agent: *\nsitemap:/b\nSITEMAP:\ndisallow: /")
    assert.deepStrictEqual(robots.sitemaps, ["http://host/ä.xml", "/b"])
    assert.isFalse(Robots.decide(robots, "a", "http://host/").allowed)
  })

  it("takes any bytes", () => {
    const random = Randomness.make(7)
    const bytes = Uint8Array.from({ length: 20_000 }, () => Randomness.below(random, 256))
    assert.isTrue(allowed(bytes, "a", "/"))
    assert.isTrue(allowed("", "a", "/"))
    assert.isTrue(allowed(" ".repeat(Robots.maxBytes), "a", "/"))
  })

  it("costs no more than its length where thousands of names share thousands of rules", () => {
    const letters = "abcdefghijklmnopqrstuvwxyz"
    const name = (index: number) => Array.from(String(index), (digit) => letters[Number(digit)]).join("")
    const names = Array.from({ length: 10_000 }, (_, index) => `user-agent: ${name(index)}\n`).join("")
    const rules = Array.from({ length: 10_000 }, (_, index) => `disallow: /${index}$\n`).join("")
    const robots = Robots.parse(names + rules)
    assert.strictEqual(robots.groups.size, 10_000)
    assert.strictEqual(Robots.decide(robots, name(9_999), "/9999").rule?.line, 20_000)
  })
})

describe("decide", () => {
  it("obeys the crawler's own group, and * only without one", () => {
    const file = "user-agent: *\ndisallow: /\nuser-agent: simul\ndisallow: /x"
    assert.isTrue(allowed(file, "Simul", "/"))
    assert.isFalse(allowed(file, "SIMUL", "/x"))
    assert.isFalse(allowed(file, "simulator", "/y"))
    assert.isTrue(allowed("user-agent: simul\ndisallow: /", "other", "/"))
  })

  it("allows all to a group without rules", () => {
    assert.isTrue(allowed("user-agent: *\ndisallow: /\n\nuser-agent: simul", "simul", "/"))
    assert.isTrue(allowed("user-agent: *\ndisallow: /\n\nuser-agent: simul\ndisallow:", "simul", "/"))
  })

  it("closes the list of names with an empty rule", () => {
    const file = "user-agent: a\ndisallow:\nuser-agent: b\ndisallow: /"
    assert.isTrue(allowed(file, "a", "/"))
    assert.isFalse(allowed(file, "b", "/"))
  })

  it("merges groups of one name", () => {
    const file = "user-agent: a\ndisallow: /x\nuser-agent: b\ndisallow: /y\nuser-agent: A\ndisallow: /z"
    assert.deepStrictEqual(
      ["/x", "/y", "/z"].map((path) => allowed(file, "a", path)),
      [false, true, false]
    )
  })

  it("ends a name where a product token ends", () => {
    assert.isFalse(allowed("user-agent: simul/1.0 (x)\ndisallow: /", "simul", "/"))
    assert.isFalse(allowed("user-agent: * all\ndisallow: /", "simul", "/"))
    assert.isTrue(allowed("user-agent: *simul\ndisallow: /", "simul", "/"))
  })

  it("lets the longest match decide, and Allow where two are equal, in any order", () => {
    for (const lines of [
      ["allow: /p", "disallow: /p", "disallow: /p/x"],
      ["disallow: /p/x", "disallow: /p", "allow: /p"]
    ]) {
      const file = ["user-agent: *", ...lines].join("\n")
      assert.isTrue(allowed(file, "a", "/p"))
      assert.isFalse(allowed(file, "a", "/p/x"))
    }
  })

  it("always allows robots.txt", () => {
    assert.isTrue(allowed("user-agent: *\ndisallow: /", "a", "/robots.txt"))
    assert.isTrue(allowed("user-agent: *\ndisallow: /", "a", "/x/../robots.t%78t"))
    assert.isFalse(allowed("user-agent: *\ndisallow: /", "a", "/robots.txt2"))
  })

  it("judges the path that is requested, not its spelling", () => {
    const file = "user-agent: *\ndisallow: /private"
    assert.isFalse(allowed(file, "a", "/x/../private"))
    assert.isFalse(allowed(file, "a", "\\private"))
    assert.isFalse(allowed(file, "a", "/%70rivate"))
    assert.isFalse(Robots.decide(Robots.parse(file), "a", "/private?x").allowed)
    assert.isTrue(allowed(file, "a", "/#/private"))
    assert.isFalse(allowed("user-agent: *\ndisallow: /?", "a", "/?#x"))
    assert.isTrue(allowed("user-agent: *\ndisallow: /?", "a", "/#?"))
  })

  it("names the line that decided", () => {
    const robots = Robots.parse("User-Agent: *\nUser-Agent: Simul\n  Disallow: /ä # why\n")
    assert.deepStrictEqual(Robots.decide(robots, "simul", "http://host/ä"), {
      allowed: false,
      rule: { line: 3, text: "Disallow: /ä", group: "Simul" }
    })
    assert.strictEqual(Robots.decide(robots, "other", "http://host/ä").rule?.group, "*")
    assert.deepStrictEqual(Robots.decide(robots, "simul", "http://host/"), { allowed: true })
  })
})

describe("crawlDelaySeconds", () => {
  const delay = (file: string, token = "a") => Robots.groupFor(Robots.parse(file), token)?.crawlDelaySeconds

  it("is that of the crawler's group", () => {
    assert.strictEqual(delay("user-agent: *\ncrawl-delay: 2.5"), 2.5)
    assert.strictEqual(delay("user-agent: *\ndisallow:\ncrawl-delay: 2\nuser-agent: a\ndisallow:"), undefined)
    assert.strictEqual(delay("crawl-delay: 3\nuser-agent: a"), undefined)
  })

  it("is the largest of several", () => {
    assert.strictEqual(delay("user-agent: a\ncrawl-delay: 1\ncrawl-delay: 3\ncrawl-delay: 2"), 3)
    assert.strictEqual(delay("user-agent: a\ncrawl-delay: 3\ndisallow: /\nuser-agent: a\ncrawl-delay: 2"), 3)
  })

  it("is for the names before it, and does not part them from their rules", () => {
    const file = "user-agent: a\ncrawl-delay: 1\nuser-agent: b\ncrawl-delay: 2\ndisallow: /"
    assert.deepStrictEqual([delay(file), delay(file, "b")], [1, 2])
    assert.isFalse(allowed(file, "a", "/"))
    assert.isFalse(allowed(file, "b", "/"))
  })

  it("is the number of seconds that its value begins with, or nothing", () => {
    for (const value of ["", "-1", "NaN", "Infinity", ".", "soon"])
      assert.strictEqual(delay(`user-agent: a\ncrawl-delay: ${value}`), undefined, value)
    for (const [value, told] of [
      ["0", 0],
      ["5s", 5],
      ["10 seconds", 10],
      [".5", 0.5],
      ["2.", 2],
      ["1,5", 1]
    ] as const)
      assert.strictEqual(delay(`user-agent: a\ncrawl-delay: ${value}`), told, value)
    assert.strictEqual(delay(`user-agent: a\ncrawl-delay: ${"9".repeat(400)}`), 999_999_999)
  })

  it("quotes the line of the longest Crawl-delay", () => {
    const text = "User-agent: *\nCrawl-delay: 1\n crawl-delay : 5 # long\nCrawl-delay: 2\n\nUser-agent: a\nDisallow: /"
    const robots = Robots.parse(text)
    assert.deepStrictEqual(Robots.groupFor(robots, "b")!.crawlDelayLine, { line: 3, text: "crawl-delay : 5" })
    assert.isUndefined(Robots.groupFor(robots, "a")!.crawlDelayLine)
  })
})
