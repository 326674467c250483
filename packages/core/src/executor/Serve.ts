/**
 * The worker's side: takes commands, runs tasks, replies. The same function
 * serves a thread, a process and the inline executor.
 *
 * To threads and processes its text is sent (`String(serve)`), so that a bundled
 * program needs no second file, and a worker starts without loading Effect or
 * this package. Hence it refers to nothing outside itself but what it is given.
 *
 * 1. Jobs begin in the order in which they came, `tasksPerWorker` at a time.
 * 2. Every `run`, `chunk` and `stream` gets exactly one last reply: `ok`,
 *    `failed` or `revoked`.
 * 3. A reply is posted, and on its way, before the next job begins: a crash takes
 *    only what runs.
 */
import type { EncodedError } from "./ErrorCodec.ts"
import type { Channel, Command, Problem, ServeSettings, TaskAddress, WorkerBoard } from "./Protocol.ts"
import type { TaskCodec } from "../Task.ts"

type Callable = (this: unknown, ...parameters: Array<any>) => unknown
type Run = Extract<Command, readonly ["run" | "chunk" | "stream", ...unknown[]]>

/** What `serve` is given: its end of the line and functions from outside. */
interface ServeParts {
  readonly channel: Channel
  readonly board: WorkerBoard
  readonly load: (url: string) => Promise<Readonly<Record<string, unknown>>>
  readonly encodeError: (thrown: unknown) => EncodedError
}

