/**
 * One `map` on its way: items are pulled as there is room, travel in chunks, and
 * results are handed out as chunks, in the order of the source or of completion.
 *
 * 1. An item counts from its pull until the reader, having had its result, comes back
 *    for more; never more than `buffer` items count.
 * 2. At most two chunks a worker are under way, and as many wait for the reader.
 * 3. The first failure ends it: what came before in order is handed out first, the
 *    rest is cancelled.
 */
import type { Task } from "../Task.ts"
import { ChunkSize } from "./ChunkSize.ts"
import type { Engine } from "./Engine.ts"
import { ExecutorError, InvalidOption, SchemaMismatch } from "./ExecutorError.ts"
import type { Job } from "./Job.ts"
import { type OptionNames, unknownOption } from "./OptionNames.ts"
import type { SubmitSite } from "./SubmitSite.ts"
import { checkTask, isTask } from "./TaskEntry.ts"

/** How many items of a `map` travel at once, and how many are under way. */
export interface MapOptions {
  /** Items that travel as one message: as many as are about a millisecond of work (`auto`), or a number. */
  readonly chunk?: "auto" | number | undefined
  /** Most items between source and reader. Default: what two chunks a worker under way and two waiting hold. */
  readonly buffer?: number | undefined
  readonly priority?: number | undefined
  /** A chunk may be run again if its worker dies. */
  readonly idempotent?: boolean | undefined
  /** Moves the buffers that are items, or in items that are arrays or plain objects, instead of copying them. Processes copy. */
  readonly transfer?: boolean | undefined
}

export const mapNames: OptionNames<MapOptions> = {
  chunk: true,
  buffer: true,
  priority: true,
  idempotent: true,
  transfer: true
}

/** Results of neighbouring items, the first of which is `first` in the source. */
export interface Chunk<A> {
  readonly first: number
  readonly values: ReadonlyArray<A>
}

/** Bytes of an item that can be seen at a glance: large ones travel alone. */
const weigh = (item: unknown): number =>
  typeof item === "string" ? item.length : item instanceof ArrayBuffer || ArrayBuffer.isView(item) ? item.byteLength : 8
const heaviestChunk = 2 ** 20

const buffersOf = (item: unknown, found: Set<unknown>, depth = 2): void => {
  if (item === null || typeof item !== "object") return
  const buffer = ArrayBuffer.isView(item) ? item.buffer : item
  if (buffer instanceof ArrayBuffer) found.add(buffer)
  else if (depth > 0 && !ArrayBuffer.isView(item))
    for (const value of Object.values(item)) buffersOf(value, found, depth - 1)
}

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>

export class MapRun<A> {
  readonly #engine: Engine
  readonly #site: SubmitSite
  readonly #task: Task<any, A>
  readonly #ordered: boolean
  readonly #options: MapOptions
  readonly #size: ChunkSize
  readonly #buffer: number
  readonly #iterator: AnyIterator
  readonly #asynchronous: boolean
  readonly #length: number
  readonly #workers: number
  readonly #jobs = new Set<Job>()
  readonly #ready: Array<Chunk<A>> = []
  /** Chunks that came before their turn, by their first item. */
  readonly #early = new Map<number, Chunk<A>>()
  #following = 0
  #pulled = 0
  #given = 0
  /** Items of the chunk that the reader has. */
  #reading = 0
  #itemMs = Number.NaN
  #ended = false
  /** `at`: the item that failed; `first`: the first of its chunk that has no result. */
  #failure: { readonly error: unknown; readonly at: number; readonly first: number } | undefined
  #wake: (() => void) | undefined
  #items: Array<unknown> = []
  #weight = 0
  #pumping = false
  #flushing = false
  #closed = false
  #closing: Promise<void> | undefined
  readonly #endsPulls: boolean

