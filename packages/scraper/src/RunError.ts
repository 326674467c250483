/**
 * Why a run could not start or go on. A failed URL is never one of these: it is
 * an `Outcome`.
 */
import * as Schema from "effect/Schema"
import { ProxyError } from "./FetchError.ts"
import { codeOf, isFull } from "./sink/SystemError.ts"

/** Another run works in the directory, which `isOwn` if this program holds it. `pid` is absent where it could not be read. */
export class DirectoryLocked extends Schema.TaggedError<DirectoryLocked>()("DirectoryLocked", {
  directory: Schema.String,
  pid: Schema.optionalKey(Schema.Int),
  isOwn: Schema.Boolean
}) {
  override get message() {
    if (this.isOwn) return `${this.directory} is in use by another run of this program`
    return `${this.directory} is in use by another simul${this.pid === undefined ? "" : ` (process ${this.pid})`}`
  }
  readonly hint = this.isOwn
    ? "await the end of that run, or give this one another `directory`"
    : "wait for it, stop it, or choose another directory with `-o`"
}

/**
 * The directory cannot be made or written; or what lies there cannot be looked at (`isUnseen`), so nobody can tell what
 * is saved. `code` is the system's, SQLite's word where that tells none, or `EUNSAFE` for state that is a link or another user's.
 */
export class DirectoryUnusable extends Schema.TaggedError<DirectoryUnusable>()("DirectoryUnusable", {
  directory: Schema.String,
  code: Schema.String,
  isUnseen: Schema.optionalKey(Schema.Boolean)
}) {
  override get message() {
    if (this.isUnseen) return `cannot look at ${this.directory} (${this.code})`
    if (this.code === "EUNSAFE") return `${this.directory}/.simul is a link, or belongs to another user`
    return this.code === "EEXIST" || this.code === "ENOTDIR"
      ? `${this.directory} is a file, or lies below one: no directory can be made there`
      : `cannot write to ${this.directory} (${this.code})`
  }
  /** That, by what the system said of it. */
  static of(directory: string, isUnseen = false) {
    return (error: unknown) => {
      return new DirectoryUnusable({ directory, code: codeOf(error), ...(isUnseen && { isUnseen }) })
    }
  }
  // in another directory everything would be fetched again
  readonly hint = this.isUnseen
    ? "look at its disk, its permissions and those of the folders above it; then the same command goes on"
    : isFull(this.code)
      ? "make room on its disk, or choose another directory with `-o`"
      : this.code === "EUNSAFE"
        ? "nothing was written; choose another directory with `-o`, or make it your own (`chown`)"
        : "choose a directory that you may write to with `-o`"
}

/** The system lets this process open so few files that no transfer would end for certain. Nothing was begun. */
export class TooFewFiles extends Schema.TaggedError<TooFewFiles>()("TooFewFiles", {
  mostFiles: Schema.Int,
  least: Schema.Int
}) {
  override get message() {
    return `this process may have ${this.mostFiles} files open, and a run needs ${this.least}`
  }
  readonly hint = "`ulimit -n 1024` raises that for the shell it is run in"
}

/** No run was ever made in the directory. */
export class NoStore extends Schema.TaggedError<NoStore>()("NoStore", { directory: Schema.String }) {
  override get message() {
    return `no run in ${this.directory}`
  }
  readonly hint = "name the directory that a run wrote to, by its `-o`"
}

/** No run works in the directory, or one that takes no commands. */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", {
  directory: Schema.String,
  isLocked: Schema.Boolean
}) {
  override get message() {
    return this.isLocked ? `the run in ${this.directory} takes no commands` : `no run works in ${this.directory}`
  }
  readonly hint = this.isLocked
    ? "it is ending, or it is another user's, or its simul is older"
    : "the command that began it starts it, or goes on; name the directory that it writes to"
}

/** The run ended before it had answered a command. */
export class RunGone extends Schema.TaggedError<RunGone>()("RunGone", { directory: Schema.String }) {
  override get message() {
    return `the run in ${this.directory} ended before it answered`
  }
  readonly hint = "`simul report` says how it ended; the same command goes on with what is left"
}

/** A command that a run cannot follow. */
export class CommandImpossible extends Schema.TaggedError<CommandImpossible>()("CommandImpossible", {
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `the run in ${this.directory} cannot do that: ${this.detail}`
  }
}

/** The state was written by a newer version. */
export class StoreNewer extends Schema.TaggedError<StoreNewer>()("StoreNewer", {
  file: Schema.String,
  version: Schema.Int,
  known: Schema.Int
}) {
  override get message() {
    return `${this.file} has format ${this.version}; this simul knows formats up to ${this.known}`
  }
  readonly hint = "use the newer simul, or another directory"
}

