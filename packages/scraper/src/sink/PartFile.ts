/**
 * A body while it grows: a file in the folder of parts, hashed as it is written.
 * What becomes of it when it is whole is for each sink to say.
 */
import * as Effect from "effect/Effect"
import { createHash, hash, type Hash } from "node:crypto"
import { createReadStream } from "node:fs"
import { WriteError } from "../FetchError.ts"
import { ample } from "../FullDisk.ts"
import { DirectoryUnusable } from "../RunError.ts"
import { DiskFull, type Truncation } from "../Sink.ts"
import * as Files from "./Files.ts"
import { codeOf, isFull } from "./SystemError.ts"

export interface PartOptions {
  /** The folder of the parts. */
  readonly parts: string
  readonly hash: boolean
  readonly files?: Files.Files
}

/** What an earlier attempt left. */
interface Begun {
  readonly bytes: number
  readonly digest: Hash | undefined
}

/** An error of the file system as one of the sink's. */
export const failure = (path: string, error: unknown): WriteError | DiskFull => {
  if (error instanceof WriteError || error instanceof DiskFull) return error
  const code = codeOf(error)
  return isFull(code) ? new DiskFull({ path }) : new WriteError({ path, code })
}

export class PartFile {
  bytes: number
  drained = () => {}
  readonly file: string
  /** Open file, negative once closed. */
  #descriptor: number
  readonly #options: PartOptions
  readonly #files: Files.Files
  readonly #expected: number | undefined
  #hash: Hash | undefined
  #digest: string | undefined
  /** It could not be closed: nobody knows which of its bytes are there. */
  #isLost = false

  constructor(file: string, descriptor: number, options: PartOptions, begun?: Begun, expected?: number) {
    this.file = file
    this.#descriptor = descriptor
    this.#options = options
    this.#files = options.files ?? Files.node
    this.bytes = begun?.bytes ?? 0
    this.#hash = begun?.digest
    this.#expected = expected
  }

  write(chunk: Uint8Array): boolean {
    try {
      for (let at = 0; at < chunk.length;) at += this.#files.write(this.#descriptor, chunk, at)
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
    const error = this.#close()
    if (error !== undefined) throw failure(this.file, error)
    if (!this.#options.hash) return { bytes: this.bytes }
    this.#digest ??= (this.#hash ?? createHash("sha256")).digest("hex")
    return { bytes: this.bytes, sha256: this.#digest }
  }

  read(): AsyncIterable<Uint8Array> {
    return createReadStream(this.file)
  }

  keep() {
    this.#close()
    return !this.#isLost
  }

  abandon(_truncated: Truncation) {
    this.discard()
  }

  discard() {
    this.#close()
    remove(this.#files, this.file)
  }

  /** What a network's disk or a quota had no room for may be told only here (close(2)). */
  #close(): unknown {
    if (this.#descriptor < 0) return undefined
    const descriptor = this.#descriptor
    // whatever is told: the number is free, and may be that of another file next
    this.#descriptor = -1
    try {
      this.#files.close(descriptor)
      return undefined
    } catch (error) {
      this.#isLost = true
      return error
    }
  }
}

/** What cannot be removed is in nobody's way: a later run sweeps it. */
const remove = (files: Files.Files, file: string): void => {
  try {
    files.remove(file)
  } catch {
    // a disk that fails is told of where something is written to it
  }
}

const nameOf = (key: string) => `${hash("sha256", key, "hex").slice(0, 32)}.part`

/** The folder of the parts, made if need be. `make`: what a sink makes of them. */
export const folder = <Part extends PartFile>(
  options: PartOptions,
  make: (...part: ConstructorParameters<typeof PartFile>) => Part
) => {
  const { parts, files = Files.node } = options
  try {
    files.makePrivateDirectories(parts)
  } catch {
    // whoever looks there, or opens a part, is told why
  }
  const run = process.pid.toString(36)
  let scratch = 0

  return {
    open: (key: string | undefined, expected: number | undefined): Part => {
      // what the disk cannot hold should not fill it first
      if (expected !== undefined && expected > ample && files.free(parts) < expected)
        throw new DiskFull({ path: parts })
      const file = `${parts}/${key === undefined ? `${run}-${scratch++}` : nameOf(key)}`
      try {
        const descriptor = files.open(file, key === undefined ? "new" : "over")
        return make(file, descriptor, options, undefined, expected)
      } catch (error) {
        throw failure(file, error)
      }
    },

    reopen: (key: string): Effect.Effect<Part | undefined, WriteError | DiskFull> =>
      Effect.suspend(() => {
        const file = `${parts}/${nameOf(key)}`
        const digest = options.hash ? createHash("sha256") : undefined
        let bytes = 0
        const found = files.read(file, (chunk) => {
          digest?.update(chunk)
          bytes += chunk.length
        })
        return Effect.mapError(
          Effect.flatMap(found, (isThere) =>
            Effect.try({
              try: () => (isThere ? make(file, files.open(file, "on"), options, { bytes, digest }) : undefined),
              catch: (error) => error
            })
          ),
          (error) => failure(key, error)
        )
      }),

    forget: (key: string): void => remove(files, `${parts}/${nameOf(key)}`),

    sweep: (keys: ReadonlySet<string>): Effect.Effect<void, DirectoryUnusable> =>
      Effect.try({
        try: () => {
          const kept = new Set(Array.from(keys, nameOf))
          for (const name of files.namesIn(parts)) {
            const file = `${parts}/${name}`
            // a folder is nobody's part
            if (!kept.has(name) && files.look(file)?.kind !== "directory") remove(files, file)
          }
        },
        catch: DirectoryUnusable.of(parts, true)
      }),

    free: Effect.sync(() => files.free(parts)),
    size: Effect.sync(() => files.size(parts))
  }
}
