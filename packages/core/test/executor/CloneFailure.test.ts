import { serialize } from "node:v8"
import { assert, describe, it } from "@effect/vitest"
import { cloneFailure } from "../../src/executor/CloneFailure.ts"
import { choices, Choices } from "./Choices.ts"

const sentence = (value: unknown, options?: Parameters<typeof cloneFailure>[2]): string | undefined => {
  const found = cloneFailure(value, "argument 0", options)
  return found && `${found.path} ${found.fact}`
}

const transferred = <A extends ArrayBuffer | Uint8Array<ArrayBuffer>>(value: A): A => {
  structuredClone(value, { transfer: [value instanceof ArrayBuffer ? value : value.buffer] })
  return value
}

const throwing = (thrown: unknown) => ({
  fine: 1,
  get broken() {
    throw thrown
  }
})

class Named {
  #secret = 1
  readonly run = () => this.#secret
}

const uncloneable: ReadonlyArray<readonly [fact: string, value: () => unknown]> = [
  ["is a function", () => () => {}],
  ["is a function", () => Named],
  ["is a symbol", () => Symbol("s")],
  ["is a Promise", () => Promise.resolve()],
  ["is a WeakMap", () => new WeakMap()],
  ["is a WeakSet", () => new WeakSet()],
  ["is a WeakRef", () => new WeakRef({})],
  ["is a proxy", () => new Proxy({}, {})],
  ["is a proxy", () => new Proxy([() => {}], {})],
  ["was transferred before", () => transferred(new ArrayBuffer(8))],
  ["was transferred before", () => transferred(new Uint8Array(8))],
  ["is a Generator", () => (function* () {})()],
  ["is an Iterator", () => [].values()],
  ["is a URL", () => new URL("http://a/")],
  ["is a NumberFormat", () => new Intl.NumberFormat()],
  ["is a ReadableStream, which can only be transferred", () => new ReadableStream()],
  [
    "is an Arguments",
    () =>
      (function (..._: ReadonlyArray<number>) {
        return arguments
      })(1)
  ]
]

