import { AssertionError, strictEqual } from "node:assert"
import { fork } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { isDeepStrictEqual } from "node:util"
import { isNativeError } from "node:util/types"
import { runInNewContext } from "node:vm"
import { Worker } from "node:worker_threads"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  decodeError,
  encodeError,
  withSubmitSite,
  type EncodedError,
  type ErrorRegistry
} from "../../src/executor/ErrorCodec.ts"
import { choices, Choices } from "./Choices.ts"

class HttpError extends TypeError {
  override readonly name = "HttpError"
  readonly status: number
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { key: Schema.String, tries: Schema.Finite }) {
  override get message() {
    return `${this.key} is not there after ${this.tries} tries`
  }
}

const caught = (run: () => unknown): unknown => {
  try {
    run()
  } catch (thrown) {
    return thrown
  }
  throw new Error("nothing was thrown")
}

const cloned = (thrown: unknown, registry?: ErrorRegistry): any =>
  decodeError(structuredClone(encodeError(thrown)), registry)

/**
 * Where two values differ, `undefined` where they are equal: same prototypes,
 * same own string keys with the same enumerability, same primitives by
 * `Object.is`, and what is one object on the left is one object on the right.
 * Errors also read the same `stack`, `name`, `message` and `code`.
 */
const difference = (left: any, right: any, path = "", pairs = new Map<unknown, unknown>()): string | undefined => {
  if (left === null || typeof left !== "object" || right === null || typeof right !== "object")
    return Object.is(left, right) ? undefined : path
  if (pairs.has(left)) return pairs.get(left) === right ? undefined : `${path} (identity)`
  pairs.set(left, right)
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return `${path} (class)`
  if (left instanceof Date || left instanceof RegExp || ArrayBuffer.isView(left))
    return isDeepStrictEqual(left, right) ? undefined : path
  if (left instanceof Map || left instanceof Set) return difference([...left], [...right], `${path}{}`, pairs)
  const shape = (value: object) =>
    Object.getOwnPropertyNames(value)
      .filter((key) => key !== "stack")
      .map((key) => `${key} ${Object.prototype.propertyIsEnumerable.call(value, key)}`)
      .toSorted()
      .join()
  if (shape(left) !== shape(right)) return `${path} (${shape(left)} | ${shape(right)})`
  const isError = left instanceof Error
  if (isNativeError(left) && !isNativeError(right)) return `${path} (no native error)`
  const keys = new Set([...Object.getOwnPropertyNames(left), ...(isError ? ["stack", "name", "message", "code"] : [])])
  for (const key of keys) {
    const found = difference(left[key], right[key], `${path}.${key}`, pairs)
    if (found !== undefined) return found
  }
  return undefined
}

const assertSame = (left: unknown, right: unknown) => assert.isUndefined(difference(left, right))

describe("difference", () => {
  it("sees what this suite must see", () => {
    const error = (change: (error: any) => void) => {
      const made: any = Object.assign(new RangeError("m", { cause: new Error("c") }), { stack: "s" })
      made.cause.stack = "t"
      change(made)
      return made
    }
    const plain = error(() => {})
    assertSame(
      plain,
      error(() => {})
    )
    const changes: ReadonlyArray<(error: any) => void> = [
      (error) => Object.setPrototypeOf(error, TypeError.prototype),
      (error) => (error.message = "n"),
      (error) => (error.stack = "r"),
      (error) => (error.extra = 1),
      (error) => (error.cause.message = "d"),
      (error) => Object.defineProperty(error, "message", { enumerable: true }),
      (error) => (error.cause = error)
    ]
    for (const change of changes) assert.isString(difference(plain, error(change)), String(change))
    const one = {}
    assert.isString(difference([one, one], [{}, {}]))
  })
})

const makers: ReadonlyArray<(message: string, choices: Choices, more: () => unknown) => Error> = [
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (Native) => (message: string) => new Native(message)
  ),
  (message, choices, more) => new AggregateError(choices.list(3, more), message),
  (message, choices) => new DOMException(message, choices.of(["AbortError", "DataCloneError", "Own", "Error"])),
  // Node 22 has neither class, Node 24 not the second
  ...(typeof SuppressedError === "undefined"
    ? []
    : [(message: string, _: Choices, more: () => unknown) => new SuppressedError(more(), more(), message)]),
  ...(typeof QuotaExceededError === "undefined"
    ? []
    : [(message: string) => new QuotaExceededError(message, { quota: 3, requested: 5 })]),
  (message, choices) => new HttpError(message, 400 + choices.below(100)),
  (message, choices) => new NotFound({ key: message, tries: choices.below(9) })
]

