/**
 * Names of files for URLs: host, directories and a file, as in
 * `example.com/docs/page.html`. A name is a pure function of its URL, so the
 * same list finds the same files again without any record of them.
 *
 * | URL | file |
 * |---|---|
 * | `https://h/a/page.html` | `h/a/page.html` |
 * | `http://h/a/`, `https://h:8443/` | `h+80/a/index.html`, `h+8443s/index.html` |
 * | `https://h/search?q=a%20b` | `h/search@q=a b.data` |
 * | `https://h/v1.zip/x.php?a=b` | `h/v1.zip.dir/x@a=b.php` |
 * | `https://h/.well-known/aux` | `h/_.well-known/_aux.data` |
 * | `https://h/README.md` | `h/README~tifc2i2pjjnn.md` |
 *
 * A readable name is made first. `toUrl` reads a URL back out of it; where that
 * is the URL asked for, and the name is its own case folding, it is the name.
 * Everywhere else a hash of the URL goes before the extension.
 *
 * 1. Two URLs never share a file, also where the file system ignores case or
 *    normalises Unicode. Names without a hash: a file system that takes two of
 *    them for one takes them for names with the same `fold`; both are their own
 *    `fold`, so they are equal, and `toUrl` gives the one URL of both. A name
 *    with a hash and one without: the first holds `~` and twelve characters of
 *    base32 which no folding changes, the second holds no such thing. Names with
 *    a hash: equal only if their hashes are, 60 bits of SHA-256, and host,
 *    directories and readable part besides.
 * 2. No URL's file is another's directory. A file always ends in an extension,
 *    `.data` where the URL has none; a directory that would, even after folding,
 *    gets `.dir`, which is not counted as an extension; the first directory is a
 *    host, and no file is that high.
 * 3. A name leads nowhere else and harms no one: relative, no empty, `.` or `..`
 *    segment, no leading dot (nothing is hidden, `.simul` and `.git` are out of
 *    reach) or dash (nothing looks like an option), no host `mirror` (a mirror
 *    lies there, see `MirrorTree.ts`), no trailing dot or space, no
 *    device of Windows nor a short name of it (`LONGNA~1`), only visible ASCII
 *    and `PrintableCharacter`s.
 * 4. A segment has at most 200 bytes of UTF-8, a name 900 and 32 directories.
 */
import { hash } from "node:crypto"
import { isPrintable } from "./PrintableCharacter.ts"

const maxSegmentBytes = 200
const maxDirectories = 32
const maxDirectoriesBytes = 700
/** Leaves room in a segment for a guard, escaped blanks and `.dir`. */
const maxDirectoryBytes = 190
/** Leaves room in a segment for a guard, an escaped blank, a hash and an extension. */
const maxStemBytes = 170

const extension = /\.(?!dir$)(?=[a-z0-9]*[a-z])[a-z0-9]{1,10}$/i
const hashed = /~[a-z2-7]{12}/
const notAscii = /[^\0-\x7f]/

/**
 * Equal for names that one file system may take for the same: they differ in case or in normalisation only. Down, up and
 * down: U+1E9E has a lower case only.
 */
export const fold = (text: string): string =>
  notAscii.test(text)
    ? text.normalize("NFKD").toLowerCase().toUpperCase().toLowerCase().normalize("NFKC")
    : text.toLowerCase()

/** Can the segment, on any file system, be the name of a file here? */
const isFile = (segment: string): boolean => extension.test(segment) || extension.test(fold(segment))

/** Segments that get a `_` before them: hidden ones, would-be options, devices of Windows. */
const guarded = /^(?:[.-]|(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$) *(?:\.|$))/i
const guard = (segment: string): string => (guarded.test(segment) ? `_${segment}` : segment)
const unguard = (segment: string): string =>
  segment.startsWith("_") && guarded.test(segment.slice(1)) ? segment.slice(1) : segment

/**
 * Names that a run, or a person, keeps in the directory itself: archives, their
 * index and package, the mirror, and the settings that a run there obeys.
 */
const ours = /^(?:simul\.json|simul\.wacz|simul-\d+\.warc\.gz|index\.cdxj|mirror)$/
/** For names without directories. */
const guardFlat = (name: string): string => (ours.test(fold(name)) ? `_${name}` : guard(name))

/** The same for hosts; and there is a folder of this name that is none. */
const guardHost = (host: string): string => (host === "mirror" ? "_mirror" : guard(host))
const unguardHost = (name: string): string => (name === "_mirror" ? "mirror" : unguard(name))

/** The longest beginning of whole characters, and whole escapes, that has at most `maxBytes` bytes of UTF-8. */
const cut = (text: string, maxBytes: number): string => {
  if (text.length * 3 <= maxBytes) return text
  let bytes = 0
  let length = 0
  for (const character of text) {
    const codePoint = character.codePointAt(0)!
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4
    if (bytes > maxBytes) return text.slice(0, length).replace(/%[0-9a-f]?$/, "")
    length += character.length
  }
  return text
}

