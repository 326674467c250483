/**
 * Whether it pays to hash and to decompress bodies away from the main thread:
 * `node benchmark/offload.ts`. The same pieces, on the main thread and through a pool of
 * threads that they are moved to and back from, in turn, medians of five rounds.
 */
import { createHash, randomBytes } from "node:crypto"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { gunzipSync, gzipSync } from "node:zlib"
import { Pool, Task } from "@simul/core/node/Pool"
import type * as Body from "./offload/body.task.ts"
import { fixed, median, table } from "./Table.ts"
import * as Arguments from "./Arguments.ts"

Arguments.settings({ text: "usage: node benchmark/offload.ts", options: {} }, () => undefined)

const tasks = Task.module<typeof Body>(new URL("offload/body.task.ts", import.meta.url))
const total = 256 * 2 ** 20
const rounds = 5

interface Figures {
  readonly wall: number
  readonly cpu: number
  readonly stall: number
}

const measure = async (run: () => Promise<void>): Promise<Figures> => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await run()
  const wall = performance.now() - began
  const used = process.cpuUsage(cpu)
  delay.disable()
  return { wall, cpu: (used.user + used.system) / 1000, stall: delay.max / 1e6 }
}

/** Four bodies at once, as many pieces of each under way as a socket would have: one. */
const bodies = 4
const each = async (run: (body: string) => Promise<void>) => {
  await Promise.all(Array.from({ length: bodies }, (_, body) => run(`body ${body}`)))
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

await using pool = await Pool.threads({ minimum: 2, maximum: 2 })
const rows: Array<ReadonlyArray<string | number>> = []
for (const size of [64 * 2 ** 10, 2 ** 20]) {
  const pieces = total / size / bodies
  const plain = randomBytes(size)
  // half of it repeats, as text does
  const packed = gzipSync(Buffer.concat([plain.subarray(0, size / 2), Buffer.alloc(size / 2, "text ")]))
  const fresh = (piece: Uint8Array) => new Uint8Array(piece)
  const cases = {
    "sha256, main thread": () =>
      each(async () => {
        const hash = createHash("sha256")
        for (let i = 0; i < pieces; i++) {
          hash.update(fresh(plain))
          await turn()
        }
        hash.digest("hex")
      }),
    "sha256, threads": () =>
      each(async (body) => {
        for (let i = 0; i < pieces; i++) {
          const piece = fresh(plain)
          await pool.run(tasks.hash, [body, piece], { key: body, transfer: [piece.buffer] })
        }
        await pool.run(tasks.digest, [body], { key: body })
      }),
    "gunzip, main thread": () =>
      each(async () => {
        for (let i = 0; i < pieces; i++) {
          gunzipSync(fresh(packed))
          await turn()
        }
      }),
    "gunzip, threads": () =>
      each(async () => {
        for (let i = 0; i < pieces; i++) {
          const piece = fresh(packed)
          await pool.run(tasks.gunzip, [piece], { transfer: [piece.buffer] })
        }
      })
  }
  const figures = new Map<string, Array<Figures>>()
  for (let round = 0; round <= rounds; round++)
    for (const [name, run] of Object.entries(cases)) {
      const got = await measure(run)
      if (round > 0) figures.set(name, [...(figures.get(name) ?? []), got])
    }
  for (const [name, got] of figures) {
    const of = (value: (one: Figures) => number) => median(got.map(value))
    const gib = total / 2 ** 30
    rows.push([
      `${size / 1024} KiB`,
      name,
      fixed(of(({ wall }) => wall) / gib / 1000, 2),
      fixed(of(({ cpu }) => cpu) / gib / 1000, 2),
      fixed(
        of(({ stall }) => stall),
        1
      )
    ])
  }
}
console.log(table("pieces | work | wall s/GiB | CPU s/GiB | longest stall ms", rows).join("\n"))
