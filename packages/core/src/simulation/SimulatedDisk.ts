/**
 * A disk in memory that forgets like a real one: what was written is seen at once, but is durable only after a sync.
 *
 * 1. Written bytes and lengths are pending until the file is synced; created, removed and renamed names are pending
 *    until their directory is synced. Syncing a file says nothing about its name, as POSIX has it.
 * 2. `crash` keeps a seeded part of what is pending: each operation is kept or lost on its own, whatever came before
 *    it, so that they may be lost and reordered; a write is kept in pieces of `sector` bytes, so that it may be torn. A
 *    piece beyond the end that came before it leaves zeros between. A rename is kept or lost as a whole.
 *    A disk whose syncs lie (`lying-sync`) says that something is durable and leaves it pending, as those do that have
 *    a cache of their own; one without a journal (`doubled`) may have both names after a crash during a rename.
 * 3. After a sync that failed, its bytes are still seen but no later sync writes them (fsyncgate: Rebello et al., Can
 *    Applications Recover from fsync Failures?, ATC 2020).
 *
 * Operations are synchronous and throw a `DiskError` with the `code` that Linux has for it. The model follows that of
 * turmoil (tokio-rs/turmoil, its simulated file system), made stricter by 1 and 2.
 */
import * as Faults from "./Faults.ts"
import { below, make as makeRandomness, type Randomness } from "./Randomness.ts"

/** What can go wrong by chance, and what a crash did (`lost`, `torn`, `unnamed`). */
export type DiskFault = ByChance | "lost" | "torn" | "unnamed"
type ByChance =
  | "enospc"
  | "eio-read"
  | "eio-write"
  | "eio-sync"
  | "eio-close"
  | "eio-name"
  | "eio-look"
  | "lying-sync"
  | "doubled"

/** What goes wrong on a disk, and what it has room for. */
export interface DiskOptions {
  /** For faults [seed 1]. */
  readonly random?: Randomness
  /**
   * Chances of `enospc`, `eio-read`, `eio-write`, `eio-sync` and `eio-close` at each operation of that sort, of `eio-name`
   * where a name is made, changed or removed, and of `eio-look` where a name is looked at (stat, readdir); of
   * `lying-sync` at each sync, and of `doubled` for each rename that is not durable when power is lost [none].
   */
  readonly faults?: Faults.Chances<ByChance>
  /** Bytes that all files together may have [no bound]. */
  readonly capacity?: number
  /** Bytes that are written whole or not at all [512]. */
  readonly sector?: number
  /** The time that files are stamped with, in milliseconds [always 0]. */
  readonly now?: () => number
}

/** Why an operation failed. `code` is that of Linux: `ENOENT`, `ENOSPC`. */
export class DiskError extends Error {
  override readonly name = "DiskError"
  readonly code: string
  readonly syscall: string
  readonly path: string | undefined
  constructor(code: string, syscall: string, path?: string) {
    super(`${code}: ${syscall}${path === undefined ? "" : ` '${path}'`}`)
    this.code = code
    this.syscall = syscall
    this.path = path
  }
}

type Change = { readonly offset: number; readonly bytes: Uint8Array } | { readonly length: number }

interface Metadata {
  readonly ino: number
  mode: number
  mtimeMs: number
  atimeMs: number
  readonly birthtimeMs: number
}

interface FileNode extends Metadata {
  readonly type: "File"
  data: Uint8Array
  durable: Uint8Array
  /** Not synced yet, in order. */
  pending: Array<Change>
}

interface DirectoryNode extends Metadata {
  readonly type: "Directory"
  readonly entries: Map<string, Node>
  readonly durable: Map<string, Node>
}

interface LinkNode extends Metadata {
  readonly type: "SymbolicLink"
  readonly target: string
}

type Node = FileNode | DirectoryNode | LinkNode

/** Names that changed together; each is set, or gone. */
interface NameChange {
  readonly sets: ReadonlyArray<{
    readonly directory: DirectoryNode
    readonly name: string
    readonly node: Node | undefined
  }>
}