/** Any error: of any class, with own properties, causes, and references to what was made before it. */
const anyError = (choices: Choices): Error => {
  const before: Array<unknown> = []
  const value = (depth: number): unknown => {
    const inner = () => value(depth - 1)
    const made = choices.of<() => unknown>([
      () => choices.of([undefined, null, true, -0, NaN, 1.5, 10n ** 30n, "", "text", "\ud800\0"]),
      () => new Date(choices.below(9999)),
      () => /a+/giu,
      () => new Uint8Array([1, 2, 3]),
      () => choices.of(before.length > 0 ? before : [undefined]),
      ...(depth > 0
        ? [
            () => choices.list(3, inner),
            () => Object.fromEntries(choices.list(3, (index) => [["a", "__proto__", "1"][index]!, inner()])),
            () => new Map(choices.list(2, () => [inner(), inner()])),
            () => new Set(choices.list(2, inner)),
            () => error(depth - 1)
          ]
        : [])
    ])()
    before.push(made)
    return made
  }
  const error = (depth: number): Error => {
    const made = choices.of(makers)(choices.of(["", "broken", "two\nlines", "ü\u2028"]), choices, () => value(depth))
    before.push(made)
    for (const key of choices.list(4, () => choices.of(["code", "cause", "name", "detail", "toString", "__proto__"])))
      // The code of a DOMException follows from the name it was made with, so renamed it gets an own code: equal to
      // read, not in shape.
      if (key !== "name" || !(made instanceof DOMException))
        Object.defineProperty(made, key, {
          value: key === "name" ? "Renamed" : value(depth),
          enumerable: choices.below(2) === 0,
          configurable: true,
          writable: true
        })
    return made
  }
  return error(4)
}

describe("a round trip", () => {
  let worker: Worker
  let child: ReturnType<typeof fork>
  let nodeText: string
  beforeAll(async () => {
    const echo = new URL("ErrorEcho.ts", import.meta.url)
    worker = new Worker(echo)
    child = fork(echo, { serialization: "advanced", execArgv: [] })
    const [[fromWorker], [fromChild]] = await Promise.all([once(worker, "message"), once(child, "message")])
    assert.strictEqual(fromWorker, fromChild)
    nodeText = fromChild as string
  })
  afterAll(async () => {
    await worker.terminate()
    child.kill("SIGKILL")
    await once(child, "exit")
  })

  const throughThread = async (encoded: EncodedError): Promise<EncodedError> => {
    worker.postMessage(encoded, [])
    return (await once(worker, "message"))[0] as EncodedError
  }
  const throughProcess = async (encoded: EncodedError): Promise<EncodedError> => {
    child.send(encoded)
    return (await once(child, "message"))[0] as EncodedError
  }

  it.live.prop(
    "leaves every error equal: through a thread, a process and structuredClone",
    [choices],
    ([numbers]) =>
      Effect.promise(async () => {
        const error = anyError(new Choices(numbers))
        const encoded = encodeError(error)
        const registry = { HttpError, NotFound }
        assertSame(error, decodeError(structuredClone(encoded), registry))
        assertSame(error, decodeError(await throughThread(encoded), registry))
        assertSame(error, decodeError(await throughProcess(encoded), registry))
        // Reading changes nothing: the second result is as good, and its own.
        const again = decodeError(encoded, registry)
        assertSame(error, again)
        assert.notStrictEqual(decodeError(encoded, registry), again)
      }),
    { arbitrary: { runs: 200, size: 60 } }
  )

  it.live.prop(
    "leaves an error of unknown class an instance of the nearest class that is known",
    [choices],
    ([numbers]) =>
      Effect.promise(async () => {
        const error: any = anyError(new Choices(numbers))
        const decoded: any = decodeError(await throughThread(encodeError(error)))
        const native = error instanceof HttpError ? TypeError : error instanceof NotFound ? Error : error.constructor
        assert.strictEqual(Object.getPrototypeOf(decoded), native.prototype)
        for (const key of ["name", "message", "stack"]) assert.strictEqual(decoded[key], error[key])
        for (const key of Object.getOwnPropertyNames(error)) assert.isTrue(Object.hasOwn(decoded, key), key)
      })
  )

  it("leaves an own code that is no number as visible as it was", () => {
    const error = Object.assign(new Error("m"), { code: Number.NaN })
    assertSame(error, cloned(error))
  })

  it("needs less than 3 KiB of text", () => {
    assert.isBelow(nodeText.length, 3072)
    assert.isBelow(String(encodeError).length, 3072)
  })

  it("is encoded by the text alone, in a bare context and in a worker, as it is here", async () => {
    const error = new HttpError("broken", 502, { cause: new AggregateError([new Error("a"), "b"], "many") })
    const here = encodeError(error)
    for (const text of [nodeText, String(encodeError)]) {
      const bare = runInNewContext(`(${text})`) as typeof encodeError
      assert.deepStrictEqual(structuredClone(bare(error)), here)
    }
    const encoder = new Worker(
      `const encode = ${nodeText}
       const { parentPort } = require("node:worker_threads")
       class HttpError extends TypeError {
         name = "HttpError"
         status = 502
       }
       try {
         throw new HttpError("broken", { cause: new AggregateError([new Error("a"), "b"], "many") })
       } catch (error) {
         parentPort.postMessage([encode(error), error.stack])
       }`,
      { eval: true }
    )
    const [[encoded, stack]] = (await once(encoder, "message")) as [[EncodedError, string]]
    const decoded: any = decodeError(encoded, { HttpError })
    assert.strictEqual(decoded.stack, stack)
    // The two were made in different places, so their stacks may differ and nothing else.
    const unstacked = (error: any) => {
      for (const one of [error, error.cause, error.cause.errors[0]]) one.stack = ""
      return error
    }
    assertSame(unstacked(error), unstacked(decoded))
  })
})