  /**
   * `names`: all that the options may have. `endsPulls`: the source's `return` ends a pull that is under way, as that of
   * an Effect `Stream` does.
   */
  constructor(
    engine: Engine,
    source: Iterable<unknown> | AsyncIterable<unknown>,
    task: Task<any, A>,
    ordered: boolean,
    options: MapOptions | undefined,
    names: OptionNames<MapOptions>,
    site: SubmitSite,
    endsPulls = false
  ) {
    if ((isTask(source) || typeof source === "function") && !isTask(task)) {
      const expected = "the source, and the second one the task"
      const reason = new InvalidOption({ option: "the first argument", expected, got: source })
      throw new ExecutorError(reason, isTask(source) ? source.name : "map")
    }
    checkTask(task)
    const chunk = options?.chunk ?? "auto"
    const buffer = options?.buffer ?? Infinity
    const refuse = (reason: InvalidOption) => new ExecutorError(reason, task.name)
    const check = (option: string, value: number) => {
      if (!(value >= 1) || (value !== Infinity && !Number.isInteger(value)))
        throw refuse(new InvalidOption({ option, expected: "a whole number of at least 1", got: value }))
    }
    const iterable = Object(source)
    if (!(Symbol.iterator in iterable || Symbol.asyncIterator in iterable))
      throw refuse(new InvalidOption({ option: "the source", expected: "an Iterable or AsyncIterable", got: source }))
    const unknown = unknownOption(options, names)
    if (unknown !== undefined) throw refuse(unknown)
    if (chunk !== "auto") check("chunk", chunk)
    check("buffer", buffer)
    this.#engine = engine
    this.#site = site
    this.#task = task
    this.#ordered = ordered
    this.#options = options ?? {}
    this.#endsPulls = endsPulls
    this.#size = new ChunkSize(chunk)
    this.#buffer = buffer
    this.#workers = engine.options.maximum
    this.#asynchronous = !(Symbol.iterator in iterable)
    this.#length = Array.isArray(source) ? source.length : Infinity
    this.#iterator = this.#asynchronous ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]()
  }