/** 60 bits of SHA-256 in the alphabet of RFC 4648 6, lower case. */
const digest = (url: string): string => {
  const bytes = hash("sha256", url, "buffer")
  let text = ""
  for (let bit = 0; bit < 60; bit += 5) {
    text += "abcdefghijklmnopqrstuvwxyz234567"[(bytes.readUInt16BE(bit >> 3) >> (11 - (bit & 7))) & 31]
  }
  return text
}

// what is left out of names by every file system that matters
const unsafe = /["*/:<>?\\|]|[^ -~]/g
// a well-formed sequence of UTF-8 first, then a single byte
const escape =
  /%(?:c[2-9a-f]|d[0-9a-f])%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}|%f[0-4](?:%[89ab][0-9a-f]){3}|%[0-9a-f]{2}/gi

const decodeEscape = (text: string): string => {
  if (text === "%20") return " "
  if (text.length > 3) {
    try {
      const character = decodeURIComponent(text)
      if (isPrintable(character)) return character
    } catch {
      // overlong, a surrogate or beyond Unicode: stays escaped
    }
  }
  return text.toLowerCase()
}

/**
 * A part of a URL as part of a name. Escapes of blanks and printable characters
 * are decoded; the others stay, in lower case, which `encode` undoes. Characters
 * that names cannot have become `_`, which nothing undoes.
 */
const readable = (part: string): string => {
  // longer parts are cut anyway: 200 bytes of a name are at most 600 of a URL
  const text = (part.length > 1000 ? part.slice(0, 1000) : part).replace(unsafe, "_")
  return (text.includes("%") ? text.replace(escape, decodeEscape) : text).replace(/~(?=\d)/g, "-")
}

const encode = (part: string): string =>
  part
    .replace(/%[0-9a-f]{2}/g, (text) => text.toUpperCase())
    .replace(/ /g, "%20")
    .replace(/[^ -~]+/g, encodeURIComponent)

/** Dots and blanks at the end of a segment, which Windows drops, and a blank at its beginning. */
const trimmed = (segment: string): string =>
  segment
    .replace(/^ /, "%20")
    .replace(/ $/, "%20")
    .replace(/\.+$/, (dots) => "_".repeat(dots.length))

const directory = (part: string): string => {
  const name = guard(trimmed(cut(readable(part) || "_", maxDirectoryBytes)))
  return isFile(name) ? `${name}.dir` : name
}

/** A URL taken apart; nothing of its credentials. */
interface Parts {
  readonly host: string
  readonly directories: ReadonlyArray<string>
  /** The last segment, extension excluded, and the query after an `@`. */
  readonly stem: string
  /** With its dot; empty where the URL has none. */
  readonly extension: string
}