describe("encodeError", () => {
  it("keeps what Node says about a failed system call", () => {
    const decoded = cloned(caught(() => readFileSync("/no/such/file")))
    assert.strictEqual(decoded.constructor, Error)
    assert.deepInclude({ ...decoded }, { code: "ENOENT", syscall: "open", path: "/no/such/file" })
    assert.isBelow(decoded.errno, 0)
  })

  it("keeps a failed assertion, and its class where that is registered", () => {
    const failed = caught(() => strictEqual(1, 2))
    const plain = cloned(failed)
    assert.strictEqual(plain.name, "AssertionError")
    assert.deepInclude({ ...plain }, { actual: 1, expected: 2, operator: "strictEqual", code: "ERR_ASSERTION" })
    assertSame(failed, cloned(failed, { AssertionError }))
  })

  it("keeps the errors of Node itself", () => {
    const failed: any = caught(() => Buffer.alloc("x" as never))
    const decoded = cloned(failed)
    assert.strictEqual(decoded.code, "ERR_INVALID_ARG_TYPE")
    assert.strictEqual(decoded.stack, failed.stack)
    assert.instanceOf(decoded, TypeError)
  })

  const hasQuota = typeof QuotaExceededError !== "undefined"
  it.skipIf(!hasQuota)("keeps name, code and numbers of a QuotaExceededError, none of them its own", () => {
    const decoded = cloned(new QuotaExceededError("full", { quota: 3, requested: 5 }))
    assert.instanceOf(decoded, QuotaExceededError)
    assert.deepInclude(
      { name: decoded.name, code: decoded.code, quota: decoded.quota, requested: decoded.requested },
      { name: "QuotaExceededError", code: 22, quota: 3, requested: 5 }
    )
  })

  it("keeps a code that only the class has", () => {
    class Coded extends Error {
      get code() {
        return "E_CODED"
      }
    }
    assert.strictEqual(cloned(new Coded("x")).code, "E_CODED")
  })

  it("keeps cycles and shared references", () => {
    const error: any = new Error("a")
    error.cause = error
    error.peers = [new RangeError("b")]
    error.again = error.peers[0]
    error.map = new Map([[error, error.peers]])
    const decoded = cloned(error)
    assert.strictEqual(decoded.cause, decoded)
    assert.instanceOf(decoded.again, RangeError)
    assert.strictEqual(decoded.again, decoded.peers[0])
    assert.strictEqual(decoded.map.get(decoded), decoded.peers)
  })

  it("describes what cannot be cloned and keeps the rest", () => {
    const detached = new Uint8Array(8)
    structuredClone(detached, { transfer: [detached.buffer] })
    const error = Object.assign(new Error("a"), {
      run: function named() {},
      symbol: Symbol("s"),
      promise: Promise.resolve(),
      weak: new WeakMap(),
      url: new URL("http://localhost/a"),
      blob: new Blob([]),
      shared: new SharedArrayBuffer(1),
      detached,
      revoked: (() => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      })(),
      nested: { list: [1, () => 2, { deep: Symbol.iterator }], fine: true },
      [Symbol("gone")]: 1
    })
    Object.defineProperty(error, "broken", {
      enumerable: true,
      get() {
        throw new RangeError("no")
      }
    })
    const decoded = cloned(error)
    assert.deepStrictEqual(
      { ...decoded },
      {
        run: "[Function: named]",
        symbol: "Symbol(s)",
        promise: "[object Promise]",
        weak: "[object WeakMap]",
        url: "http://localhost/a",
        blob: "[object Blob]",
        shared: "[object SharedArrayBuffer]",
        detached: decoded.detached,
        revoked: "[object that throws when read]",
        nested: { list: [1, "[Function: ]", { deep: "Symbol(Symbol.iterator)" }], fine: true },
        broken: "[getter throws RangeError: no]"
      }
    )
    assert.isString(decoded.detached)
  })

  it.each<readonly [what: string, thrown: unknown, arrives: unknown]>([
    ["a string", "text", "text"],
    ["undefined", undefined, undefined],
    ["null", null, null],
    ["a bigint", 3n, 3n],
    ["a plain object", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }],
    ["a function", function work() {}, "[Function: work]"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    [
      "a function whose name throws",
      Object.defineProperty(() => {}, "name", { get: () => assert.fail() }),
      "[function that throws when read]"
    ],
    ["an object that has no text", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [
      "an object with a key that throws",
      {
        get a() {
          throw 1
        },
        b: 2
      },
      { a: "[getter throws 1]", b: 2 }
    ]
  ])("takes %s that was thrown", (_, thrown, arrives) => {
    assert.deepStrictEqual(cloned(thrown), arrives)
  })

  it("takes a proxy that throws at every touch", () => {
    const trap = () => {
      throw new Error("trap")
    }
    const traps = new Proxy({}, { get: () => trap })
    for (const target of [{}, new Error("a"), [], () => {}, new Map()])
      assert.match(cloned(new Proxy(target, traps)), /^\[(object|function) that throws when read\]$/)
  })

  it("leaves out methods that override what every object has, so that those still work", () => {
    const methods = { toString: () => "text", valueOf: () => 1 }
    const decoded = cloned(Object.assign(new Error("a"), methods, { detail: { ...methods, b: 2 } }))
    assert.strictEqual(String(decoded), "Error: a")
    assert.strictEqual(String(decoded.detail), "[object Object]")
    assert.deepStrictEqual({ ...decoded }, { detail: { b: 2 } })
  })

  it("ends where every getter makes new objects", () => {
    const endless = (): object => ({
      get left() {
        return endless()
      },
      get right() {
        return endless()
      }
    })
    assert.isObject(cloned(Object.assign(new Error("a"), { endless: endless() })).endless)
  })

  it("survives an error whose own parts throw", () => {
    const error = new Error("a")
    for (const key of ["name", "message", "stack", "code", "cause"])
      Object.defineProperty(error, key, {
        get() {
          throw new Error(key)
        }
      })
    const decoded = cloned(error)
    assert.instanceOf(decoded, Error)
    assert.strictEqual(decoded.message, "[getter throws Error: message]")
    assert.strictEqual(decoded.stack, "[getter throws Error: stack]")
  })

  it("describes what lies deeper than 100 levels", () => {
    let error = new Error("0")
    for (let level = 1; level <= 100_000; level++) error = new Error(String(level), { cause: error })
    let depth = 0
    let at = cloned(error)
    for (; at instanceof Error; at = at.cause) depth++
    assert.strictEqual(depth, 101)
    assert.strictEqual(at, "Error: 99899")
  })
})

