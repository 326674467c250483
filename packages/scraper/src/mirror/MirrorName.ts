/**
 * Names of files in a mirror: those of `sink/FileName.ts`, with the extension by
 * which a browser, that has no Content-Type to go by, takes a file for what it is.
 *
 * | URL | Content-Type | saved as | in the mirror |
 * |---|---|---|---|
 * | `/about` | text/html | `about.data` | `about.html` |
 * | `/page.php?id=1` | text/html | `page@id=1.php` | `page@id=1.php.html` |
 * | `/style.css?v=2` | text/css | `style@v=2.css` | `style@v=2.css` |
 * | `/logo.png` | image/webp | `logo.png` | `logo.png` |
 *
 * Two URLs may want one name, `/about` and `/about.html`: but never three, and
 * one of them, the `rival`, has it by itself.
 *
 * - A name of the mirror without a hash is either a saved name (its URL is
 *   `FileName.toUrl` of it), or `S.x` with an extension put on. Then the saved name
 *   was `S` if `S` has an extension, `S.data` if not; so it is one, of one URL.
 * - A name with a hash is of the URL of that hash.
 */
import mime from "mime/lite"
import * as ContentType from "../ContentType.ts"
import * as FileName from "../sink/FileName.ts"

export interface MirrorName {
  readonly name: string
  /** If this URL is in the mirror too, the name is that one's, and `unique` is the name of this one. */
  readonly rival?: { readonly url: string; readonly unique: string }
}

const extensionOf = (name: string): string => /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase() ?? ""

/** What browsers run or lay out, and take for it by its extension alone. */
const decisive: Readonly<Record<string, ReadonlyArray<string>>> = {
  "text/html": ["html", "htm"],
  "application/xhtml+xml": ["xhtml", "xht"],
  "text/css": ["css"],
  "text/javascript": ["js", "mjs"],
  "image/svg+xml": ["svg"]
}
const isDecisive = new Set(Object.values(decisive).flat())
const script = /^(?:text|application)\/(?:x-)?(?:java|ecma)script$/

/** The extension to put on a name; `undefined` where it may stay as it is. */
const missing = (name: string, contentType: string): string | undefined => {
  const named = ContentType.essence(contentType)
  const type = script.test(named) ? "text/javascript" : named
  const extension = extensionOf(name)
  const allowed = decisive[type]
  if (allowed !== undefined) return allowed.includes(extension) ? undefined : allowed[0]
  // said of anything by servers that do not know better
  if (type === "text/plain") return isDecisive.has(extension) ? "txt" : undefined
  const usual = /[/+](xml|json)$/.exec(type)?.[1] ?? mime.getExtension(type)
  if (usual === null || usual === "" || type === "application/octet-stream") return undefined
  if (extension === usual || mime.getAllExtensions(type)?.has(extension) === true) return undefined
  // these are told by their bytes
  const kin = /^(?:image|audio|video|font)\//.exec(type)?.[0]
  const isKin = kin !== undefined && !isDecisive.has(extension) && mime.getType(extension)?.startsWith(kin) === true
  return isKin ? undefined : usual
}

/**
 * Names the file of a saved body, relative to the mirror, `/` between segments.
 *
 * @param contentType as it was sent; empty where nobody knows
 */
export const of = (url: string, contentType: string): MirrorName => {
  const saved = FileName.fromUrl(url)
  const put = missing(saved, contentType)
  if (put === undefined) return { name: saved }
  const bare = saved.slice(0, -".data".length)
  const isAdded = saved.endsWith(".data") && !new URL(url).pathname.endsWith(".data") && extensionOf(bare) === ""
  const stem = isAdded ? bare : saved
  const name = `${stem}.${put}`
  const rival = FileName.toUrl(name)
  if (rival === url || !URL.canParse(rival) || FileName.fromUrl(rival) !== name) return { name }
  const file = stem.lastIndexOf("/") + 1
  return {
    name,
    rival: { url: rival, unique: `${stem.slice(0, file)}${FileName.withHash(stem.slice(file), url)}.${put}` }
  }
}

/** What a saved file is, where nobody said: by the extension of its name, else by how it begins. */
export const typeOf = (name: string, start: () => string): string => {
  const extension = extensionOf(name)
  const named = Object.entries(decisive).find(([, extensions]) => extensions.includes(extension))?.[0]
  if (named !== undefined) return named
  if (mime.getType(extension) !== null) return ""
  return /^[\s\u00ef\u00bb\u00bf]*<(?!\?xml(?![^]*<html))/i.test(start()) ? "text/html" : ""
}

/** The way from one file of a mirror to another, as a relative URL of ASCII letters, digits and `-_.!~*%/` alone. */
export const way = (from: string, to: string): string => {
  const here = from.split("/")
  const there = to.split("/")
  let same = 0
  while (same < here.length - 1 && same < there.length - 1 && here[same] === there[same]) same++
  const segments = there
    .slice(same)
    .map((segment) => encodeURIComponent(segment.toWellFormed()).replace(/['()]/g, octet))
  return "../".repeat(here.length - 1 - same) + segments.join("/")
}
const octet = (character: string) => `%${character.charCodeAt(0).toString(16)}`
