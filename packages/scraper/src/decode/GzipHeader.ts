/**
 * Reads the header of one gzip member (RFC 1952 2.3), in pieces of any size.
 *
 * Node's own gunzip hides where a member ends, so it cannot tell a damaged
 * member from bytes that merely follow the last one. With the header read here
 * and the trailer by `Stage.ts`, that is known to the byte. Memory is constant:
 * names and comments are passed over, not kept.
 */
import { crc32 } from "node:zlib"
import type { Head, Verdict } from "./Head.ts"

/** Identification and the method deflate: the only one there is. */
const magic: ReadonlyArray<number> = [0x1f, 0x8b, 8]
const fixedLength = 10
const reservedFlags = 0xe0

type Part = "fixed" | "extraLength" | "extra" | "name" | "comment" | "headerCrc" | "done"

/** The optional parts in their order, each with the flag that announces it. */
const optionalParts: ReadonlyArray<readonly [part: Part, flag: number]> = [
  ["extraLength", 4],
  ["name", 8],
  ["comment", 16],
  ["headerCrc", 2]
]

/** A reader for one header. Reserved flags and a wrong header checksum make it `corrupt`, as zlib has it. */
export const make = (): Head => {
  let part: Part = "fixed"
  let flags = 0
  /** Bytes of `part` read so far. */
  let count = 0
  let extraLength = 0
  let crc = 0
  let storedCrc = 0
  let verdict: Verdict = "empty"

  const after = (finished: Part): Part => {
    count = 0
    const next = optionalParts.findIndex(([name]) => name === finished) + 1
    return optionalParts.slice(next).find(([, flag]) => flags & flag)?.[0] ?? "done"
  }

  /** Takes one byte of the ten that every header has. */
  const takeFixed = (byte: number): Verdict => {
    const index = count++
    if (index < magic.length && byte !== magic[index]) return "foreign"
    if (index === magic.length) flags = byte
    if (flags & reservedFlags) return "corrupt"
    if (count === fixedLength) part = after("fixed")
    return count === 0 || count >= magic.length ? "begun" : "unsure"
  }

  const take = (byte: number): Verdict => {
    switch (part) {
      case "fixed":
        return takeFixed(byte)
      case "extraLength":
        extraLength |= byte << (8 * count)
        if (++count === 2) {
          count = 0
          part = extraLength === 0 ? after("extraLength") : "extra"
        }
        return "begun"
      case "extra":
        if (++count === extraLength) part = after("extraLength")
        return "begun"
      case "name":
      case "comment":
        if (byte === 0) part = after(part)
        return "begun"
      case "headerCrc":
        storedCrc |= byte << (8 * count)
        if (++count === 2) part = "done"
        return count === 2 && storedCrc !== (crc & 0xffff) ? "corrupt" : "begun"
      case "done":
        return "body"
    }
  }

  return {
    push: (chunk) => {
      let index = 0
      const goesOn = () => index < chunk.length && part !== "done" && verdict !== "foreign" && verdict !== "corrupt"
      while (goesOn() && part !== "headerCrc") verdict = take(chunk[index++]!)
      // the header's own checksum covers all that stands before it
      crc = crc32(chunk.subarray(0, index), crc)
      while (goesOn()) verdict = take(chunk[index++]!)
      if (part === "done" && verdict === "begun") verdict = "body"
      return index
    },
    verdict: () => verdict,
    replay: () => new Uint8Array(0)
  }
}