describe("decodeError", () => {
  it("makes a registered class of an error without running its constructor", () => {
    let runs = 0
    class Counted extends RangeError {
      readonly extra = 1
      constructor() {
        super()
        runs++
      }
      twice() {
        return this.extra * 2
      }
    }
    const decoded = cloned(Object.assign(new Counted(), { extra: 4 }), { Counted })
    assert.strictEqual(runs, 1)
    assert.instanceOf(decoded, Counted)
    assert.strictEqual(decoded.twice(), 8)
  })

  it("takes a registered class above for a class that is not registered", () => {
    class TooMany extends HttpError {}
    const decoded = cloned(new TooMany("slow down", 429), { HttpError })
    assert.strictEqual(Object.getPrototypeOf(decoded), HttpError.prototype)
    assert.strictEqual(decoded.status, 429)
  })

  it("finds by its tag an Effect error whose class has another name", () => {
    const Minified = class a extends Schema.TaggedError<a>()("Lost", { where: Schema.String }) {}
    const lost = new Minified({ where: "here" })
    assertSame(lost, cloned(lost, { Lost: Minified }))
    const plain = cloned(lost)
    assert.strictEqual(plain._tag, "Lost")
    assert.strictEqual(plain.name, "Lost")
    assert.strictEqual(plain.where, "here")
  })

  it("makes an Effect error that is caught by its tag", () => {
    const decoded: NotFound = cloned(new NotFound({ key: "k", tries: 2 }), { NotFound })
    const message = Effect.fail(decoded).pipe(Effect.catchTag("NotFound", (error) => Effect.succeed(error.message)))
    assert.strictEqual(Effect.runSync(message), "k is not there after 2 tries")
  })

  it("lets a function make the error, keeps the worker's stack and adds what the function left out", () => {
    const error = Object.assign(new HttpError("broken", 502, { cause: "why" }), { extra: [new EvalError("e")] })
    const decoded = cloned(error, {
      HttpError: (data) => {
        assert.strictEqual(data["class"], "HttpError")
        return new HttpError(`again: ${String(data["message"])}`, Number(data["status"]))
      }
    })
    assert.strictEqual(decoded.message, "again: broken")
    assert.strictEqual(decoded.stack, error.stack)
    assert.strictEqual(decoded.cause, "why")
    assert.instanceOf(decoded.extra[0], EvalError)
    assert.instanceOf(decoded, HttpError)
  })

  it("gives a plain error with everything kept where rehydration throws or makes no error", () => {
    const error = Object.assign(new HttpError("broken", 502), { code: "E" })
    const functions: ReadonlyArray<() => Error> = [
      () => {
        throw new Error("bad rehydration")
      },
      () => "no error" as never
    ]
    for (const HttpError of functions) {
      const decoded = cloned(error, { HttpError })
      assert.strictEqual(Object.getPrototypeOf(decoded), TypeError.prototype)
      assertSame({ ...error }, { ...decoded })
      assert.strictEqual(decoded.stack, error.stack)
    }
  })

  it("does not take a name for a class", () => {
    const decoded = cloned(Object.assign(new Error("a"), { name: "TypeError" }))
    assert.strictEqual(decoded.constructor, Error)
    assert.strictEqual(decoded.name, "TypeError")
    assert.strictEqual(cloned(Object.assign(new Error("a"), { name: "constructor" })).name, "constructor")
  })
})