/** What `stat` tells. */
export interface Stat {
  readonly type: Node["type"]
  readonly ino: number
  readonly size: number
  readonly mode: number
  readonly nlink: number
  readonly mtimeMs: number
  readonly atimeMs: number
  readonly birthtimeMs: number
}

/** An open file. A crash closes it. */
export interface Handle {
  readonly node: FileNode | DirectoryNode
  readonly readable: boolean
  readonly writable: boolean
  readonly append: boolean
  readonly epoch: number
  readonly path: string
}

/** Flags of open(2), as Node writes them: `r`, `r+`, `w`, `wx`, `a+`. */
export type OpenFlag = "r" | "r+" | "w" | "wx" | "w+" | "wx+" | "a" | "ax" | "a+" | "ax+"

const maxLinks = 40
const empty = new Uint8Array(0)

const resized = (data: Uint8Array, length: number): Uint8Array => {
  const next = new Uint8Array(length)
  next.set(data.subarray(0, length))
  return next
}

const apply = (data: Uint8Array, change: Change): Uint8Array => {
  if ("length" in change) return resized(data, change.length)
  const end = change.offset + change.bytes.length
  const next = end > data.length ? resized(data, end) : data.slice()
  next.set(change.bytes, change.offset)
  return next
}

const splitPath = (path: string): Array<string> => path.split("/").filter((name) => name !== "" && name !== ".")

/**
 * Files and folders in memory, with the durability of a disk: what was not synced may be lost, torn or unnamed by
 * `crash`. Synchronous; errors are thrown as `DiskError`.
 */
export class SimulatedDisk {
  readonly faults: Faults.Faults<DiskFault>
  /** Crashes so far. */
  crashes = 0
  private readonly random: Randomness
  private readonly capacity: number
  private readonly sector: number
  private readonly now: () => number
  private inodes = 0
  private readonly root: DirectoryNode
  private names: Array<NameChange> = []

  constructor(options: DiskOptions = {}) {
    this.random = options.random ?? makeRandomness(1)
    this.faults = Faults.make<DiskFault>(options.faults ?? {}, this.random)
    this.capacity = options.capacity ?? Infinity
    this.sector = options.sector ?? 512
    this.now = options.now ?? (() => 0)
    this.root = this.newDirectory(0o755)
  }

  // ------------------------------------------------------------------- paths

  /** The directory that a path's last name is in, and that name. Links on the way are followed. */
  private locate(path: string, syscall: string): { directory: DirectoryNode; name: string; node: Node | undefined } {
    if (path === "") throw new DiskError("ENOENT", syscall, path)
    let links = 0
    const walk = (from: Array<DirectoryNode>, names: ReadonlyArray<string>): Array<DirectoryNode> => {
      let trail = from
      for (const name of names) {
        if (name === "..") {
          if (trail.length > 1) trail.pop()
          continue
        }
        const next = trail.at(-1)!.entries.get(name)
        if (next === undefined) throw new DiskError("ENOENT", syscall, path)
        if (next.type === "File") throw new DiskError("ENOTDIR", syscall, path)
        if (next.type === "Directory") trail.push(next)
        else {
          if (++links > maxLinks) throw new DiskError("ELOOP", syscall, path)
          trail = walk(next.target.startsWith("/") ? [this.root] : trail, splitPath(next.target))
        }
      }
      return trail
    }
    const names = splitPath(path)
    const last = names.at(-1)
    if (last === undefined || last === "..") {
      const directory = walk([this.root], names).at(-1)!
      return { directory, name: "", node: directory }
    }
    names.pop()
    const directory = walk([this.root], names).at(-1)!
    return { directory, name: last, node: directory.entries.get(last) }
  }

  /** As `locate`, with a link in the last place followed too. */
  private follow(path: string, syscall: string) {
    let found = this.locate(path, syscall)
    for (let links = 0, at = path; found.node?.type === "SymbolicLink";) {
      if (++links > maxLinks) throw new DiskError("ELOOP", syscall, path)
      const { target } = found.node
      at = target.startsWith("/") ? target : `${at.slice(0, at.lastIndexOf("/") + 1)}${target}`
      found = this.locate(at, syscall)
    }
    return found
  }

