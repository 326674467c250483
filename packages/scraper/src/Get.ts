/**
 * URLs to files, from the outside: opens the directory and what lies in it, runs
 * the line of `Pipeline.ts`, streams the outcomes.
 */
import { nextOf } from "@simul/core/Concurrently"
import { WaitReason } from "@simul/core/WaitReason"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Control from "./Control.ts"
import * as Lines from "./Lines.ts"
import type { List } from "./List.ts"
import * as OptionKind from "./OptionKind.ts"
import { complete, defaults, type Given, kinds, type Options } from "./Options.ts"
import type { Outcome } from "./Outcome.ts"
import * as Pipeline from "./Pipeline.ts"
import type { Progress } from "./Progress.ts"
import * as Resume from "./Resume.ts"
import {
  type DirectoryGone,
  DirectoryUnusable,
  ListUnreadable,
  type RunError,
  standardInput,
  StoreUnusable,
  TooFewFiles
} from "./RunError.ts"
import { Session } from "./Session.ts"
import * as HttpSession from "./session/HttpSession.ts"
import { DiskFull, Sink } from "./Sink.ts"
import * as ArchiveFile from "./sink/ArchiveFile.ts"
import * as ArchiveIndex from "./sink/ArchiveIndex.ts"
import * as FileSink from "./sink/FileSink.ts"
import * as WarcSink from "./sink/WarcSink.ts"
import { Store, StoreFull, unnamed } from "./Store.ts"
import * as ControlSocket from "./store/ControlSocket.ts"
import * as Directory from "./store/Directory.ts"
import { partsOf } from "./store/DirectoryLock.ts"
import * as ListFile from "./store/ListFile.ts"
import * as OpenFiles from "./store/OpenFiles.ts"

export type { Options } from "./Options.ts"
export type { Progress, SlowHost } from "./Progress.ts"

/**
 * Where URLs come from. Files and bytes hold one URL a line, blank lines and `#` comments skipped; all are read by
 * demand. A file is continued where an earlier run stopped in it.
 */
export type Source =
  | { readonly file: string }
  | { readonly bytes: AsyncIterable<Uint8Array> }
  | { readonly urls: Iterable<string> | AsyncIterable<string> | Stream.Stream<string> }

/** A run that goes on. Closing its scope stops it cleanly: what is in flight is asked again by the next run. */
export interface Run {
  /** Each outcome once, after it was committed. Ends when every target has one. */
  readonly outcomes: Stream.Stream<Outcome, RunError>
  readonly progress: () => Progress
  /** Why nothing is kept any more: what was saved and what is left to do cannot be told from the directory. */
  readonly gone: () => DirectoryGone | StoreUnusable | undefined
}

/**
 * Opens the directory and starts fetching, as fast as `outcomes` is pulled.
 *
 * Closing the scope stops cleanly: bodies that can be continued are kept, and
 * the same call goes on where this one stopped. Fails where the run cannot start
 * or go on; a URL that fails is an outcome. A `Sink` or a `Session` of one's own is
 * provided like any service, and takes the place of the run's.
 */
export const open = (source: Source, given: Given<Options> = {}) =>
  OptionKind.check(kinds, given).pipe(
    Effect.andThen(OptionKind.check(sourceKinds, ofSource(source))),
    // before a directory is made for it
    Effect.andThen(() => ("file" in source ? ListFile.look(source.file) : Effect.void)),
    Effect.andThen(() => {
      const options = complete(defaults, given)
      return openRun((store, run) => listOf(source, store, run, options.refresh), options)
    })
  )

type Sources = { readonly file: unknown; readonly bytes: unknown; readonly urls: unknown; readonly source: unknown }

/** The one that is given; what has none of them is no source. */
const ofSource = (source: unknown): Partial<Sources> => {
  const given: Partial<Sources> = Object(source)
  if ("file" in given) return { file: given.file ?? null }
  if ("bytes" in given) return { bytes: given.bytes ?? null }
  return "urls" in given ? { urls: given.urls ?? null } : { source: source ?? null }
}
const sourceKinds: OptionKind.Kinds<Sources> = {
  file: OptionKind.text,
  bytes: { takes: "an AsyncIterable of bytes", has: (value) => Symbol.asyncIterator in Object(value) },
  urls: {
    ...OptionKind.urls,
    takes: "an array of URLs, or another iterable of them",
    has: (value) => OptionKind.urls.has(value) || Symbol.asyncIterator in Object(value) || Stream.isStream(value)
  },
  source: { isSecret: true, takes: "an object with file, bytes or urls", has: () => false }
}