export function serve(parts: ServeParts, settings: ServeSettings): Promise<void> {
  const { channel, board, load, encodeError } = parts
  const tasks = new Map<number, TaskAddress & { run?: Callable }>()
  const waiting: Array<Run> = []
  const live = new Map<number, Context>()
  const nested = new Map<
    number,
    {
      context: Context
      address: TaskAddress
      parameters: ReadonlyArray<unknown>
      settle: (ok: boolean, value: unknown) => void
    }
  >()
  const now = () => performance.now()
  const endMs = () => (settings.timed ? performance.timeOrigin + now() : 0)
  let running = 0
  let asked = 0
  let told = 0

  /** What a task finds as its `this`. */
  class Context {
    position: number
    deadline: number
    controller: AbortController | undefined
    credit = 0
    wake: (() => void) | undefined
    constructor(position: number, deadline: number | undefined) {
      this.position = position
      this.deadline = deadline ?? Infinity
    }
    /** Gives the position, which is another task's from the last reply on. */
    end() {
      const { position } = this
      this.position = -1
      return position
    }
    cancelled() {
      return this.position < 0 || board.cancelled(this.position)
    }
    get signal() {
      this.controller ??= new AbortController()
      if (!this.controller.signal.aborted && this.cancelled()) this.abort()
      return this.controller.signal
    }
    abort() {
      this.controller?.abort(new DOMException("the task was cancelled", "AbortError"))
      this.wake?.()
    }
    progress(value: unknown) {
      if (this.position >= 0) channel.post(["progress", this.position, value])
    }
    async submit({ url, name, codec }: TaskAddress & { codec?: TaskCodec }, ...given: ReadonlyArray<unknown>) {
      if (typeof url !== "string" || typeof name !== "string")
        throw new TypeError(`a task must be of \`Task.module\` or \`inline\`, got ${name || "something else"}`)
      if (this.position < 0) throw new Error(`${name} was submitted by a task that has ended: await it there`)
      const parameters = codec ? codec.encode(given) : given
      const value = await new Promise((resolve, reject) => {
        const number = asked++
        const settle = (ok: boolean, value: unknown) => {
          nested.delete(number)
          if (ok) resolve(value)
          else reject(value)
        }
        channel.post(["submit", this.position, number, url, name, parameters])
        nested.set(number, { context: this, address: { url, name }, parameters, settle })
      })
      return codec ? codec.decode(value) : value
    }
  }

  const isThenable = (value: any): value is PromiseLike<unknown> =>
    value !== null && typeof value === "object" && typeof value.then === "function"

  // beside the errors, not in them: what a task throws may throw when it is read
  const problems = new WeakMap<object, Problem>()
  const problem = (problem: Problem) => {
    const error = new Error(problem.kind)
    problems.set(error, problem)
    return error
  }
  const problemOf = (error: any): Problem => problems.get(error) ?? { kind: "threw", error: encodeError(error) }

  const find = async (address: TaskAddress): Promise<Callable> => {
    let module: Readonly<Record<string, unknown>>
    try {
      module = await load(address.url)
    } catch (error: any) {
      throw problem(
        error?.code === "ERR_MODULE_NOT_FOUND" && error.url === address.url
          ? { kind: "missing", url: address.url }
          : { kind: "broken", url: address.url, error: encodeError(error) }
      )
    }
    const found = module[address.name]
    if (typeof found === "function") return found as Callable
    const exports = Object.keys(module).filter((name) => typeof module[name] === "function")
    const what = address.name in module ? typeof found : "nothing"
    throw problem({ kind: "export", url: address.url, name: address.name, found: what, exports })
  }

  const tell = () => {
    if (now() - told < 200) return
    told = now()
    channel.post(["usage", ...channel.usage()])
  }

  /** The first part of a value that cannot be posted; the engine's own search, `cloneFailure`, is too long a text to send. */
  const locate = (value: any, path: string, seen: Set<unknown>): Problem | undefined => {
    try {
      channel.check(value)
      return undefined
    } catch (error) {
      if (value !== null && typeof value === "object" && !seen.has(value)) {
        seen.add(value)
        let part = path
        try {
          for (const key of Object.keys(value)) {
            part = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`
            const found = locate(value[key], part, seen)
            if (found !== undefined) return found
          }
        } catch (thrown) {
          return clone(part, `throws ${said(thrown)}`)
        }
      }
      const plain = typeof value === "function" || typeof value === "symbol"
      const generator = /Generator\] could not be cloned/.test(said(error))
      const fact = plain ? `is a ${typeof value}` : generator ? "is a generator" : refused(error)
      return clone(path, fact)
    }
  }
  const clone = (path: string, fact: string): Problem => ({ kind: "clone", path, fact })
  const said = (thrown: unknown): string => {
    try {
      return String(thrown)
    } catch {
      return `a ${typeof thrown}`
    }
  }
  const refused = (error: unknown) => `is refused (${said(error)})`
  const refuse = (error: unknown, value: unknown, root: string): Problem =>
    locate(value, root, new Set()) ?? clone(root, refused(error))

  const succeed = (position: number, value: unknown, began: number) => {
    const ms = now() - began
    try {
      channel.post(["ok", position, value, ms, endMs()], value)
    } catch (error) {
      channel.post(["failed", position, refuse(error, value, "result"), ms, endMs()])
    }
  }
  const fail = (position: number, error: unknown, began: number) =>
    channel.post(["failed", position, problemOf(error), now() - began, endMs()])

  const runChunk = (
    run: Callable,
    context: Context,
    command: Run & readonly ["chunk", ...unknown[]],
    began: number
  ) => {
    const [, position, , items, , exact] = command
    const values: Array<unknown> = []
    /** Gives what the items gave, or what they gave before the first one that cannot be copied. */
    const give = (problem?: Problem) => {
      const ms = now() - began
      context.end()
      try {
        if (problem === undefined) channel.post(["ok", position, values, ms, endMs()], values)
        else channel.post(["failed", position, problem, ms, endMs(), values.length, values], values)
      } catch (error) {
        const refused = values.findIndex((value) => locate(value, "result", new Set()) !== undefined)
        const before = values.slice(0, Math.max(0, refused))
        const reason = refuse(error, values[before.length], "result")
        channel.post(["failed", position, reason, ms, endMs(), before.length, before], before)
      }
    }
    const failed = (error: unknown) => give(problemOf(error))
    // runs synchronously as long as the task does
    const go = (): unknown => {
      while (values.length < items.length) {
        const index = values.length
        if (!board.item(position, index, exact)) return failed(new DOMException("the task was cancelled", "AbortError"))
        let value: unknown
        let promise: Promise<unknown> | undefined
        try {
          value = run.call(context, items[index])
          if (isThenable(value)) promise = Promise.resolve(value)
        } catch (error) {
          return failed(error)
        }
        if (promise !== undefined)
          return promise.then((value) => {
            values.push(value)
            return go()
          }, failed)
        values.push(value)
      }
      return give()
    }
    return go()
  }

  const runStream = async (
    run: Callable,
    context: Context,
    command: Run & readonly ["stream", ...unknown[]],
    began: number
  ) => {
    context.credit = command[5]
    try {
      const source = (await run.apply(context, command[3] as Array<unknown>)) as any
      const iterate = source?.[Symbol.asyncIterator] ?? source?.[Symbol.iterator]
      if (typeof iterate !== "function")
        throw new TypeError(
          `${tasks.get(command[2])!.name} gives one value: \`run\` it, or make it a generator to stream it`
        )
      const iterator: AsyncIterator<unknown> = iterate.call(source)
      try {
        while (!context.cancelled()) {
          if (context.credit === 0) await new Promise<void>((wake) => (context.wake = wake))
          context.wake = undefined
          if (context.cancelled()) break
          const result = await iterator.next()
          if (result.done) break
          context.credit--
          const value = result.value
          try {
            channel.post(["item", context.position, value], value)
          } catch (error) {
            throw problem(refuse(error, value, "value"))
          }
        }
      } finally {
        await iterator.return?.()
      }
      succeed(context.end(), undefined, began)
    } catch (error) {
      fail(context.end(), error, began)
    }
  }

  const invoke = (run: Callable, command: Run): unknown => {
    const [kind, position] = command
    const context = new Context(position, command[4])
    const began = now()
    // whoever must wait for it is kept where messages find it; a synchronous task hears none
    const attend = (promise: unknown) => {
      live.set(position, context)
      return Promise.resolve(promise).finally(() => live.delete(position))
    }
    if (kind === "chunk") {
      const promise = runChunk(run, context, command, began)
      return isThenable(promise) ? attend(promise) : undefined
    }
    if (kind === "stream") return attend(runStream(run, context, command, began))
    let value: unknown
    let promise: Promise<unknown> | undefined
    try {
      value = run.apply(context, command[3] as Array<unknown>)
      if (isThenable(value)) promise = Promise.resolve(value)
    } catch (error) {
      return fail(context.end(), error, began)
    }
    if (promise === undefined) return succeed(context.end(), value, began)
    return attend(
      promise.then(
        (value) => succeed(context.end(), value, began),
        (error: unknown) => fail(context.end(), error, began)
      )
    )
  }

  const begin = (command: Run): unknown => {
    if (!board.start(command[1])) return channel.post(["revoked", command[1]])
    const task = tasks.get(command[2])!
    if (task.run !== undefined) return invoke(task.run, command)
    const began = now()
    return find(task).then(
      (run) => {
        task.run = run
        return invoke(run, command)
      },
      (error: unknown) => fail(command[1], error, began)
    )
  }

  const go = () => {
    while (running < settings.tasksPerWorker && waiting.length > 0) {
      const outcome = begin(waiting.shift()!)
      const flushed = channel.flushed()
      if (isThenable(outcome) || flushed !== undefined) {
        running++
        void Promise.resolve(outcome)
          .then(() => channel.flushed())
          .then(() => {
            running--
            tell()
            go()
          })
      }
    }
    // what runs tells at its end: to ask for the first time takes as long as a small task
    if (running === 0) tell()
  }

  const help = async (number: number) => {
    const child = nested.get(number)!
    try {
      const run = await find(child.address)
      // as a part of the task that waits for it, whose cancellation is its own
      child.settle(true, await run.apply(child.context, child.parameters as Array<unknown>))
    } catch (error) {
      child.settle(false, error)
    }
  }

  const stop = async () => {
    try {
      if (settings.teardown !== undefined) await (await find(settings.teardown)).call(undefined)
    } finally {
      channel.stop()
    }
  }

  const obey = (commands: ReadonlyArray<Command>) => {
    for (const command of commands)
      switch (command[0]) {
        case "task":
          tasks.set(command[1], { url: command[2], name: command[3], ...tasks.get(command[1]) })
          break
        case "credit": {
          const context = live.get(command[1])
          if (context !== undefined) {
            context.credit += command[2]
            context.wake?.()
          }
          break
        }
        case "cancel":
          live.get(command[1])?.abort()
          break
        case "answer": {
          const [, number, ok, value] = command
          nested.get(number)?.settle(ok, ok ? value : Object.assign(new Error(), value))
          break
        }
        case "help":
          void help(command[1])
          break
        case "stop":
          void stop()
          break
        default:
          waiting.push(command)
      }
    go()
  }

  const start = async () => {
    try {
      for (const task of settings.tasks) await find(task)
    } catch (error) {
      return channel.post(["refused", problemOf(error)])
    }
    try {
      if (settings.setup !== undefined) await (await find(settings.setup)).call(undefined)
    } catch (error: any) {
      return channel.post(["refused", problems.get(error) ?? { kind: "setup", error: encodeError(error) }])
    }
    channel.listen(obey)
    channel.post(["ready"])
  }
  return start()
}