  private existing(path: string, syscall: string, follow = true): Node {
    const { node } = follow ? this.follow(path, syscall) : this.locate(path, syscall)
    if (node === undefined) throw new DiskError("ENOENT", syscall, path)
    return node
  }

  private existingDirectory(path: string, syscall: string): DirectoryNode {
    const node = this.existing(path, syscall)
    if (node.type !== "Directory") throw new DiskError("ENOTDIR", syscall, path)
    return node
  }

  private metadata(mode: number): Metadata {
    const now = this.now()
    return { ino: ++this.inodes, mode, mtimeMs: now, atimeMs: now, birthtimeMs: now }
  }

  private newDirectory(mode: number): DirectoryNode {
    return { ...this.metadata(mode), type: "Directory", entries: new Map(), durable: new Map() }
  }

  private setNames(syscall: string, path: string, sets: NameChange["sets"]) {
    if (this.faults.strikes("eio-name")) throw new DiskError("EIO", syscall, path)
    for (const { directory, name, node } of sets) {
      if (node === undefined) directory.entries.delete(name)
      else directory.entries.set(name, node)
      directory.mtimeMs = this.now()
    }
    this.names.push({ sets })
  }

  // ---------------------------------------------------------------- metadata

  /** stat(2), or lstat(2) with `follow` false. */
  stat(path: string, follow = true): Stat {
    const found = this.find(path, follow)
    if (found === undefined) throw new DiskError("ENOENT", follow ? "stat" : "lstat", path)
    return found
  }

  /** As `stat`, but `undefined` where there is nothing: a throw for each would cost more than all else that it does. */
  find(path: string, follow = true): Stat | undefined {
    const syscall = follow ? "stat" : "lstat"
    this.look(syscall, path)
    try {
      const { node } = follow ? this.follow(path, syscall) : this.locate(path, syscall)
      return node && this.statOf(node)
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOENT") return undefined
      throw error
    }
  }

  private look(syscall: string, path: string) {
    if (this.faults.strikes("eio-look")) throw new DiskError("EIO", syscall, path)
  }

  /** fstat(2). */
  statOf(node: Node): Stat {
    const { type, ino, mode, mtimeMs, atimeMs, birthtimeMs } = node
    const size = node.type === "File" ? node.data.length : node.type === "SymbolicLink" ? node.target.length : 4096
    return { type, ino, size, mode, nlink: this.namesOf(node), mtimeMs, atimeMs, birthtimeMs }
  }

  private namesOf(node: Node): number {
    const count = (directory: DirectoryNode): number => {
      let sum = 0
      for (const entry of directory.entries.values())
        sum += (entry === node ? 1 : 0) + (entry.type === "Directory" ? count(entry) : 0)
      return sum
    }
    if (node.type !== "Directory") return count(this.root)
    return 2 + Array.from(node.entries.values()).filter(({ type }) => type === "Directory").length
  }

  chmod(path: string, mode: number): void {
    this.existing(path, "chmod").mode = mode
  }

  utimes(path: string, atimeMs: number, mtimeMs: number): void {
    Object.assign(this.existing(path, "utime"), { atimeMs, mtimeMs })
  }

  // ------------------------------------------------------------------- names

  mkdir(path: string, mode = 0o777): void {
    const { directory, name, node } = this.locate(path, "mkdir")
    if (node !== undefined) throw new DiskError("EEXIST", "mkdir", path)
    this.setNames("mkdir", path, [{ directory, name, node: this.newDirectory(mode) }])
  }

  /** Names in the order of their making. */
  readdir(path: string): ReadonlyArray<{ readonly name: string; readonly type: Node["type"] }> {
    this.look("scandir", path)
    return Array.from(this.existingDirectory(path, "scandir").entries, ([name, { type }]) => ({ name, type }))
  }

  unlink(path: string): void {
    const { directory, name, node } = this.locate(path, "unlink")
    if (node === undefined) throw new DiskError("ENOENT", "unlink", path)
    if (node.type === "Directory") throw new DiskError("EISDIR", "unlink", path)
    this.setNames("unlink", path, [{ directory, name, node: undefined }])
  }