describe("cloneFailure", () => {
  it.each<readonly [sentence: string, value: () => unknown]>([
    ["argument 0.user.callbacks[3] is a function", () => ({ user: { callbacks: [1, 2, 3, () => {}] } })],
    ['argument 0.get("a") is a function', () => new Map([["a", () => {}]])],
    [
      "argument 0.get(2n) is a symbol",
      () =>
        new Map<unknown, unknown>([
          [1, 1],
          [2n, Symbol.iterator]
        ])
    ],
    ["argument 0.get(null) is a function", () => new Map([[null, () => {}]])],
    ["argument 0.values()[0][0] is a function", () => new Map([[{}, [() => {}]]])],
    [
      "argument 0.keys()[1] is a function",
      () =>
        new Map<unknown, unknown>([
          [0, 0],
          [() => {}, 0]
        ])
    ],
    ["argument 0.values()[1].a is a symbol", () => new Set([1, { a: Symbol.iterator }])],
    ['argument 0["no name"][1][0][0] is a function', () => ({ "no name": { 1: [[() => {}]] } })],
    ["argument 0.größe.$_1 is a function", () => ({ größe: { $_1: () => {} } })],
    ["argument 0.__proto__ is a function", () => ({ ["__proto__"]: () => {} })],
    ["argument 0.extra is a function", () => Object.assign([1, 2], { extra: () => {} })],
    ["argument 0[2] is a function", () => Object.assign(Array(3), { 2: () => {} })],
    ["argument 0.run is a function", () => new Named()],
    ["argument 0.broken throws TypeError: no", () => throwing(new TypeError("no"))],
    ["argument 0.broken throws object", () => throwing(Object.create(null))],
    ["argument 0.cause.fix is a function", () => new Error("a", { cause: { fix: () => {} } })],
    [
      "argument 0.message throws RangeError: no",
      () =>
        Object.defineProperty(new Error("a"), "message", {
          get() {
            throw new RangeError("no")
          }
        })
    ]
  ])("says: %s", (expected, value) => {
    assert.strictEqual(sentence(value()), expected)
  })

  it.each(uncloneable)("knows what %s", (fact, value) => {
    assert.deepStrictEqual(cloneFailure(value(), "the result"), { path: "the result", fact })
  })

  it("finds nothing in what can be cloned", () => {
    const cyclic: any = {
      list: [new Date(), /a/, new Map([[{}, new Set([1n])]]), new Uint8Array(3)],
      blob: new Blob([])
    }
    cyclic.self = [cyclic, new Error("a", { cause: cyclic })]
    for (const value of [cyclic, undefined, "text", new ArrayBuffer(1), new SharedArrayBuffer(1)])
      assert.isUndefined(cloneFailure(value, "argument 0"))
  })

  it("passes over what structured clone does not read", () => {
    const unread = () => {}
    const value = [
      Object.assign(new Date(), { unread }),
      Object.assign(new Map(), { unread }),
      Object.assign(new Error("a"), { unread }),
      Object.assign(new Uint8Array(2), { unread }),
      Object.defineProperty({ [Symbol("unread")]: unread }, "unread", { value: unread }),
      new AggregateError([unread]),
      Object.create({ unread })
    ]
    assert.isUndefined(cloneFailure(value, "argument 0"))
    assert.strictEqual(sentence([value, unread]), "argument 0[1] is a function")
  })

  it("walks cycles once, and does not blame what leads back to the fault", () => {
    const parent: any = { children: [] }
    parent.children.push({ parent }, { parent, empty: {}, map: new Map([["up", parent]]) })
    parent.late = new Proxy({}, {})
    assert.strictEqual(sentence(parent), "argument 0.late is a proxy")
  })

  it("finds what lies deeper than the stack reaches", () => {
    let value: unknown = () => {}
    for (let level = 0; level < 50_000; level++) value = [value]
    assert.strictEqual(sentence(value), `argument 0${"[0]".repeat(50_000)} is a function`)
  })

  it("stops after a million parts and names the whole", () => {
    let reads = 0
    const part = {
      get next() {
        reads++
        return 1
      }
    }
    const value = [Array.from({ length: 1_100_000 }, () => 1), part, () => {}]
    assert.strictEqual(sentence(value), "argument 0 cannot be cloned: () => {} could not be cloned.")
    // Once by the clone itself, never by the search.
    assert.strictEqual(reads, 1)
  })

  it("passes over the holes of a huge array", () => {
    const sparse: Array<unknown> = []
    sparse[4_000_000_000] = () => {}
    assert.strictEqual(sentence(sparse), "argument 0[4000000000] is a function")
  })

  it("does not name what is transferred, unless it was transferred before", () => {
    const stream = new ReadableStream()
    const run = () => {}
    assert.strictEqual(sentence([stream, run], { transfer: [stream] }), "argument 0[1] is a function")
    const buffer = transferred(new ArrayBuffer(1))
    assert.strictEqual(sentence([buffer, run], { transfer: [buffer] }), "argument 0[0] was transferred before")
  })

  it("names what a process refuses although threads share it", () => {
    const value = { memory: [new SharedArrayBuffer(1)] }
    assert.isUndefined(sentence(value))
    assert.strictEqual(sentence(value, { clone: serialize }), "argument 0.memory[0] is a SharedArrayBuffer")
  })

  it("says what clone said where the search finds nothing", () => {
    assert.strictEqual(
      sentence(Object.assign(Promise.resolve(), { extra: 1 })),
      "argument 0 cannot be cloned: #<Promise> could not be cloned."
    )
  })

  const names = [
    ["a", ".a"],
    ["$b_1", ".$b_1"],
    ["two words", '["two words"]'],
    ["7", "[7]"],
    ["", '[""]'],
    ['"', '["\\""]'],
    ["ö", ".ö"],
    ["07", '["07"]']
  ] as const

  it.prop(
    "names exactly the path where one uncloneable part is planted in a random tree",
    [choices],
    ([numbers]) => {
      const choices = new Choices(numbers)
      /** Every place of the tree where a part can be put. */
      const places: Array<readonly [path: string, put: (part: unknown) => void]> = []
      const tree = (path: string, depth: number): unknown => {
        const leaf = () => choices.of([1, "text", null, new Date(0), /a/, new Uint8Array(2), {}, [], new Error("a")])
        return depth === 0 ? leaf() : choices.of<() => unknown>([object, array, map, set, cause, leaf])()

        function object() {
          const made: Record<string, unknown> = {}
          for (const [name, step] of new Set(choices.list(4, () => choices.of(names)))) {
            made[name] = tree(path + step, depth - 1)
            places.push([path + step, (part) => (made[name] = part)])
          }
          return made
        }
        function array() {
          const made: Array<unknown> = []
          for (const index of choices.list(4, (index) => index)) {
            made.push(tree(`${path}[${index}]`, depth - 1))
            places.push([`${path}[${index}]`, (part) => (made[index] = part)])
          }
          return made
        }
        function map() {
          const made = new Map<unknown, unknown>()
          for (const index of choices.list(3, (index) => index)) {
            const [key, step] = choices.of<readonly [unknown, string]>([
              [`k${index}`, `.get("k${index}")`],
              [index, `.get(${index})`],
              [{ index }, `.values()[${index}]`]
            ])
            made.set(key, tree(path + step, depth - 1))
            places.push([path + step, (part) => made.set(key, part)])
          }
          return made
        }
        function set() {
          const made = new Set<unknown>()
          // A set holds a value once, and what replaces one comes last: only what is added at the end has a sure place.
          for (const index of choices.list(3, (index) => index)) made.add({ index })
          const index = made.size
          places.push([`${path}.values()[${index}]`, (part) => made.add(part)])
          return made
        }
        function cause() {
          const made = new Error("a", { cause: tree(`${path}.cause`, depth - 1) })
          places.push([`${path}.cause`, (part) => (made.cause = part)])
          return made
        }
      }
      const root = { root: tree("value.root", 5) }
      places.push(["value.root", (part) => (root.root = part)])

      const [path, put] = choices.of(places)
      const [fact, part] = choices.of(uncloneable)
      assert.isUndefined(cloneFailure(root, "value"))
      put(part())
      assert.deepStrictEqual(cloneFailure(root, "value"), { path, fact })
    },
    { arbitrary: { runs: 500, size: 80 } }
  )
})
