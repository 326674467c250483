/**
 * Random replies, given to the lane and to undici: what both take, both take for
 * the same. The seed of a failure is in its message; set `LANE_SEED` to repeat it.
 */
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import { Pool } from "../../../src/session/Undici.ts"
import { fields, Hearer, lane, origin } from "./origin.ts"
import { bytesOf } from "./replies.ts"

interface Reply {
  readonly bytes: Buffer
  readonly body: string
  readonly closes: boolean
}

type Random = () => number
const upTo = (random: Random, most: number) => Math.floor(random() * (most + 1))
const pick = <A>(random: Random, from: ReadonlyArray<A>): A => from[upTo(random, from.length - 1)] as A

const textOf = (random: Random, length: number) =>
  // line ends and digits are frequent: they are what a parser could stumble over
  Array.from({ length }, () => pick(random, ["\r", "\n", "0", "\r\n\r\n", "x", "HTTP/1.1 200 OK\r\n"])).join("")

const chunksOf = (random: Random, body: string) => {
  let chunks = ""
  for (let at = 0; at < body.length;) {
    const chunk = body.slice(at, at + 1 + upTo(random, 200))
    at += chunk.length
    const size = chunk.length.toString(16)
    chunks += pick(random, [size, size.toUpperCase(), `00${size}`, `${size};a=b`, `${size};a="\t;\xe9"`])
    chunks += `\r\n${chunk}\r\n`
  }
  return `${chunks}0\r\n${pick(random, ["", "", "X-T: a\r\n", "A:\r\nB: c d\r\n"])}\r\n`
}

const spelled = (random: Random, name: string) => pick(random, [name, name.toLowerCase(), name.toUpperCase()])

const replyOf = (random: Random): Reply => {
  const interim = pick(random, [
    "",
    "",
    "HTTP/1.1 103 E\r\nLink: x\r\n\r\n",
    "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
  ])
  const version = pick(random, ["1.1", "1.1", "1.0"])
  const status = pick(random, [200, 200, 206, 404, 500, 204, 304])
  const isBare = status === 204 || status === 304
  const body = isBare ? "" : textOf(random, pick(random, [0, 1, 10, 2000]))
  const framing = isBare
    ? "none"
    : version === "1.0"
      ? pick(random, ["length", "none"])
      : pick(random, ["length", "chunks", "none"])
  const option = pick(random, ["", "keep-alive", "close", "Keep-Alive, x"])
  const head = [
    `Date: ${upTo(random, 99)}`,
    `X-Empty:`,
    `${spelled(random, "Set-Cookie")}: a=${upTo(random, 9)}`,
    `${spelled(random, "Set-Cookie")}:b`,
    `X:  \xe9 \t y`
  ].slice(upTo(random, 5))
  if (option !== "") head.push(`${spelled(random, "Connection")}: ${option}`)
  if (framing === "length") head.push(`${spelled(random, "Content-Length")}: ${body.length}`)
  if (framing === "chunks") head.push(`${spelled(random, "Transfer-Encoding")}: ${spelled(random, "chunked")}`)
  const sent = framing === "chunks" ? chunksOf(random, body) : body
  return {
    bytes: bytesOf(
      `${interim}HTTP/${version} ${status} ${pick(random, ["", "OK", "d\xe9"])}\r\n${head.map((line) => `${line}\r\n`).join("")}\r\n${sent}`
    ),
    body,
    closes: (framing === "none" && !isBare) || option === "close" || (version === "1.0" && !/alive/i.test(option))
  }
}

/** Writes at random places cut pieces, each in a turn of its own. */
const inRandomPieces = (random: Random, socket: Socket, { bytes, closes }: Reply) => {
  const most = pick(random, [1, 20, 500, 100_000])
  let at = 0
  const write = () => {
    if (at >= bytes.length) return void (closes && socket.end())
    const piece = bytes.subarray(at, at + 1 + upTo(random, most))
    at += piece.length
    // short replies byte by byte, long ones not: the turns add up
    socket.write(piece, () => (most > 1 || bytes.length < 500 ? setImmediate(write) : write()))
  }
  write()
}

type Dispatch = (path: string, hearer: Hearer) => void

const hear = (dispatch: Dispatch, path: string) =>
  Effect.promise(async () => {
    const hearer = new Hearer()
    dispatch(path, hearer)
    await hearer.ended
    return hearer
  })

/** The lane and undici, each with one connection to a server that gives the n-th reply to `/n`. */
const both = (seed: number, replies: ReadonlyArray<Reply>) =>
  Effect.gen(function* () {
    const { url } = yield* origin((socket, head) => {
      const nth = Number(head.split(/[/ ]/)[2])
      inRandomPieces(Randomness.make(seed + nth), socket, replies[nth] as Reply)
    })
    const { lane: l } = yield* lane({ connections: 1 })
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => new Pool(url, { connections: 1, maxHeaderSize: 65_536 })),
      (pool) => Effect.promise(() => pool.destroy())
    )
    const ours: Dispatch = (path, hearer) => l.dispatch({ origin: url, path, headers: fields }, hearer)
    const theirs: Dispatch = (path, hearer) =>
      void pool.dispatch({ origin: url, path, method: "GET", headers: [...fields] }, hearer)
    return { ours, theirs }
  })

const seeds = process.env["LANE_SEED"] === undefined ? [Date.now() >>> 0, 1, 2, 3] : [Number(process.env["LANE_SEED"])]

describe("Lane beside undici", () => {
  for (const seed of seeds) {
    it.effect(`reads sound replies on one connection as they were meant, and as undici does (seed ${seed})`, () =>
      Effect.gen(function* () {
        const random = Randomness.make(seed)
        const replies = Array.from({ length: 150 }, () => replyOf(random))
        const { ours, theirs } = yield* both(seed, replies)
        for (const [nth, reply] of replies.entries()) {
          const [a, b] = yield* Effect.all([hear(ours, `/${nth}`), hear(theirs, `/${nth}`)], { concurrency: 2 })
          const about = `seed ${seed}, reply ${nth}: ${JSON.stringify(reply.bytes.toString("latin1").slice(0, 400))}`
          assert.strictEqual(a.error, undefined, about)
          assert.strictEqual(a.body, reply.body, about)
          assert.deepStrictEqual([a.status, a.body], [b.status, b.body], about)
          assert.deepStrictEqual({ ...a.headers }, b.headers, about)
        }
      })
    )

    it.effect(`refuses a damaged reply, or reads it as undici does (seed ${seed})`, () =>
      Effect.gen(function* () {
        const random = Randomness.make(seed ^ 0x5bd1e995)
        const replies = Array.from({ length: 150 }, () => {
          const { bytes, body } = replyOf(random)
          for (let i = upTo(random, 2); i >= 0; i--) {
            const at = upTo(random, Math.min(bytes.length - 1, 250))
            bytes[at] = pick(random, [0, 10, 13, 32, 44, 48, 50, 58, 59, 65, 120, 127, 255, upTo(random, 255)])
          }
          return { bytes, body, closes: true }
        })
        const { ours, theirs } = yield* both(seed, replies)
        for (const [nth, reply] of replies.entries()) {
          const [a, b] = yield* Effect.all([hear(ours, `/${nth}`), hear(theirs, `/${nth}`)], { concurrency: 2 })
          if (a.error !== undefined || b.error !== undefined) continue
          const about = `seed ${seed}, reply ${nth}: ${JSON.stringify(reply.bytes.toString("latin1").slice(0, 400))}`
          assert.deepStrictEqual([a.status, a.body], [b.status, b.body], about)
        }
      })
    )
  }
})