/** The same for a list that is made of what the store has. `last`: what is made when all outcomes are told. */
export const openRun = Effect.fnUntraced(function* <E, R>(
  listFrom: (store: Store["Service"], run: number) => Effect.Effect<List, E, R>,
  asked: Options,
  steering?: (line: Pipeline.Line, store: Store["Service"], list: number) => Control.Steer,
  last: Effect.Effect<void, RunError> = Effect.void
) {
  // records have no names
  const { jobs, mostFiles = Infinity } = OpenFiles.affordable(asked.jobs)
  if (jobs === 0) return yield* new TooFewFiles({ mostFiles, least: OpenFiles.least })
  const names = asked.format === "warc" ? ({ naming: "tree", serverNames: false } as const) : {}
  const options: Options = { ...asked, jobs, ...names }
  const { store, run, gone } = yield* settled(Directory.open(options.directory, options.durability))
  const ownSink = yield* Effect.serviceOption(Sink)
  const sink = yield* sinkOf(store, options, ownSink)

  yield* settled(Resume.mend(store, sink, options.onCheck))
  const list = yield* listFrom(store, run)
  const ownSession = yield* Effect.serviceOption(Session)
  const session = Option.isSome(ownSession) ? ownSession.value : yield* HttpSession.make(options)
  const line = yield* Pipeline.start(list, options).pipe(
    Effect.provideService(Session, session),
    Effect.provideService(Sink, sink),
    Effect.provideService(Store, store),
    settled
  )
  const control = Effect.fn("control")(function* () {
    yield* Effect.sleep(listensAfter)
    yield* ControlSocket.listen(options.directory, Control.obey(line.reins, steering?.(line, store, list.number)))
  })
  yield* Effect.forkScoped(control())
  const committed = Stream.provideService(Stream.fromPull(Effect.succeed(line.take)), WaitReason, "a commit")
  const index =
    options.format === "files" || Option.isSome(ownSink)
      ? Effect.void
      : ArchiveIndex.renew(store, { ...options, parts: partsOf(options.directory) })
  // a run that ends before it has made all goes on with that
  const rest = Effect.andThen(Effect.andThen(index, last), line.finish)
  const outcomes = Stream.concat(committed, Stream.drain(Stream.fromEffect(rest)))
  // by name, or whoever looks at the type is shown each field of each outcome
  const opened: Run = { progress: line.progress, outcomes: Stream.mapError(outcomes, unwaited), gone }
  return opened
})

/** A run that ends sooner is not spoken to, and need not load what listens; whoever speaks to a run waits for longer. */
const listensAfter = "250 millis"

/** The line waits for room by itself; at the start there is nobody to wait. */
export const settled = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, StoreFull> | StoreUnusable, R> => Effect.mapError(effect, unwaited)
const unwaited = <E>(error: E): Exclude<E, StoreFull> | StoreUnusable =>
  error instanceof StoreFull
    ? new StoreUnusable({ file: error.file, detail: "no room on the disk" })
    : (error as Exclude<E, StoreFull>)

/** One's own, or that of the format. Archives are mended whatever it is: they must not wait for another run of theirs. */
const sinkOf = Effect.fnUntraced(function* (
  store: Store["Service"],
  options: Options,
  own: Option.Option<Sink["Service"]>
) {
  const { directory } = options
  const archives = yield* settled(store.archives)
  yield* Effect.try({
    try: () => ArchiveFile.mend(directory, archives),
    catch: DirectoryUnusable.of(directory)
  })
  if (Option.isSome(own)) return own.value
  const parts = partsOf(directory)
  if (options.format === "files") return FileSink.make({ ...options, parts })
  return yield* WarcSink.make({
    ...options,
    parts,
    archives,
    captured: (digests) => settled(store.captured(digests)),
    announce: (name) =>
      Effect.catchTag(store.announce(name), "StoreFull", () => Effect.fail(new DiskFull({ path: name }))),
    about: [
      ["software", defaults.userAgent],
      ["format", "WARC File Format 1.1"],
      ["conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"],
      ["robots", options.robots ? "classic" : "ignore"],
      ["http-header-user-agent", options.userAgent]
    ]
  })
})

