/**
 * The archives of a directory, one after the other: the one at hand, and the next
 * when that is full.
 *
 * 1. What an earlier run committed of the last one is continued where it is whole.
 * 2. The store hears the name of an archive before the archive is made. A file of
 *    such a name that the store does not know is somebody else's: its number is
 *    passed over.
 */
import * as Effect from "effect/Effect"
import type { WriteError } from "../FetchError.ts"
import type { StoreFault } from "../RunError.ts"
import type { Archive, DiskFull } from "../Sink.ts"
import type { Fields } from "../warc/WarcRecord.ts"
import * as ArchiveFile from "./ArchiveFile.ts"
import * as Files from "./Files.ts"
import * as PartFile from "./PartFile.ts"
import * as Patience from "./Patience.ts"
import * as RecordLocation from "./RecordLocation.ts"

export interface ArchiveSeriesOptions {
  readonly directory: string
  readonly durability: "process" | "power"
  /** The archives as committed; already mended. */
  readonly archives: ReadonlyArray<Archive>
  /** Writes the name of an archive into the store, with no byte committed. */
  readonly announce: (name: string) => Effect.Effect<void, DiskFull | StoreFault>
  /** What each archive says of itself: `software`, `format`, `robots` and the like. */
  readonly about: Fields
  /** No exchange is begun in an archive that has this many bytes. */
  readonly archiveBytes: number
  /** Told where nobody knows what is on the disk of what was appended since the last `settle`: it is cut off again. */
  readonly lost: (error: WriteError | DiskFull) => Effect.Effect<void, DiskFull>
}

/** One that lost bytes, or was removed or moved away, is not continued. */
const isWhole = (directory: string, { name, bytes }: Archive) => {
  const file = Files.seen(Files.node, `${directory}/${name}`)
  return file?.kind === "file" && file.size === bytes
}

/** Its files are closed with the scope. */
export const make = Effect.fnUntraced(function* (options: ArchiveSeriesOptions) {
  const { directory } = options
  const last = options.archives
    .filter(({ name, bytes }) => bytes > 0 && RecordLocation.numberOf(name) !== undefined)
    .toSorted((one, other) => RecordLocation.numberOf(one.name)! - RecordLocation.numberOf(other.name)!)
    .at(-1)
  let next = last === undefined ? 0 : RecordLocation.numberOf(last.name)! + 1
  let current: ArchiveFile.ArchiveFile | undefined
  if (last !== undefined && isWhole(directory, last))
    current = yield* Effect.tryPromise(() => ArchiveFile.ArchiveFile.reopen(directory, last)).pipe(
      // one that may not be written to is left as it is
      Effect.orElseSucceed(() => undefined)
    )
  const atHand = (): Array<Archive> => (current === undefined ? [] : [{ name: current.name, bytes: current.bytes }])
  /** What may be appended to until the next `settle`, as it was at the last. */
  let kept = atHand()

  const leave = Effect.promise(async () => {
    const left = current
    current = undefined
    // what it would tell `settle` has heard
    await left?.close().catch(() => {})
  })
  yield* Effect.addFinalizer(() => leave)

  const finish = Effect.suspend((): Effect.Effect<void, DiskFull> => {
    const into = current
    if (into === undefined) return Effect.void
    const failure = (error: unknown) => PartFile.failure(into.name, error)
    const finished =
      options.durability === "process"
        ? Effect.tryPromise({ try: () => into.close(), catch: failure })
        : Effect.andThen(
            Effect.tryPromise({ try: () => into.sync(), catch: failure }),
            Effect.mapError(Patience.make()(Files.node.syncDirectory(directory)), failure)
          )
    // once more asked, the system would say that all is well (Linux, errseq_t)
    return Effect.catch(finished, (error) =>
      Effect.andThen(leave, () => {
        try {
          ArchiveFile.mend(directory, kept)
        } catch {
          // the next run does
        }
        kept = []
        return options.lost(error)
      })
    )
  })

  const create = Effect.gen(function* () {
    while (Files.seen(Files.node, `${directory}/${RecordLocation.nameOf(next)}`) !== undefined) next++
    const name = RecordLocation.nameOf(next)
    yield* options.announce(name)
    const made = yield* Effect.tryPromise({
      try: () => ArchiveFile.ArchiveFile.create(directory, name, options.about),
      catch: (error) => PartFile.failure(name, error)
    })
    next++
    kept.push({ name, bytes: 0 })
    return (current = made)
  })

  return {
    /** The archive at hand, or the next one, which `begun` hears of. */
    archive: (begun: (archive: ArchiveFile.ArchiveFile) => void) =>
      Effect.gen(function* () {
        const isGone = current?.isOpen === false && !isWhole(directory, current)
        if (current !== undefined && current.bytes < options.archiveBytes && !isGone) return current
        yield* finish
        yield* leave
        const made = yield* create
        begun(made)
        return made
      }),
    /** What was appended outlives the process, or with `power` the machine. */
    settle: Effect.map(finish, () => void (kept = atHand()))
  }
})
