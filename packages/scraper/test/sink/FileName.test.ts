import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as FileName from "../../src/sink/FileName.ts"
import * as Url from "../../src/Url.ts"

const name = (url: string): string => FileName.fromUrl(url)

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

const hosts = [
  ...words(
    "h H h.example h:80 h:443 h:8080 h+80 h+443s h. [::1] [::1]:80 con aux.h a*b xn--bcher-kva.h u:p@h u@h -h _h"
  ),
  `${"x".repeat(190)}.h`
]

const pieces = [
  ...words(
    "a A b k i é É ß ss ſ ﬀ ı İ σ ς Σ 日本 한 . .. ... - _ _. ~ ~1 ~abcdefghijkl + @ ? ?? = & : * | < ' ` \" \\"
  ),
  ...words(
    "%C3%A9 %c3%a9 %E9 %F0%9F%98%80 %E2%80%AE %ED%A0%80 %FF %00 %0A %2F %2f %5C %3A %41 %61 %2E %25 %2541 %zz % %20"
  ),
  ...words(
    ".html .HTML .data .dir .dir.data .data.dir .tar.gz .php .7z .123 .ſvg index index.html / // /a /a/ /.simul/ /.git/"
  ),
  ...words("con CON aux. nul.txt com1 com¹ lpt9 conin$"),
  ...Array.from("\u202e\u200d\u00ad\u2025\uff0f\u{e0041}\u212a "),
  "e\u0301",
  "\u1112\u1161",
  ".\uff48tml",
  "x".repeat(100),
  "é".repeat(60),
  "/d".repeat(20)
]

/** URLs made to share a file, normalised and each once. */
const urls = (seed: number, count: number): ReadonlyArray<string> => {
  const next = Randomness.make(seed)
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(next() * from.length)]!
  const found = new Set<string>()
  while (found.size < count) {
    let text = `${pick(["http", "https"])}://${next() < 0.7 ? "h" : pick(hosts)}/`
    for (let length = Math.floor(next() * next() * 12); length > 0; length--) text += pick(pieces)
    const url = Url.parse(text)
    if (typeof url === "string") found.add(url)
  }
  return [...found]
}

/** What file systems may take for the same name. */
const keys: Readonly<Record<string, (text: string) => string>> = {
  "upper case": (text) => text.toUpperCase(),
  "lower case": (text) => text.toLowerCase(),
  "canonical caseless": (text) => text.normalize("NFD").toUpperCase().toLowerCase().normalize("NFD"),
  "compatible caseless": (text) =>
    text.normalize("NFKD").toUpperCase().normalize("NFKD").toLowerCase().normalize("NFKC")
}

const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$) *(?:\.|$)/i
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u