  rmdir(path: string): void {
    const { directory, name, node } = this.locate(path, "rmdir")
    if (node === undefined) throw new DiskError("ENOENT", "rmdir", path)
    if (node.type !== "Directory") throw new DiskError("ENOTDIR", "rmdir", path)
    if (node === this.root) throw new DiskError("EBUSY", "rmdir", path)
    if (node.entries.size > 0) throw new DiskError("ENOTEMPTY", "rmdir", path)
    this.setNames("rmdir", path, [{ directory, name, node: undefined }])
  }

  /** rename(2): what has the new name is replaced in the same step. */
  rename(from: string, to: string): void {
    const source = this.locate(from, "rename")
    const { node } = source
    const target = this.locate(to, "rename")
    if (node === undefined) throw new DiskError("ENOENT", "rename", from)
    if (node === this.root || target.node === this.root) throw new DiskError("EBUSY", "rename", from)
    if (target.node === node) return
    if (node.type === "Directory" && this.isWithin(target.directory, node))
      throw new DiskError("EINVAL", "rename", from)
    if (target.node !== undefined) {
      if (target.node.type === "Directory" && this.isWithin(source.directory, target.node))
        throw new DiskError("ENOTEMPTY", "rename", from)
      if (node.type === "Directory" && target.node.type !== "Directory") throw new DiskError("ENOTDIR", "rename", from)
      if (node.type !== "Directory" && target.node.type === "Directory") throw new DiskError("EISDIR", "rename", from)
      if (target.node.type === "Directory" && target.node.entries.size > 0)
        throw new DiskError("ENOTEMPTY", "rename", from)
    }
    this.setNames("rename", from, [
      { directory: source.directory, name: source.name, node: undefined },
      { directory: target.directory, name: target.name, node }
    ])
  }

  private isWithin(directory: DirectoryNode, outer: DirectoryNode): boolean {
    if (directory === outer) return true
    for (const entry of outer.entries.values())
      if (entry.type === "Directory" && this.isWithin(directory, entry)) return true
    return false
  }

  link(existing: string, path: string): void {
    const node = this.existing(existing, "link", false)
    const { directory, name, node: taken } = this.locate(path, "link")
    if (taken !== undefined) throw new DiskError("EEXIST", "link", path)
    if (node.type === "Directory") throw new DiskError("EPERM", "link", existing)
    this.setNames("link", path, [{ directory, name, node }])
  }

  symlink(target: string, path: string): void {
    const { directory, name, node } = this.locate(path, "symlink")
    if (node !== undefined) throw new DiskError("EEXIST", "symlink", path)
    this.setNames("symlink", path, [
      { directory, name, node: { ...this.metadata(0o777), type: "SymbolicLink", target } }
    ])
  }

  readlink(path: string): string {
    const node = this.existing(path, "readlink", false)
    if (node.type !== "SymbolicLink") throw new DiskError("EINVAL", "readlink", path)
    return node.target
  }

  realpath(path: string): string {
    const { directory, name, node } = this.follow(path, "realpath")
    if (node === undefined) throw new DiskError("ENOENT", "realpath", path)
    const find = (from: DirectoryNode, at: string): string | undefined => {
      if (from === directory) return at
      for (const [name, entry] of from.entries) {
        const found = entry.type === "Directory" ? find(entry, `${at}/${name}`) : undefined
        if (found !== undefined) return found
      }
      return undefined
    }
    return `${find(this.root, "")}/${name}`.replace(/(.)\/$/, "$1")
  }

  // ------------------------------------------------------------------- bytes

