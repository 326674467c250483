/**
 * The sink's file system on a simulated disk. Every operation is one at which the program may be crashed; syncs take
 * virtual time, so that everything else goes on meanwhile.
 */
import { type SimulatedDisk, Simulation } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import type { Files } from "../../src/sink/Files.ts"

const flags = { new: "wx", over: "w", on: "a" } as const
/** Bytes that are read at once. */
const chunk = 64

/** One process's view: its descriptors die with it, the disk does not. */
export const make = (disk: SimulatedDisk.SimulatedDisk): Files => {
  const handles = new Map<number, SimulatedDisk.Handle>()
  const ends = new Map<number, number>()
  let descriptors = 2
  const step = <A>(run: () => A): A => {
    Simulation.operation()
    return run()
  }
  const slowly = (run: () => void) =>
    Effect.andThen(
      Effect.suspend(() => Effect.sleep(1 + Math.floor(5 * Math.random()))),
      Effect.try({ try: () => step(run), catch: (error) => error })
    )
  const found = (path: string) => disk.find(path, false)
  return {
    open: (path, how) =>
      step(() => {
        const handle = disk.open(path, flags[how])
        handles.set(++descriptors, handle)
        ends.set(descriptors, 0)
        return descriptors
      }),
    write: (descriptor, bytes, from) =>
      step(() => {
        const at = ends.get(descriptor)!
        const written = disk.write(handles.get(descriptor)!, bytes.subarray(from), at)
        ends.set(descriptor, at + written)
        return written
      }),
    close: (descriptor) =>
      step(() => {
        const handle = handles.get(descriptor)
        // it may be another file's by now
        if (!handles.delete(descriptor)) throw new Error(`descriptor ${descriptor} is closed twice`)
        disk.close(handle!)
      }),
    rename: (from, to) => step(() => disk.rename(from, to)),
    remove: (path) => step(() => (found(path) === undefined ? undefined : disk.unlink(path))),
    makeDirectory: (path) => step(() => disk.mkdir(path)),
    makePrivateDirectories: (path) =>
      step(() => {
        const names = path.split("/").slice(1)
        for (const index of names.keys()) {
          const directory = `/${names.slice(0, index + 1).join("/")}`
          // the lock of the directory has made them before
          insist(() => found(directory) ?? disk.mkdir(directory))
        }
      }),
    namesIn: (directory) => step(() => disk.readdir(directory).map(({ name }) => name)),
    look: (path) =>
      step(() => {
        const there = found(path)
        if (there === undefined) return undefined
        return {
          kind: ({ File: "file", Directory: "directory", SymbolicLink: "link" } as const)[there.type],
          size: there.size
        }
      }),
    free: () => step(() => 1 << 30),
    size: () => Infinity,
    sync: (path) => slowly(() => disk.sync(disk.open(path))),
    syncDirectory: (path) => slowly(() => disk.sync(disk.open(path))),
    read: (path, take) =>
      Effect.try({
        try: () =>
          step(() => {
            if (found(path)?.type !== "File") return false
            const handle = disk.open(path)
            const buffer = new Uint8Array(chunk)
            for (let at = 0; ;) {
              const count = disk.read(handle, buffer, at)
              if (count === 0) return true
              take(buffer.subarray(0, count))
              at += count
            }
          }),
        catch: (error) => error
      })
  }
}

/** Until the disk does it. */
export const insist = (run: () => void): void => {
  try {
    run()
  } catch {
    insist(run)
  }
}

/** Everything below a directory, by its path from there. Looks from outside: no operation of the program. */
export const filesBelow = (disk: SimulatedDisk.SimulatedDisk, directory: string): ReadonlyMap<string, Uint8Array> => {
  const below = `${directory}/`
  const files = Array.from(disk.contents()).filter(([path]) => path.startsWith(below))
  return new Map(files.map(([path, bytes]) => [path.slice(below.length), bytes]))
}
