/**
 * Watches that a simulated program does nothing outside of the simulation: while one runs, the global timers and
 * `Promise.prototype.then` report their use. Where the process is simulated too, its timers, clocks and `Math.random`
 * are the simulation's instead.
 *
 * 1. A simulation runs synchronously, so nothing else of the process runs while these globals are replaced.
 * 2. A callback that is given to a reported timer never runs; a promise goes its way, but its fiber does not go on.
 */

/** What takes reports of uses. */
export interface Warden {
  /** `api` was used; `stack` tells where, as far as the engine knows. */
  readonly report: (api: string, stack: string) => void
  /** Stands in for the process, where that is simulated too. */
  readonly process: SimulatedProcess | undefined
  /** A synchronous operation of a simulated service begins. Throws when the run stops here. */
  readonly operation: () => void
}

export interface SimulatedProcess {
  /** Milliseconds since the epoch, and since the process began. */
  readonly epochMs: () => number
  readonly elapsedMs: () => number
  readonly random: () => number
  /** Calls `fire` after so many milliseconds; the answer takes it back. */
  readonly after: (ms: number, fire: () => void) => () => void
}

/** What a simulated `setTimeout` gives. */
class Timeout {
  cancel: () => void
  constructor(cancel: () => void) {
    this.cancel = cancel
  }
  ref() {
    return this
  }
  unref() {
    return this
  }
  hasRef() {
    return true
  }
}

/** As Node counts: whole milliseconds, one at the least. */
const timeoutMs = (ms: unknown) => Math.max(1, Math.trunc(Number(ms ?? 1)) || 1)

let current: Warden | undefined
let depth = 0

const timers = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const
type Callable = (...args: ReadonlyArray<unknown>) => unknown

const stackHere = () => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const { stack = "" } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  return stack
}

/** Where promises were made, by promise; filled within `tracing` only. */
let origins: WeakMap<object, string> | undefined

/** The timers of a simulated process. */
const simulated: Readonly<Record<string, (process: SimulatedProcess, fire: () => void, ms: unknown) => Timeout>> = {
  setTimeout: (process, fire, ms) => new Timeout(process.after(timeoutMs(ms), fire)),
  setInterval: (process, fire, ms) => {
    const next = () =>
      process.after(timeoutMs(ms), () => {
        interval.cancel = next()
        fire()
      })
    const interval = new Timeout(next())
    return interval
  },
  setImmediate: (process, fire) => new Timeout(process.after(0, fire))
}

/** A function of the process that is replaced while simulations run, by the same one as long as it is the same. */
interface Replaced {
  readonly holder: Record<string, Callable | undefined>
  readonly name: string
  readonly make: (original: Callable) => Callable
  by: Callable | undefined
  /** What is there meanwhile; `undefined` where the process has no such function. */
  original: Callable | undefined
}

const replacing = (holder: object, name: string, make: Replaced["make"]): Replaced => ({
  holder: holder as Replaced["holder"],
  name,
  make,
  by: undefined,
  original: undefined
})

/** As this module found it; tests may have put another in its place since. */
const FirstDate = Date

const replaced: ReadonlyArray<Replaced> = [
  ...timers.map((name) =>
    replacing(globalThis, name, (original) => (fire, ms, ...given) => {
      if (current === undefined) return original(fire, ms, ...given)
      const start = current.process === undefined ? undefined : simulated[name]
      if (start !== undefined) return start(current.process!, () => (fire as Callable)(...given), ms)
      current.report(name, stackHere())
      return original(() => {}, ms, ...given)
    })
  ),
  ...(["clearTimeout", "clearInterval", "clearImmediate"] as const).map((name) =>
    replacing(globalThis, name, (original) => (timer) => (timer instanceof Timeout ? timer.cancel() : original(timer)))
  ),
  replacing(
    globalThis,
    "Date",
    (original) =>
      // of the same prototype, so that dates made before, in and after a simulation are all instances of both
      new Proxy(original, {
        construct: (date, args, target) => {
          const epochMs = args.length === 0 ? current?.process?.epochMs() : undefined
          return Reflect.construct(date, epochMs === undefined ? args : [epochMs], target)
        },
        apply: () => new Date().toString(),
        get: (date, key) => Reflect.get(key === "now" && current?.process !== undefined ? FirstDate : date, key)
      })
  ),
  // what `Date` is by now
  replacing(Date.prototype, "constructor", () => Date),
  replacing(Date, "now", (original) => () => current?.process?.epochMs() ?? original()),
  replacing(
    Object.getPrototypeOf(performance),
    "now",
    (original) => () => current?.process?.elapsedMs() ?? Reflect.apply(original, performance, [])
  ),
  replacing(Math, "random", (original) => () => current?.process?.random() ?? original()),
  replacing(
    Promise.prototype,
    "then",
    (original) =>
      function (this: object, ...args) {
        current?.report("Promise", origins?.get(this) ?? stackHere())
        return Reflect.apply(original, this, args)
      }
  )
]

/** Replaces the globals while the synchronous `body` runs. Nested calls replace them once. */
export const controlled = <A>(body: () => A): A => {
  if (depth++ === 0)
    for (const one of replaced) {
      const there = one.holder[one.name]
      // who saved it in an earlier run may have put the stand-in back
      if (there !== one.by) {
        one.original = there
        one.by = there && one.make(there)
      }
      if (one.original !== undefined) one.holder[one.name] = one.by
    }
  try {
    return body()
  } finally {
    if (--depth === 0)
      for (const { holder, name, original } of replaced) if (original !== undefined) holder[name] = original
  }
}

/** What a simulated service calls at the start of each synchronous operation. */
export const operation = (): void => current?.operation()

/** Sends reports to `warden` while the synchronous `body` runs, within `controlled`. */
export const watched = <A>(warden: Warden | undefined, body: () => A): A => {
  const outer = current
  current = warden
  try {
    return body()
  } finally {
    current = outer
  }
}

interface AsyncHooks {
  readonly createHook: (hooks: {
    readonly init: (id: number, type: string, trigger: number, resource: object) => void
  }) => { readonly enable: () => void; readonly disable: () => void }
}

/** Learns where promises are made while `body` runs, on Node and Bun; costly, so for one run that is known to make one. */
export const tracing = <A>(body: () => A): A => {
  const hooks = (
    globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  ).process?.getBuiltinModule?.("node:async_hooks") as AsyncHooks | undefined
  if (hooks === undefined) return body()
  const made = new WeakMap<object, string>()
  const hook = hooks.createHook({
    init: (_, type, __, resource) => {
      if (type === "PROMISE") made.set(resource, stackHere())
    }
  })
  origins = made
  hook.enable()
  try {
    return body()
  } finally {
    hook.disable()
    origins = undefined
  }
}

/** `undefined` in a bundle that is CommonJS by esbuild, which leaves `import.meta` empty. */
const own = URL.parse(".", import.meta.url)?.href

/** The first line of a stack that is neither Effect's, the engine's nor this folder's: `name (file:line:column)`. */
export const placeOf = (stack: string): string | undefined =>
  stack
    .split("\n")
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ""))
    .find(
      (line) =>
        /:\d+:\d+\)?$/.test(line) &&
        !/node:|node_modules\/(?:\.pnpm\/)?effect[@/]/.test(line) &&
        !(own && (line.includes(own) || line.includes(own.replace(/^file:\/\//, ""))))
    )