/** The state cannot be read. It is left as it is. */
export class StoreDamaged extends Schema.TaggedError<StoreDamaged>()("StoreDamaged", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file} is damaged: ${this.detail}`
  }
  // with the log beside it, which would be written into another
  readonly hint = `nothing was deleted; to start over move ${this.file.replace(/[/\\][^/\\]*$/, "")} away, then every URL is asked again`
}

/** What lies where the state would be is a database of another program. It is left as it is. */
export class StoreForeign extends Schema.TaggedError<StoreForeign>()("StoreForeign", { file: Schema.String }) {
  override get message() {
    return `${this.file} is a database of another program: it is left as it is`
  }
  readonly hint = "choose another directory with `-o`, or move that file away"
}

/** The state cannot be read or written, and nothing says that it is damaged. `detail` is SQLite's word. */
export class StoreUnusable extends Schema.TaggedError<StoreUnusable>()("StoreUnusable", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `cannot read or write ${this.file}: ${this.detail}`
  }
  readonly hint = "look at its disk: room, quota, limits, permissions; then the same command goes on"
}

/** Another program keeps the state locked, for longer than it is waited for. */
export class StoreLocked extends Schema.TaggedError<StoreLocked>()("StoreLocked", { file: Schema.String }) {
  override get message() {
    return `${this.file} is locked by another program`
  }
  readonly hint = "close what has it open, as a database browser or a backup; then the same command goes on"
}

/** The state of a run was removed, or its directory renamed, while it worked there. */
export class DirectoryGone extends Schema.TaggedError<DirectoryGone>()("DirectoryGone", { directory: Schema.String }) {
  override get message() {
    return `${this.directory}/.simul is gone: it was removed or renamed while a run worked with it`
  }
  readonly hint = "put it back and the same command goes on; without it every URL is asked again"
}

export type StoreFault = StoreDamaged | StoreUnusable | StoreLocked | DirectoryGone

/**
 * The proxy `proxy` (its origin) did not answer, as often as it was tried, nor did anything else. `code` as a
 * `ProxyError` has it.
 */
export class ProxyUnusable extends Schema.TaggedError<ProxyUnusable>()("ProxyUnusable", {
  proxy: Schema.String,
  code: Schema.String,
  tries: Schema.Int
}) {
  override get message() {
    const { proxy, code } = this
    return `${new ProxyError({ proxy, code }).message}${this.tries > 1 ? `, tried ${this.tries} times` : ""}`
  }
  readonly hint =
    "`--proxy` (or HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) names another, `NO_PROXY=HOST` a host without one; then the same command goes on"
}

/** The `file` of a list that has no name. */
export const standardInput = "on standard input"

/** The list of URLs cannot be read. `code` is the system's, or what the list is instead of text. */
export class ListUnreadable extends Schema.TaggedError<ListUnreadable>()("ListUnreadable", {
  file: Schema.String,
  code: Schema.String
}) {
  override get message() {
    return `cannot read the list ${this.file} (${this.code})`
  }
  readonly hint = this.code.startsWith("UTF-16")
    ? `a list is UTF-8: \`iconv -f ${this.code} -t UTF-8 LIST | simul get -i -\``
    : this.code === "gzip"
      ? "a list is plain text: `gzip -dc LIST | simul get -i -`"
      : this.file === standardInput
        ? "see what writes to it, then run the same command again"
        : "check the name after `-i`; `-i -` reads standard input"
}

/** What was to be read for its pages is not there, or may not be read. */
export class PathUnreadable extends Schema.TaggedError<PathUnreadable>()("PathUnreadable", {
  path: Schema.String,
  code: Schema.String
}) {
  override get message() {
    return this.code === "ENOENT"
      ? `no such file or directory: ${this.path}`
      : `cannot read ${this.path} (${this.code})`
  }
  readonly hint = "name saved pages, a folder of them, an archive (.warc.gz), or what `simul get -o` wrote to"
}

/** An option is none, or what it says cannot be used: its kind, or a file that it names (CA certificates, cookies). */
export class OptionUnusable extends Schema.TaggedError<OptionUnusable>()("OptionUnusable", {
  option: Schema.String,
  value: Schema.String,
  detail: Schema.String,
  /** There is no such option; `detail` says which there are. */
  isUnknown: Schema.optionalKey(Schema.Boolean)
}) {
  override get message() {
    return `${this.option} ${this.value}: ${this.detail}`
  }
  readonly hint =
    this.isUnknown === true
      ? `take one of those for ${this.option}, or leave it out`
      : `check the value of ${this.option}`
}

/** What lies where a mirror would be was not made by simul. */
export class MirrorUnusable extends Schema.TaggedError<MirrorUnusable>()("MirrorUnusable", { path: Schema.String }) {
  override get message() {
    return `${this.path} is no mirror that simul made: it is left as it is`
  }
  readonly hint = "move it away, then run the same command again"
}

/** There are no archives to pack. */
export class NothingArchived extends Schema.TaggedError<NothingArchived>()("NothingArchived", {
  directory: Schema.String
}) {
  override get message() {
    return `no archives in ${this.directory}`
  }
  readonly hint = "`simul get --format warc` and `simul crawl --format warc` make them"
}

/** An archive has other bytes than were committed. */
export class ArchiveDamaged extends Schema.TaggedError<ArchiveDamaged>()("ArchiveDamaged", {
  archive: Schema.String,
  expected: Schema.Int,
  found: Schema.Int
}) {
  override get message() {
    return `${this.archive} has ${this.found} of ${this.expected} bytes`
  }
  readonly hint = "`simul verify` says what of it is lost; the command that made it fetches that again"
}

/** What is sorted on the disk found no room there. `detail` is SQLite's word. */
export class TemporaryFolderUnusable extends Schema.TaggedError<TemporaryFolderUnusable>()("TemporaryFolderUnusable", {
  folder: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `cannot write to the temporary folder ${this.folder}: ${this.detail}`
  }
  readonly hint = "make room there, or name another folder with TMPDIR"
}

/** Why a run could not start or go on, by `_tag`. What is wrong with one URL is an outcome. */
export type RunError =
  | DirectoryLocked
  | DirectoryUnusable
  | TooFewFiles
  | NoStore
  | NotRunning
  | RunGone
  | CommandImpossible
  | StoreNewer
  | StoreForeign
  | StoreFault
  | ProxyUnusable
  | ListUnreadable
  | PathUnreadable
  | OptionUnusable
  | MirrorUnusable
  | NothingArchived
  | ArchiveDamaged
  | TemporaryFolderUnusable
