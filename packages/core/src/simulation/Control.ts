/**
 * Watches that a simulated program does nothing outside of the simulation: while one runs, the global timers and
 * `Promise.prototype.then` report their use.
 *
 * 1. A simulation runs synchronously, so nothing else of the process runs while these globals are replaced.
 * 2. A callback that is given to a replaced timer never runs; a promise goes its way, but its fiber does not go on.
 */

/** What takes reports of uses. */
export interface Warden {
  /** `api` was used; `stack` tells where, as far as the engine knows. */
  readonly report: (api: string, stack: string) => void
}

let current: Warden | undefined
let depth = 0
let restore = () => {}

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

const install = () => {
  const globals = globalThis as unknown as Record<string, Callable | undefined>
  const originals = timers.map((name) => [name, globals[name]] as const)
  const noop = () => {}
  for (const [name, original] of originals)
    if (original !== undefined)
      globals[name] = (...args) => {
        if (current === undefined) return original(...args)
        current.report(name, stackHere())
        return original(noop, ...args.slice(1))
      }
  const prototype = Promise.prototype as { then: Callable }
  const { then } = prototype
  // oxlint-disable-next-line unicorn/no-thenable -- the very method that is watched
  prototype.then = function (this: object, ...args) {
    current?.report("Promise", origins?.get(this) ?? stackHere())
    return Reflect.apply(then, this, args)
  }
  return () => {
    for (const [name, original] of originals) if (original !== undefined) globals[name] = original
    // oxlint-disable-next-line unicorn/no-thenable
    prototype.then = then
  }
}

/** Replaces the globals while the synchronous `body` runs. Nested calls replace them once. */
export const controlled = <A>(body: () => A): A => {
  if (depth++ === 0) restore = install()
  try {
    return body()
  } finally {
    if (--depth === 0) restore()
  }
}

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

const own = new URL(".", import.meta.url).href

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
        !(line.includes(own) || line.includes(own.replace(/^file:\/\//, "")))
    )