  /**
   * The next results; `undefined` after the last, and when it is closed. Rejects with an `ExecutorError`, or with what
   * the source threw.
   */
  async next(): Promise<Chunk<A> | undefined> {
    this.#given += this.#reading
    this.#reading = 0
    for (;;) {
      this.#pump()
      const chunk = this.#ready.shift()
      if (chunk !== undefined) {
        this.#reading = chunk.values.length
        return chunk
      }
      if (
        this.#failure !== undefined &&
        (!this.#ordered || this.#jobs.size === 0 || this.#failure.first <= this.#following)
      ) {
        await this.close()
        throw this.#failure.error
      }
      if (this.#closed || (this.#ended && this.#jobs.size === 0 && this.#items.length === 0)) {
        await this.close()
        return undefined
      }
      await new Promise<void>((wake) => (this.#wake = wake))
    }
  }

  /** Cancels what is under way and returns the iterator. Resolves when no worker has any of it. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#closed = true
    this.#ready.length = 0
    this.#notify()
    const left = [...this.#jobs]
    this.#jobs.clear()
    await Promise.all(left.map((job) => new Promise<void>((done) => this.#engine.cancel(job, done))))
    if (this.#ended) return
    this.#ended = true
    try {
      const returned = this.#iterator.return?.()
      // generators and streams of the web return when the pull that is under way has ended, which may be never
      if (this.#pumping && !this.#endsPulls) Promise.resolve(returned).catch(() => {})
      else await returned
    } catch (error) {
      // as in a `for await` that is left by an error: that one is told
      if (this.#failure === undefined) throw error
    }
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Items that may be pulled for the chunk that is being filled. */
  #room(): number {
    const size = this.#size.next(this.#length - this.#pulled + this.#items.length, this.#workers)
    const share = Math.max(1, Math.floor(this.#buffer / (2 * this.#workers)))
    const waiting = this.#ready.length + this.#early.size
    if (this.#jobs.size >= 2 * this.#workers || this.#jobs.size + waiting >= 4 * this.#workers) return 0
    return Math.min(size, share, this.#buffer - (this.#pulled - this.#given)) - this.#items.length
  }

  #stopped(): boolean {
    return this.#ended || this.#closed || this.#failure !== undefined
  }

  #pump(): void {
    if (this.#pumping) return
    if (this.#asynchronous) return void this.#pumpAsync()
    try {
      while (!this.#stopped()) {
        let room = this.#room()
        if (room <= 0) return
        for (; room > 0 && this.#weight < heaviestChunk; room--) {
          const result = this.#iterator.next() as IteratorResult<unknown>
          if (result.done === true) {
            this.#ended = true
            break
          }
          this.#take(result.value)
        }
        this.#flush()
      }
    } catch (error) {
      this.#flush()
      this.#fail(error, this.#pulled)
    }
  }

  async #pumpAsync(): Promise<void> {
    this.#pumping = true
    try {
      while (!this.#stopped()) {
        if (this.#room() <= 0) {
          if (this.#items.length === 0) return
          this.#flush()
          continue
        }
        const result = await (this.#iterator as AsyncIterator<unknown>).next()
        if (result.done === true) {
          this.#ended = true
          break
        }
        this.#take(result.value)
        if (this.#room() <= 0 || this.#weight >= heaviestChunk) this.#flush()
        else this.#flushSoon()
      }
    } catch (error) {
      this.#flush()
      this.#fail(error, this.#pulled)
    } finally {
      this.#pumping = false
    }
    this.#flush()
    this.#notify()
  }

  #take(item: unknown): void {
    const sent = this.#encode(item)
    this.#pulled++
    this.#items.push(sent)
    this.#weight += weigh(sent)
  }

  #encode(item: unknown): unknown {
    const { codec, name } = this.#task
    if (codec === undefined) return item
    try {
      return codec.encode([item])[0]
    } catch (cause) {
      throw new ExecutorError(new SchemaMismatch("parameters", cause), name, 1, this.#pulled, undefined, this.#site)
    }
  }

  /** Items of a source that pauses are not held back until a chunk is full. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setTimeout(() => {
      this.#flushing = false
      this.#flush()
    }, 0)
  }

  #flush(): void {
    const items = this.#items
    if (items.length === 0 || this.#closed || this.#failure !== undefined) return
    this.#items = []
    this.#weight = 0
    const first = this.#pulled - items.length
    const { priority, idempotent } = this.#options
    let transfer: ReadonlyArray<unknown> | undefined
    if (this.#options.transfer === true) {
      const found = new Set<unknown>()
      for (const item of items) buffersOf(item, found)
      transfer = [...found]
    }
    let job: Job | undefined
    let settled = false
    job = this.#engine.submit(
      "chunk",
      this.#engine.entry(this.#task),
      items,
      { site: this.#site, priority: priority ?? undefined, idempotent, transfer },
      (error, values, ms) => {
        settled = true
        if (job !== undefined) this.#jobs.delete(job)
        if (this.#closed) return
        if (error === undefined) {
          this.#size.record(items.length, ms)
          this.#itemMs = ms / items.length
          this.#arrange({ first, values: values as ReadonlyArray<A> })
        } else {
          const before = (values ?? []) as ReadonlyArray<A>
          if (before.length > 0) this.#arrange({ first, values: before })
          const { reason, task, attempt, item = 0, lastItem = item } = error
          this.#fail(
            new ExecutorError(reason, task, attempt, first + item, first + lastItem, this.#site),
            first + item,
            first + before.length
          )
        }
        this.#pump()
        this.#notify()
      },
      { expectedMs: this.#itemMs * items.length }
    )
    if (!settled) this.#jobs.add(job)
  }

  #arrange(chunk: Chunk<A>): void {
    if (!this.#ordered) return void this.#ready.push(chunk)
    this.#early.set(chunk.first, chunk)
    for (let next; (next = this.#early.get(this.#following)) !== undefined;) {
      this.#early.delete(this.#following)
      this.#ready.push(next)
      this.#following += next.values.length
    }
  }

  #fail(error: unknown, at: number, first = at): void {
    if (this.#failure === undefined || at < this.#failure.at) this.#failure = { error, at, first }
    this.#notify()
  }
}