  open(path: string, flag: OpenFlag = "r", mode = 0o666): Handle {
    const creates = !flag.startsWith("r")
    const found = flag.includes("x") ? this.locate(path, "open") : this.follow(path, "open")
    let { node } = found
    if (node !== undefined && flag.includes("x")) throw new DiskError("EEXIST", "open", path)
    if (node === undefined) {
      if (!creates) throw new DiskError("ENOENT", "open", path)
      node = { ...this.metadata(mode), type: "File", data: empty, durable: empty, pending: [] }
      this.setNames("open", path, [{ directory: found.directory, name: found.name, node }])
    }
    const writable = flag !== "r"
    if (node.type === "SymbolicLink" || (node.type === "Directory" && writable))
      throw new DiskError("EISDIR", "open", path)
    if (flag.startsWith("w") && node.type === "File" && node.data.length > 0) this.change(node, { length: 0 })
    const readable = flag.startsWith("r") || flag.includes("+")
    return { node, readable, writable, append: flag.startsWith("a"), epoch: this.crashes, path }
  }

  private file(handle: Handle, syscall: string): FileNode {
    if (handle.epoch !== this.crashes) throw new DiskError("EBADF", syscall)
    if (handle.node.type === "Directory") throw new DiskError("EISDIR", syscall)
    return handle.node
  }

  private change(node: FileNode, change: Change) {
    node.data = apply(node.data, change)
    node.pending.push(change)
    node.mtimeMs = this.now()
  }

  /** pread(2): how many bytes came, 0 at the end. */
  read(handle: Handle, buffer: Uint8Array, position: number): number {
    const node = this.file(handle, "read")
    if (!handle.readable) throw new DiskError("EBADF", "read")
    if (this.faults.strikes("eio-read")) throw new DiskError("EIO", "read", handle.path)
    const bytes = node.data.subarray(position, position + buffer.length)
    buffer.set(bytes)
    return bytes.length
  }

  /**
   * pwrite(2), or at the end of a file that is open to append: how many bytes were written. A full disk takes those
   * that fit, if any; the next write fails with `ENOSPC`.
   */
  write(handle: Handle, bytes: Uint8Array, position: number): number {
    const node = this.file(handle, "write")
    if (!handle.writable) throw new DiskError("EBADF", "write")
    if (bytes.length === 0) return 0
    if (this.faults.strikes("eio-write")) throw new DiskError("EIO", "write", handle.path)
    const offset = handle.append ? node.data.length : position
    const free = this.capacity - this.used()
    const grows = Math.max(0, offset + bytes.length - node.data.length)
    const isFull = grows > free
    const room = isFull ? Math.max(0, bytes.length - (grows - free)) : bytes.length
    if (isFull) this.faults.count("enospc")
    if (room === 0 || (!isFull && this.faults.strikes("enospc"))) throw new DiskError("ENOSPC", "write", handle.path)
    this.change(node, { offset, bytes: bytes.slice(0, room) })
    return room
  }

  truncate(handle: Handle, length: number): void {
    const node = this.file(handle, "ftruncate")
    if (!handle.writable) throw new DiskError("EINVAL", "ftruncate")
    if (length - node.data.length > this.capacity - this.used()) throw new DiskError("ENOSPC", "ftruncate", handle.path)
    this.change(node, { length })
  }

  private used(): number {
    if (this.capacity === Infinity) return 0
    const seen = new Set<Node>()
    const sum = (directory: DirectoryNode): number => {
      let bytes = 0
      for (const node of directory.entries.values()) {
        if (node.type === "Directory") bytes += sum(node)
        else if (node.type === "File" && !seen.has(node)) bytes += node.data.length
        seen.add(node)
      }
      return bytes
    }
    return sum(this.root)
  }

  /**
   * close(2), for those who hear what it says. Where it fails, as on a network's disk that had put off a write, what was
   * not synced is gone; the handle is closed all the same, and must not be used again.
   */
  close(handle: Handle): void {
    const { node } = handle
    if (handle.epoch !== this.crashes) throw new DiskError("EBADF", "close")
    if (node.type !== "File" || !handle.writable || !this.faults.strikes("eio-close")) return
    node.pending = []
    node.data = node.durable
    throw new DiskError("EIO", "close", handle.path)
  }

  /** fsync(2) of a file makes its bytes durable, of a directory its names. */
  sync(handle: Handle): void {
    if (handle.epoch !== this.crashes) throw new DiskError("EBADF", "fsync")
    if (this.faults.strikes("lying-sync")) return
    const { node } = handle
    const fails = this.faults.strikes("eio-sync")
    if (node.type === "File") {
      if (!fails) for (const change of node.pending) node.durable = apply(node.durable, change)
      node.pending = []
    } else if (!fails) this.keepNames(({ directory }) => directory === node)
    if (fails) throw new DiskError("EIO", "fsync", handle.path)
  }

