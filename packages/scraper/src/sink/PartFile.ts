/**
 * A body while it grows: a file in the folder of parts, hashed as it is written.
 * What becomes of it when it is whole is for each sink to say.
 */
import * as Effect from "effect/Effect"
import { createHash, hash, type Hash } from "node:crypto"
import * as fs from "node:fs"
import { open as openFile } from "node:fs/promises"
import { join } from "node:path"
import { WriteError } from "../FetchError.ts"
import { DiskFull } from "../Sink.ts"

export interface PartOptions {
  /** The folder of the parts. */
  readonly parts: string
  readonly hash: boolean
  /** The file is closed as soon as it is whole: nobody syncs it. */
  readonly closes: boolean
}

/** What an earlier attempt left. */
interface Begun {
  readonly bytes: number
  readonly digest: Hash | undefined
}

/** An error of the file system as one of the sink's. */
export const failure = (path: string, error: unknown): WriteError | DiskFull => {
  if (error instanceof WriteError || error instanceof DiskFull) return error
  const code = (error as NodeJS.ErrnoException).code ?? "EIO"
  return code === "ENOSPC" || code === "EDQUOT" ? new DiskFull({ path }) : new WriteError({ path, code })
}

export class PartFile {
  bytes: number
  drained = () => {}
  readonly file: string
  /** Open file, negative once closed. */
  descriptor: number
  readonly #options: PartOptions
  readonly #expected: number | undefined
  #hash: Hash | undefined
  #digest: string | undefined

  constructor(file: string, descriptor: number, options: PartOptions, begun?: Begun, expected?: number) {
    this.file = file
    this.descriptor = descriptor
    this.#options = options
    this.bytes = begun?.bytes ?? 0
    this.#hash = begun?.digest
    this.#expected = expected
  }

  write(chunk: Uint8Array): boolean {
    try {
      for (let at = 0; at < chunk.length;) at += fs.writeSync(this.descriptor, chunk, at, chunk.length - at)
    } catch (error) {
      throw failure(this.file, error)
    }
    if (this.#options.hash) {
      // a body in one piece is hashed at one go: half the cost of a hash object
      if (this.bytes === 0 && chunk.length === this.#expected) this.#digest = hash("sha256", chunk, "hex")
      else (this.#hash ??= createHash("sha256")).update(chunk)
    }
    this.bytes += chunk.length
    return true
  }

  finish() {
    if (this.#options.closes) this.close()
    if (!this.#options.hash) return { bytes: this.bytes }
    this.#digest ??= (this.#hash ?? createHash("sha256")).digest("hex")
    return { bytes: this.bytes, sha256: this.#digest }
  }

  keep() {
    this.close()
  }

  discard() {
    this.close()
    fs.rmSync(this.file, { force: true })
  }

  close() {
    if (this.descriptor < 0) return
    fs.closeSync(this.descriptor)
    this.descriptor = -1
  }
}

const chunkSize = 1 << 20

const nameOf = (key: string) => `${hash("sha256", key, "hex").slice(0, 32)}.part`

/** The folder of the parts, made if need be. `Part`: what a sink makes of them. */
export const folder = <Part extends PartFile>(
  options: PartOptions,
  Part: new (...args: ConstructorParameters<typeof PartFile>) => Part
) => {
  fs.mkdirSync(options.parts, { recursive: true, mode: 0o700 })
  const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants
  const run = process.pid.toString(36)
  let scratch = 0

  return {
    open: (key: string | undefined, expected: number | undefined): Part => {
      const file = `${options.parts}/${key === undefined ? `${run}-${scratch++}` : nameOf(key)}`
      try {
        const flags = key === undefined ? O_WRONLY | O_CREAT | O_EXCL : O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
        return new Part(file, fs.openSync(file, flags, 0o666), options, undefined, expected)
      } catch (error) {
        throw failure(file, error)
      }
    },

    reopen: (key: string): Effect.Effect<Part | undefined, WriteError | DiskFull> =>
      Effect.tryPromise({
        try: async () => {
          const file = join(options.parts, nameOf(key))
          const descriptor = await openFile(file, O_RDWR | O_APPEND | O_NOFOLLOW).catch(() => undefined)
          if (descriptor === undefined) return undefined
          try {
            const digest = options.hash ? createHash("sha256") : undefined
            const buffer = Buffer.allocUnsafe(chunkSize)
            let bytes = 0
            for (;;) {
              const { bytesRead } = await descriptor.read(buffer, 0, chunkSize, bytes)
              if (bytesRead === 0) break
              digest?.update(buffer.subarray(0, bytesRead))
              bytes += bytesRead
            }
            return new Part(file, fs.openSync(file, O_WRONLY | O_APPEND | O_NOFOLLOW), options, { bytes, digest })
          } finally {
            await descriptor.close()
          }
        },
        catch: (error) => failure(key, error)
      }),

    sweep: (keys: ReadonlySet<string>): Effect.Effect<void> =>
      Effect.sync(() => {
        const kept = new Set(Array.from(keys, nameOf))
        for (const name of fs.readdirSync(options.parts))
          if (!kept.has(name)) fs.rmSync(join(options.parts, name), { force: true })
      }),

    free: Effect.sync(() => {
      const { bavail, bsize } = fs.statfsSync(options.parts)
      return bavail * bsize
    })
  }
}