/** `isRefresh`: what is done is asked again, so the list is read from its start, or where a refresh of it was stopped. */
const listOf = Effect.fnUntraced(function* (source: Source, store: Store["Service"], run: number, isRefresh: boolean) {
  if ("file" in source) {
    const { batches, ...list } = yield* ListFile.openList(source.file, yield* settled(store.places(isRefresh)))
    const next = yield* nextBatch(batches, source.file)
    return yield* settled(Resume.listOf(store, run, { ...list, isRefresh, next }))
  }
  return {
    number: yield* settled(store.newList),
    name: unnamed,
    run,
    freshSince: isRefresh ? run : 0,
    targets: 0,
    invalid: 0,
    skipped: 0,
    next:
      "bytes" in source
        ? yield* nextBatch(Lines.fromBytes(source.bytes, { bytes: 0, lines: 0 }), standardInput)
        : yield* Lines.fromUrls(source.urls)
  } satisfies List
})

/** A list that cannot be read on ends the run; what it had given is in the store. */
const nextBatch = (
  batches: AsyncIterable<Lines.Batch>,
  file: string
): Effect.Effect<List["next"], never, Scope.Scope> =>
  Effect.map(nextOf(batches), (next) =>
    Effect.catchDefect(next, (defect) => {
      const { code } = defect as NodeJS.ErrnoException
      // ERR_: Node's word for a wrong call, so for a fault of ours
      return typeof code === "string" && !code.startsWith("ERR_")
        ? Effect.fail(new ListUnreadable({ file, code }))
        : Effect.die(defect)
    })
  )

/**
 * The outcomes of a list of URLs, as a Stream.
 *
 * Interrupting it stops cleanly; running it again goes on.
 */
export const outcomes = (
  urls: Iterable<string> | AsyncIterable<string> | Stream.Stream<string>,
  options?: Given<Options>
): Stream.Stream<Outcome, RunError> => Stream.unwrap(Effect.map(open({ urls }, options), (run) => run.outcomes))

/** How a program without Effect stops a run that it waits for. */
export interface Stop {
  /** Aborted: the run stops cleanly and at once, and the loop throws the signal's reason when it asks for more. */
  readonly signal?: AbortSignal | undefined
}

/** The outcomes for a program without Effect. */
export const iterate = (outcomes: Stream.Stream<Outcome, RunError>, stop: Stop = {}): AsyncIterable<Outcome> =>
  Stream.toAsyncIterable(
    Stream.unwrap(
      Effect.map(OptionKind.check(stopKinds, { "the last argument": stop, signal: Object(stop).signal }), () =>
        stop.signal === undefined ? outcomes : until(aborted(stop.signal), outcomes)
      )
    )
  )

const isSignal = (value: unknown) => Object(value) === value && "addEventListener" in Object(value)
/** Whatever else the last argument has is the caller's. */
const stopKinds = {
  "the last argument": OptionKind.record("{ signal }", (value) => !isSignal(value)),
  signal: { takes: "an AbortSignal", has: isSignal }
}

/** A fiber of its own pulls the run: it is to stop also while the loop is at work and pulls nothing. */
const until = (stopped: Effect.Effect<never>, outcomes: Stream.Stream<Outcome, RunError>) =>
  Stream.callback<Outcome, RunError>((queue) =>
    outcomes.pipe(
      Stream.runForEachArray((some) => Queue.offerAll(queue, some)),
      Effect.raceFirst(stopped),
      Effect.andThen(Queue.end(queue))
    )
  )

const aborted = (signal: AbortSignal) =>
  Effect.callback<never>((resume) => {
    const abort = () => resume(Effect.die(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

/**
 * The same for programs without Effect: `for await (const outcome of get(urls, { directory }))`.
 *
 * Leaving the loop stops cleanly, and so does a signal: `get(urls, { directory }, { signal })`. Throws a `RunError` where
 * the run cannot start or go on.
 */
export const get = (
  urls: Iterable<string> | AsyncIterable<string>,
  options?: Given<Options>,
  stop?: Stop
): AsyncIterable<Outcome> => iterate(outcomes(urls, options), stop)