  /** Makes changes of names durable that touch a directory; those of a rename become so together. */
  private keepNames(touches: (set: NameChange["sets"][number]) => boolean) {
    let rest: Array<NameChange> = []
    for (const change of this.names) {
      if (!change.sets.some(touches)) {
        rest.push(change)
        continue
      }
      this.settle(change)
      // An earlier change of a name must not come back over a later one that is durable.
      const isSettled = ({ directory, name }: NameChange["sets"][number]) =>
        change.sets.some((set) => set.directory === directory && set.name === name)
      rest = rest.map(({ sets }) => ({ sets: sets.filter((set) => !isSettled(set)) }))
    }
    this.names = rest
  }

  private settle({ sets }: NameChange) {
    for (const { directory, name, node } of sets)
      if (node === undefined) directory.durable.delete(name)
      else directory.durable.set(name, node)
  }

  // ------------------------------------------------------------------- crash

  /** Loses power: keeps what is durable and a random part of what is pending. Open files are closed. */
  crash(random: Randomness = this.random): void {
    this.crashes++
    for (const change of this.names)
      if (random() < 0.5) this.settle(this.isDoubled(change) ? { sets: change.sets.slice(1) } : change)
      else this.faults.count("unnamed")
    this.names = []
    const seen = new Set<Node>()
    const restore = (directory: DirectoryNode) => {
      if (seen.has(directory)) return
      seen.add(directory)
      directory.entries.clear()
      for (const [name, node] of directory.durable) {
        directory.entries.set(name, node)
        if (node.type === "Directory") restore(node)
        else if (node.type === "File" && !seen.has(node)) this.forget(node, random)
        seen.add(node)
      }
    }
    restore(this.root)
  }

  /** Whether a rename of a file leaves the name it had, where that is durable. */
  private isDoubled({ sets: [before, now] }: NameChange): boolean {
    return (
      now?.node?.type === "File" &&
      before?.directory.durable.get(before.name) === now.node &&
      this.faults.strikes("doubled")
    )
  }

  /**
   * All files by their paths, as they are seen now. It is a look from outside, for what must hold of them: nothing goes
   * wrong, and it is no operation of the program.
   */
  contents(): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>()
    const walk = (directory: DirectoryNode, path: string) => {
      for (const [name, node] of directory.entries)
        if (node.type === "Directory") walk(node, `${path}${name}/`)
        else if (node.type === "File") files.set(path + name, node.data.slice())
    }
    walk(this.root, "/")
    return files
  }

  /** As a failure shows it: the bytes of each file. */
  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(Array.from(this.contents(), ([path, { length }]) => [path, length]))
  }

  private forget(node: FileNode, random: Randomness) {
    for (const change of node.pending) {
      if ("length" in change) {
        if (random() < 0.5) node.durable = apply(node.durable, change)
        continue
      }
      const { offset, bytes } = change
      // Sectors are those of the file, so a write may begin and end within one.
      const pieces: Array<Change> = []
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(bytes.length, (Math.floor((offset + at) / this.sector) + 1) * this.sector - offset)
        pieces.push({ offset: offset + at, bytes: bytes.subarray(at, end) })
        at = end
      }
      // Wholly kept, wholly lost and torn are equally likely, however many pieces there are.
      const fate = pieces.length === 1 ? below(random, 2) : below(random, 3)
      const kept = pieces.filter(() => fate === 1 || (fate === 2 && random() < 0.5))
      for (const piece of kept) node.durable = apply(node.durable, piece)
      if (kept.length === 0) this.faults.count("lost")
      else if (kept.length < pieces.length) this.faults.count("torn")
    }
    node.pending = []
    node.data = node.durable
  }
}

/** Makes an empty disk. */
export const make = (options?: DiskOptions): SimulatedDisk => new SimulatedDisk(options)