const isSafe = (segment: string): boolean =>
  !/^(?:$|[. -])|[. ]$|["*/:<>?\\|]/.test(segment) &&
  !invisible.test(segment) &&
  !device.test(segment) &&
  // a short name of Windows
  !/^.{0,6}~\d+(?:\..{0,3})?$/.test(segment) &&
  // nothing dangerous comes out of compatible normalisation either
  !/["*/:<>?\\|]|^\.|\.$/.test(segment.normalize("NFKC")) &&
  Buffer.byteLength(segment) <= 200

/** The paths that have an unsafe segment. */
const unsafe = (paths: Iterable<string>): ReadonlyArray<string> =>
  [...paths].filter((path) => !path.split("/").every(isSafe))

/** Hides the hash. */
const mask = (path: string): string => path.replace(/~[a-z2-7]{12}(?=\.|$)/, "~")

describe("fromUrl", () => {
  it("is host and path where nothing is in the way", () => {
    assert.strictEqual(name("https://example.com/docs/page.html"), "example.com/docs/page.html")
    assert.strictEqual(name("https://example.com/"), "example.com/index.html")
    assert.strictEqual(name("https://example.com/docs/"), "example.com/docs/index.html")
    assert.strictEqual(name("https://example.com/docs"), "example.com/docs.data")
    assert.strictEqual(name("https://example.com/~user/a.b.c/x.7z"), "example.com/~user/a.b.c.dir/x.7z")
  })

  it("tells schemes and ports apart", () => {
    assert.strictEqual(name("http://h/"), "h+80/index.html")
    assert.strictEqual(name("http://h:8080/"), "h+8080/index.html")
    assert.strictEqual(name("http://h:443/"), "h+443/index.html")
    assert.strictEqual(name("https://h:8443/"), "h+8443s/index.html")
    assert.strictEqual(name("https://h:80/"), "h+80s/index.html")
    assert.strictEqual(name("http://[2001:db8::1]:8080/"), "[2001-db8--1]+8080/index.html")
  })

  it("puts the query before the extension", () => {
    assert.strictEqual(name("https://h/x.php?a=b&c=d"), "h/x@a=b&c=d.php")
    assert.strictEqual(name("https://h/?q=1"), "h/index@q=1.html")
    assert.strictEqual(name("https://h/search?q=cats.html"), "h/search@q=cats.html.data")
    assert.strictEqual(name("https://h/x?"), "h/x@.data")
    assert.strictEqual(name("https://h/x?m=a@b"), "h/x@m=a@b.data")
  })

  it("decodes what can be read and keeps other escapes", () => {
    assert.strictEqual(
      name("https://h/caf%C3%A9/%E6%97%A5%E6%9C%AC%20a.html?x=%F0%9F%98%80"),
      "h/café/日本 a@x=😀.html"
    )
    assert.strictEqual(name("https://h/a%2Fb%00%E9%E2%80%AE"), "h/a%2fb%00%e9%e2%80%ae.data")
    assert.strictEqual(name("https://h/%20a%20/%20b"), "h/%20a%20/%20b.data")
    assert.strictEqual(name("https://h/%252f%25%zz%"), "h/%252f%25%zz%.data")
  })

  it("keeps clear of hidden names, options and devices", () => {
    assert.strictEqual(name("https://h/.well-known/security.txt"), "h/_.well-known/security.txt")
    assert.strictEqual(name("https://h/.git/config"), "h/_.git.dir/config.data")
    assert.strictEqual(name("https://h/-rf/-"), "h/_-rf/_-.data")
    assert.strictEqual(name("https://h/aux/con.txt"), "h/_aux/_con.txt")
    assert.strictEqual(name("https://con/"), "_con/index.html")
  })

  it("adds a hash where the name alone would not do, and keeps it readable", () => {
    for (const [url, expected] of [
      ["https://h/README.md", /^h\/README~[a-z2-7]{12}\.md$/],
      ["https://h/%C3%89cole", /^h\/École~[a-z2-7]{12}\.data$/],
      ["https://h/Special:Search?u=http://a/", /^h\/Special_Search@u=http___a_~[a-z2-7]{12}\.data$/],
      ["https://u:p@h/a.html", /^h\/a~[a-z2-7]{12}\.html$/],
      ["https://h/index.html", /^h\/index~[a-z2-7]{12}\.html$/],
      ["https://h/a.data", /^h\/a~[a-z2-7]{12}\.data$/],
      ["https://h/a//b", /^h\/a\/_\/b~[a-z2-7]{12}\.data$/],
      ["https://h/a%2fb", /^h\/a%2fb~[a-z2-7]{12}\.data$/],
      ["https://h/logo@2x.png", /^h\/logo@2x~[a-z2-7]{12}\.png$/],
      ["https://h./a./", /^h_\/a_\/index~[a-z2-7]{12}\.html$/],
      ["https://h/_.a", /^h\/_~[a-z2-7]{12}\.a$/],
      ["https://h/x~abcdefghijkl.html", /^h\/x~abcdefghijkl~[a-z2-7]{12}\.html$/],
      ["https://h/longna~1.htm", /^h\/longna-1~[a-z2-7]{12}\.htm$/]
    ] as const) {
      assert.match(name(url), expected)
    }
  })

  it("takes 60 bits of SHA-256 for the hash", () => {
    // printf %s https://h/README.md | sha256sum | cut -c-16 | xxd -r -p | base32 | cut -c-12
    assert.strictEqual(name("https://h/README.md"), "h/README~tifc2i2pjjnn.md")
  })

  it("bounds a segment, the depth and the whole", () => {
    assert.match(name(`https://h/${"x".repeat(5000)}.html`), /^h\/x{170}~[a-z2-7]{12}\.html$/)
    assert.match(name(`https://h/a.html?${"x".repeat(100_000)}`), /^h\/a@x{168}~[a-z2-7]{12}\.html$/)
    assert.strictEqual(name(`https://h/${"d/".repeat(31)}x`), `h/${"d/".repeat(31)}x.data`)
    assert.match(name(`https://h/${"d/".repeat(32)}x`), /^h\/(d\/){31}x~[a-z2-7]{12}\.data$/)
    assert.isAtMost(Buffer.byteLength(name(`https://h/${"%C3%A9".repeat(90).concat("/").repeat(30)}x`)), 900)
    assert.match(name(`https://h/${"%E6%97%A5".repeat(80)}`), /^h\/日{56}~[a-z2-7]{12}\.data$/)
  })

  it("gives no two URLs a file, on no file system, and no URL a directory for a file", () => {
    const seed = 20262
    const found: Array<string> = []
    for (const [kind, key] of Object.entries(keys)) {
      const files = new Map<string, string>()
      const directories = new Map<string, string>()
      for (const url of urls(seed, 20_000)) {
        const path = key(name(url))
        if (files.has(path)) found.push(`${kind}: ${url} and ${files.get(path)}`)
        files.set(path, url)
        for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
          directories.set(path.slice(0, slash), url)
        }
      }
      for (const [path, url] of files) {
        if (directories.has(path)) found.push(`${kind}: ${url} is a directory of ${directories.get(path)}`)
      }
    }
    assert.deepStrictEqual(found, [], `seed ${seed}`)
  })

  it("gives every URL a safe name", () => {
    const seed = 20263
    const paths = urls(seed, 20_000).map(name)
    assert.deepStrictEqual(unsafe(paths), [], `seed ${seed}`)
    const large = paths.filter((path) => Buffer.byteLength(path) > 900 || path.split("/").length > 33)
    assert.deepStrictEqual(large, [], `seed ${seed}`)
    assert.isTrue(paths.every((path) => path.includes("/")))
    // both ways were taken, and the bounds were reached
    const hashes = paths.filter((path) => path !== mask(path)).length
    assert.isAbove(hashes, 2000)
    assert.isAbove(paths.length - hashes, 2000)
    assert.isTrue(paths.some((path) => path.split("/").length === 33))
  })

  it("names a plain URL as it names one that is not", () => {
    const seed = 20264
    const next = Randomness.make(seed)
    const pick = (from: ReadonlyArray<string>): string => from[Math.floor(next() * from.length)]!
    for (let index = 0; index < 20_000; index++) {
      const host = pick(["h", "a.example", "127.0.0.1", "h-1.h", "con", "con.h", "h+1"])
      let url = `${pick(["http", "https"])}://${host}${pick(["", "", ":8080", ":1"])}/`
      for (let length = Math.floor(next() * 4); length > 0; length--) {
        url += `${pick(["a", "aux", "aux-", "com1", "b_c", "_d", "0", "index", "v1.2", "x.dir", "a.b", "-"])}/`
      }
      url += pick([
        "",
        ...words("a 1 page.html index.html index.htm index con nul.txt x.7z x.data x.dir a.b.c a.1 _a.b")
      ])
      // a long directory takes it out of the plain way
      const [origin = ""] = /^https?:\/\/[^/]*\//.exec(url)!
      const long = `${"x".repeat(150)}/`
      const general = name(origin + long + url.slice(origin.length)).replace(long, "")
      assert.strictEqual(mask(name(url)), mask(general), `seed ${seed}, ${url}`)
    }
  })

  it("makes a safe name of any text", () => {
    const texts = ["", "/", "..", "../../etc/passwd", "http://", "http://h", "http:///../x", "file:///etc/passwd"]
    const paths = [...texts, "\ud800", "http://\ud800/\udc00\n", "http://h/\u202e/é"].map(name)
    assert.deepStrictEqual(unsafe(paths), [])
    for (const path of paths) assert.match(path, /\/.*~[a-z2-7]{12}\.[a-z]+$/)
  })
})

describe("flat", () => {
  it("is the last segment and the query", () => {
    for (const [url, plain] of [
      ["https://h/a/page.html", "page.html"],
      ["https://h/a/README.md", "README.md"],
      ["https://h/x.php?a=b", "x@a=b.php"],
      ["https://h/a/1", "1"],
      ["https://h/a/", "index.html"],
      ["https://h/.simul", "_.simul"],
      ["https://h/aux", "_aux"],
      ["https://h/a.", "a_"],
      ["https://h/simul.json", "_simul.json"],
      ["https://h/SIMUL-00000.WARC.gz", "_SIMUL-00000.WARC.gz"],
      ["https://h/mirror", "_mirror"],
      ["https://h/mirror.html", "mirror.html"],
      ["https://h/..%2F..%2Fetc%2Fpasswd", "_..%2f..%2fetc%2fpasswd"]
    ] as const) {
      assert.strictEqual(FileName.flat(url).plain, plain)
    }
  })

  it("has a unique form with the hash before the extension", () => {
    assert.match(FileName.flat("https://h/a/page.html").unique, /^page~[a-z2-7]{12}\.html$/)
    assert.match(FileName.flat("https://h/a/1").unique, /^1~[a-z2-7]{12}$/)
  })

  it("gives no URL the unique name of another, on no file system", () => {
    for (let page = 0; page < 20; page++) {
      const { unique } = FileName.flat(`https://h/page${page}.html`)
      assert.notStrictEqual(FileName.flat(`https://h/${unique}`).plain, unique)
    }
    const seed = 20265
    const found: Array<string> = []
    const all = urls(seed, 5_000)
    for (const [kind, key] of Object.entries(keys)) {
      const owners = new Map(all.map((url) => [key(FileName.flat(url).unique), url]))
      assert.strictEqual(owners.size, all.length, `seed ${seed}, ${kind}`)
      for (const url of all) {
        const owner = owners.get(key(FileName.flat(url).plain))
        if (owner !== undefined && owner !== url) found.push(`${kind}: ${url} and ${owner}`)
      }
    }
    assert.deepStrictEqual(found, [], `seed ${seed}`)
  })

  it("is safe", () => {
    const seed = 20266
    const names = urls(seed, 5_000).flatMap((url) => Object.values(FileName.flat(url)))
    assert.deepStrictEqual(unsafe(names), [], `seed ${seed}`)
  })
})

describe("fromServer", () => {
  it("keeps a name that is safe", () => {
    for (const given of ["a.txt", "Résumé final (2).pdf", "日本.html", "archive.tar.gz", "a~b", "1"]) {
      assert.strictEqual(FileName.fromServer(given), given)
    }
  })

  it("makes others safe", () => {
    for (const [given, expected] of [
      ["/etc/passwd", "passwd"],
      ["../../x.html", "x.html"],
      ["..\\..\\x.exe", "x.exe"],
      ["C:\\x\\y.txt", "y.txt"],
      ["C:y.txt", "C_y.txt"],
      ["file.txt:stream", "file.txt_stream"],
      [".bashrc", "_bashrc"],
      ["...a", "_a"],
      [".simul", "_simul"],
      ["-rf", "_-rf"],
      ["CON", "_CON"],
      ["aux.txt", "_aux.txt"],
      ["a. . .", "a"],
      ["  a b  ", "a b"],
      ["a\u202egpj.exe", "agpj.exe"],
      ["a\0\n\u200db\u00a0c", "ab c"],
      ["a\u0308.txt", "ä.txt"],
      ["\uff0fa", "_a"],
      ["\ud800a\u{f0000}", "a"],
      ["longna~1.htm", "longna-1.htm"],
      ["simul.json", "_simul.json"],
      ["\u017fimul.json", "_\u017fimul.json"],
      ["simul-00000.warc.gz", "_simul-00000.warc.gz"],
      ["index.cdxj", "_index.cdxj"],
      ["simul.wacz", "_simul.wacz"]
    ] as const) {
      assert.strictEqual(FileName.fromServer(given), expected, JSON.stringify(given))
    }
  })

  it("gives nothing where nothing is left", () => {
    for (const given of ["", " ", ".", "..", "...", "a/", "a\\", "\u202e", "\0", "???", "_", "\uff0e\uff0e", "-"]) {
      assert.isUndefined(FileName.fromServer(given), JSON.stringify(given))
    }
  })

  it("cuts a long name and keeps its extension", () => {
    const cut = FileName.fromServer(`${"日".repeat(400)}.pdf`)!
    assert.match(cut, /^日+\.pdf$/)
    assert.isAtMost(Buffer.byteLength(cut), 200)
    assert.isAbove(Buffer.byteLength(cut), 190)
  })

  it("cannot suggest the unique name of a URL", () => {
    for (const given of [FileName.flat("https://h/page.html").unique, "a~ABCDEFGHIJKL", "a~\u212abcdefghijkl.x"]) {
      for (const key of Object.values(keys))
        assert.notMatch(key(FileName.fromServer(given)!).toLowerCase(), /~[a-z2-7]{12}/)
    }
  })

  it("gives a safe name for any text, in time proportional to its length", () => {
    const seed = 20267
    const next = Randomness.make(seed)
    const nasty = [...pieces, "\ud800", "\u0300", "\u3000", "\u{1f600}", "\0", ". ", "~2"]
    const texts = [".", " ", ". ", "~", "a.", "\u0300", "%"].map((piece) => `${piece.repeat(500_000)}x`)
    for (let index = 0; index < 5_000; index++) {
      let text = ""
      for (let length = next() * 8; length > 0; length--) text += nasty[Math.floor(next() * nasty.length)]
      texts.push(text)
    }
    const names = texts.map(FileName.fromServer).filter((safe) => safe !== undefined)
    assert.isAbove(names.length, 3000)
    assert.isTrue(names.every((safe) => !safe.includes("/")))
    assert.deepStrictEqual(unsafe(names), [], `seed ${seed}`)
    assert.deepStrictEqual(unsafe(names.map((safe) => FileName.withHash(safe, "https://h/"))), [], `seed ${seed}`)
  })
})

describe("withHash", () => {
  it("puts the hash of the URL before the extension", () => {
    assert.match(FileName.withHash("report.pdf", "https://h/1"), /^report~[a-z2-7]{12}\.pdf$/)
    assert.match(FileName.withHash("report", "https://h/1"), /^report~[a-z2-7]{12}$/)
    assert.notStrictEqual(FileName.withHash("a", "https://h/1"), FileName.withHash("a", "https://h/2"))
    assert.isAtMost(FileName.withHash("x".repeat(200), "https://h/1").length, 200)
  })
})