const shape = /^(https?):\/\/(?:[^/?#@]*@)?(\[[^/?#@\]]*\]|[^/?#@:[\]]*)(?::(\d+))?(\/[^?#]*)(?:\?([^#]*))?$/

const split = (url: string): Parts => {
  // what is no URL gets a safe name as well; a hash tells it from others
  const [, scheme = "https", name = "", port, path = "/", query] = shape.exec(url) ?? []
  const host = name.startsWith("[") ? name.replaceAll(":", "-") : name
  const suffix = scheme === "https" ? (port === undefined ? "" : `+${port}s`) : `+${port ?? "80"}`
  const segments = path.slice(1).split("/", maxDirectories + 1)
  const last = path.slice(path.lastIndexOf("/") + 1)
  const ending = last === "" ? ".html" : (extension.exec(last)?.[0] ?? "")
  const base = last === "" ? "index" : readable(last.slice(0, last.length - ending.length))
  return {
    host: `${host}${suffix}`,
    directories: segments.slice(0, -1),
    stem: cut(query === undefined ? base : `${base}@${readable(query)}`, maxStemBytes).replace(/^ /, "%20"),
    extension: ending
  }
}

/** The directories that fit, each with its `/`. */
const directoriesOf = ({ directories, host }: Parts): string => {
  let path = `${guardHost(trimmed(cut(readable(host) || "_", maxDirectoryBytes)))}/`
  let bytes = maxSegmentBytes
  for (const part of directories.slice(0, maxDirectories - 1)) {
    const name = directory(part)
    bytes += Buffer.byteLength(name) + 1
    if (bytes > maxDirectoriesBytes) break
    path += `${name}/`
  }
  return path
}

/** Whether a hash of its URL may be in a name. */
export const isHashed = (name: string): boolean => hashed.test(name)

/** The inverse of a readable name. For a name that was not made from a URL without loss it is some other text. */
export const toUrl = (name: string): string => {
  const segments = name.split("/")
  const file = unguard(segments.pop()!)
  const address = unguardHost(segments.shift()!)
  const port = /\+(\d+)(s?)$/.exec(address)
  const host = address.slice(0, port?.index)
  const scheme = port === null || port[2] === "s" ? "https" : "http"
  const authority =
    (host.startsWith("[") ? host.replaceAll("-", ":") : host) +
    (port === null || (scheme === "http" && port[1] === "80") ? "" : `:${port[1]}`)
  const path = segments.map((segment) => {
    const bare = segment.endsWith(".dir") && isFile(segment.slice(0, -4)) ? segment.slice(0, -4) : segment
    return `${encode(unguard(bare))}/`
  })
  const ending = extension.exec(file)?.[0] ?? ""
  const [base = "", ...query] = file.slice(0, file.length - ending.length).split("@")
  const last =
    base === "index" && ending === ".html" ? "" : ending === ".data" && !extension.test(base) ? base : base + ending
  return `${scheme}://${authority}/${path.join("")}${encode(last)}${query.length === 0 ? "" : `?${encode(query.join("@"))}`}`
}

/**
 * URLs whose name is host and path as they stand: lower case, no query, nothing
 * to escape or to guard. It must agree with the general way and is ten times as
 * fast.
 */
const plain = (() => {
  const device = String.raw`(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$))`
  const segment = `${device}[a-z0-9][a-z0-9_-]*`
  const host = String.raw`${device}[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*`
  const port = String.raw`(?!:80/|:443/)(?::\d+)?`
  const file = String.raw`(?!index\.html$)${segment}(?:\.(?!data$|dir$)[a-z][a-z0-9]{0,9})?`
  return new RegExp(`^https?://(?!mirror/)${host}${port}(?:/${segment}){0,20}/(?:${file})?$`)
})()

const fromPlainUrl = (url: string): string | undefined => {
  // every bound holds for a name of this length
  if (url.length > 150 || !plain.test(url)) return undefined
  // cut here: the groups of a match would be an array of seven for each URL
  const start = url.indexOf("//") + 2
  const slash = url.indexOf("/", start)
  const colon = url.indexOf(":", start)
  const isSecure = url.startsWith("https")
  const host = url.slice(start, colon === -1 ? slash : colon)
  const port = colon === -1 ? (isSecure ? "" : "+80") : `+${url.slice(colon + 1, slash)}${isSecure ? "s" : ""}`
  const path = url.slice(slash)
  return host + port + path + (path.endsWith("/") ? "index.html" : path.includes(".") ? "" : ".data")
}

/**
 * Names the file of a URL, relative, `/` between segments.
 *
 * @param url as `Url.parse` gives it; for other text the name is safe, no more
 */
export const fromUrl = (url: string): string => {
  const short = fromPlainUrl(url)
  if (short !== undefined) return short
  const parts = split(url)
  const path = directoriesOf(parts)
  const ending = parts.extension || ".data"
  const name = path + guard(parts.stem + ending)
  return !hashed.test(name) && fold(name) === name && toUrl(name) === url
    ? name
    : path + guard(`${parts.stem || "_"}~${digest(url)}${ending}`)
}

/**
 * Names the file of a URL without directories: its last segment and query. No
 * name that the directory itself needs.
 *
 * `plain` is what one expects and may be another URL's as well, in its own case
 * or another; `unique` has the hash and is no other URL's `unique` or `plain`.
 */
export const flat = (url: string): { readonly plain: string; readonly unique: string } => {
  const parts = split(url)
  const name = guardFlat(trimmed((parts.stem || "_") + parts.extension))
  const unique = withHash(name, url)
  return { plain: hashed.test(fold(name)) ? unique : name, unique }
}

/** Puts the hash of the URL before the extension of a name that is safe already. */
export const withHash = (name: string, url: string): string => {
  const ending = extension.exec(name)?.[0] ?? ""
  return guard(`${cut(name.slice(0, name.length - ending.length), maxStemBytes)}~${digest(url)}${ending}`)
}

/**
 * Makes a safe name of one that a server suggests: what comes after its last
 * slash or backslash, without invisible characters, with `_` for those that
 * names cannot have and for leading dots, at most 200 bytes, the extension kept.
 * `undefined` where nothing of it remains. It says nothing about uniqueness;
 * never the `unique` name of a URL.
 */
export const fromServer = (name: string): string | undefined => {
  const visible = name
    .slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1)
    .normalize("NFC")
    .replace(/\p{Zs}/gu, " ")
    .replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, "")
    .replace(/[^ -~]/gu, (character) => (isPrintable(character) ? character : "_"))
    .replace(/["*:<>?|]/g, "_")
    .trim()
    // the look-behind keeps this linear
    .replace(/(?<![. ])[. ]+$/, "")
    .replace(/^\.+/, "_")
    .replace(/~(?=\d)/g, "-")
  const whole = hashed.test(fold(visible)) ? visible.replaceAll("~", "-") : visible
  const ending = extension.exec(whole)?.[0] ?? ""
  const stem = cut(whole.slice(0, whole.length - ending.length), maxSegmentBytes - 1 - ending.length)
  return /^[_. -]*$/.test(stem + ending) ? undefined : guardFlat(trimmed(stem + ending))
}