describe("withSubmitSite", () => {
  const site = {
    stack: [
      "Error",
      `    at submit (${new URL("../../src/executor/Engine.ts", import.meta.url).href}:1:2)`,
      `    at submit (${new URL("../../src/Executor.ts", import.meta.url).pathname}:1:2)`,
      "    at run (file:///app/node_modules/.pnpm/effect@4.1.0/node_modules/effect/dist/internal/effect.js:1:2)",
      "    at main (file:///app/main.ts:10:5)",
      "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
      "    at async file:///app/main.ts:20:1"
    ].join("\n")
  }

  it("puts the frames of the submitter below those of the worker", () => {
    const error = Object.assign(new Error("a"), { stack: "Error: a\n    at work (file:///app/work.ts:3:9)" })
    assert.strictEqual(withSubmitSite(error, site), error)
    assert.strictEqual(
      error.stack,
      [
        "Error: a",
        "    at work (file:///app/work.ts:3:9)",
        "    --- submitted from ---",
        "    at main (file:///app/main.ts:10:5)",
        "    at async file:///app/main.ts:20:1"
      ].join("\n")
    )
    assert.notInclude(Object.keys(error), "stack")
  })

  it("shows this line for an error made here", () => {
    const error = withSubmitSite(cloned(new Error("a")), new Error("site"))
    assert.match(error.stack.split("--- submitted from ---\n")[1], /ErrorCodec\.test\.ts/)
  })

  it("leaves alone what is no error, is frozen or has nothing to show", () => {
    assert.strictEqual(withSubmitSite("text", site), "text")
    const frozen = Object.freeze(new Error("a"))
    assert.strictEqual(withSubmitSite(frozen, site).stack, frozen.stack)
    const error = new Error("a")
    const { stack } = error
    assert.strictEqual(withSubmitSite(error, { stack: site.stack.split("\n").slice(0, 4).join("\n") }).stack, stack)
    assert.strictEqual(withSubmitSite(error, {}).stack, stack)
  })
})
