import { assert, describe, it } from "@effect/vitest"
import { capturedVariables } from "../../src/executor/CapturedVariables.ts"
import { encodeError } from "../../src/executor/ErrorCodec.ts"
import { choices, Choices } from "./Choices.ts"

const names = (source: string): string =>
  capturedVariables(source)
    .map(({ name }) => name)
    .join(" ")

describe("capturedVariables", () => {
  it.each<readonly [source: string, captured: string]>([
    // Every kind of function
    ["() => x", "x"],
    ["x => x", ""],
    ["(a, b) => a + b + c", "c"],
    ["async () => { await x }", "x"],
    ["async x => await x", ""],
    ["function () { return x }", "x"],
    ["function f() { return f }", ""],
    ["function f(f) { return f }", ""],
    ["async function f() { for await (const x of y) x }", "y"],
    ["function* f() { yield* x; yield y }", "x y"],
    ["async function* f() { yield x }", "x"],
    ["class {}", ""],
    ["class A { make() { return new A() } }", ""],
    ["class A extends B {}", "B"],
    ["class A extends A {}", ""],
    ["m() { return m }", "m"],
    ["async m() { return x }", "x"],
    ["*m() { yield x }", "x"],
    ["async *m() { yield x }", "x"],
    ["get m() { return x }", "x"],
    ["set m(x) { y = x }", "y"],
    ['"a b"() { return x }', "x"],
    ["1() { return x }", "x"],
    ["[key]() { return x }", "x"],
    ["get(x) { return x }", ""],
    ["async(x) { return x }", ""],
    ["static(x) { return x }", ""],
    ["constructor() { return x }", "x"],
    // Parameters
    ["(a = b, b) => a", ""],
    ["(a = c, b) => a", "c"],
    ["({ a, b: c, ...d }) => [a, b, c, d]", "b"],
    ["({ a = x, [y]: b = a }) => b", "x y"],
    ["([a, , [b = c], ...d]) => [a, b, d]", "c"],
    ["(...a) => a", ""],
    ["(a = x) => { var x; return a }", "x"],
    ["function f(a = () => x) { var x = 1; return a() }", "x"],
    ["(a = function x() { return x }) => a", ""],
    // Declarations and blocks
    ["() => { const a = 1; let b = a; var c = b; return c }", ""],
    ["() => { { let a } return a }", "a"],
    ["() => { { var a } return a }", ""],
    ["() => { a = 1; var a }", ""],
    ["() => { { function a() {} } return a }", "a"],
    ["() => { return a(); function a() { return b } }", "b"],
    ["() => { class A extends B { static a = A } return A }", "B"],
    ["() => { for (let i = 0; i < n; i++) i; return i }", "n i"],
    ["() => { for (const k in o) k; for (k of o) k }", "o k"],
    ["() => { for (var k in o); return k }", "o"],
    ["() => { try { a } catch (e) { e } e }", "a e"],
    ["() => { try {} catch ({ code, message = m }) { return [code, message] } }", "m"],
    ["() => { try {} catch { return e } }", "e"],
    ["() => { switch (a) { case b: let c; default: c } c }", "a b c"],
    ["() => { outer: for (;;) { inner: for (;;) { if (x) break outer; continue inner } } }", "x"],
    ["() => { using a = b; return a }", "b"],
    // Expressions
    ["() => typeof x", "x"],
    ["() => delete x.y", "x"],
    ["() => ({ x, y: z, [w]: 1, m() { return m } })", "x z w m"],
    ["() => `${x} y ${`${z}`}`", "x z"],
    ["() => x`y ${z}`", "x z"],
    ["() => o.a.b[c]?.d?.[e]", "o c e"],
    ["() => { ({ a, b: c.d, e: [f = g] } = h) }", "a c f g h"],
    ["() => { [a, b.c] = d; e++; f ||= g }", "a b d e f g"],
    ["() => x => y => z => [x, y, z, w]", "w"],
    ["() => (function g() { return g })(g)", "g"],
    ["() => (class C { c = C }, C)", "C"],
    ["() => [...x, ...{ ...y }.z]", "x y"],
    ["() => new X(y)", "X y"],
    ["() => /x/.test('y')", ""],
    ["() => import(x)", "x"],
    ["() => eval(x)", "x"],
    ["(a) => { eval('b'); return a + c }", "c"],
    ["() => x + x + y + x", "x y"],
    // Globals of JavaScript and Node
    ["() => [undefined, NaN, Infinity, globalThis, Math, JSON, Promise, structuredClone, SharedArrayBuffer]", ""],
    ["() => [process, Buffer, console, setTimeout, fetch, URL, performance, crypto, queueMicrotask, global]", ""],
    ["() => [require, module, exports, __filename, __dirname]", "require module exports __filename __dirname"],
    ["() => [window, toString, constructor]", "window toString constructor"],
    ["(Math) => Math", ""],
    // What follows the place
    ["() => this", "this"],
    ["function f() { return () => this }", ""],
    ["() => function () { return this }", ""],
    ["() => ({ m() { return this } })", ""],
    ["() => ({ m: this })", "this"],
    ["() => class { a = this; static { this.b } c() { return this } }", ""],
    ["() => class { [this.a] = 1 }", "this"],
    ["() => arguments", "arguments"],
    ["function f() { return () => arguments }", ""],
    ["() => function () { return arguments }", ""],
    ["m() { return arguments }", ""],
    ["(a = arguments) => a", "arguments"],
    ["function f(a = arguments, b = () => arguments) {}", ""],
    ["[arguments]() {}", ""],
    ["() => new.target", "new.target"],
    ["function f() { return () => new.target }", ""],
    ["() => import.meta.url", "import.meta"],
    ["function f() { return import.meta }", "import.meta"],
    ["m() { return super.m() }", "super"],
    ["() => super.m()", "super"],
    ["() => super()", "super"],
    ["() => ({ m() { return super.m() } })", ""],
    ["() => ({ get m() { return () => super.m } })", ""],
    ["class A extends Object { constructor() { super(); super.a } static { super.b } c = super.c }", ""],
    ["m() { return this.#a + this.#b() }", "#a #b"],
    ["#a() { return this.#a }", "#a"],
    ["class A { #a = 1; #b() { return this.#a } static is(o) { return #a in o && o.#c } }", "#c"],
    ["class A { #a = 1; b() { return class { #c = 1; d(o) { return o.#a + this.#c } } } }", ""],
    ["() => { class A { #a = 1 } return (o) => o.#a }", "#a"],
    // Imports, which a text without a place can only make by absolute URL or of Node's
    ["(x) => import('node:fs') && import('fs') && import('file:///x.js') && import(x)", ""],
    ["() => import('acorn')", "import('acorn')"],
    ["(b) => import(a) && import('./a.ts', { with: b })", "a import('./a.ts')"],
    // Text around it
    ["/* x */ () => { // y\n return z /* w */ }", "z"],
    ["() => x // end", "x"]
  ])("%s captures %s", (source, captured) => {
    assert.strictEqual(names(source), captured)
  })

  it("tells where each is first used, from line 1 and column 1 of the source", () => {
    assert.deepStrictEqual(capturedVariables("(a) => {\n  return a + bee +\n    this.c + bee\n}"), [
      { name: "bee", line: 2, column: 14 },
      { name: "this", line: 3, column: 5 }
    ])
    assert.deepStrictEqual(capturedVariables("x => y"), [{ name: "y", line: 1, column: 6 }])
    assert.deepStrictEqual(capturedVariables("m(x) { y }"), [{ name: "y", line: 1, column: 8 }])
  })

  it("reads the functions of this process", () => {
    const factor = 3
    class Scale {
      readonly by = (x: number) => x * factor + this.up.length;
      *up(items: Iterable<number>) {
        for (const item of items) yield item * factor
      }
      get down() {
        return factor
      }
    }
    const text = (key: "up" | "down") => {
      const property = Object.getOwnPropertyDescriptor(Scale.prototype, key)
      return String(Object.values(property!).find((part) => typeof part === "function"))
    }
    assert.strictEqual(names(String((x: number) => x * factor)), "factor")
    assert.strictEqual(names(String(new Scale().by)), "factor this")
    assert.strictEqual(names(text("up")), "factor")
    assert.strictEqual(names(text("down")), "factor")
    assert.strictEqual(names(String(Scale)), "factor")
  })

  it("finds that the encoder of errors needs nothing but its text", () => {
    assert.strictEqual(names(String(encodeError)), "")
  })

  it("takes for captured what the program put on globalThis", () => {
    Object.assign(globalThis, { planted: 1 })
    try {
      assert.strictEqual(names("() => planted"), "planted")
    } finally {
      Reflect.deleteProperty(globalThis, "planted")
    }
  })

  it.each([Math.max, names.bind(undefined), Map, fetch.bind(undefined)])("refuses what has no source: %s", (native) => {
    assert.throws(() => capturedVariables(String(native)), TypeError, /built-in or bound function has no source/)
  })

  it.each([
    "",
    "x",
    "1 + 1",
    "() => 1, () => 2",
    "() => 1) + (2",
    "m() {} n() {}",
    "x = 1",
    "static {}",
    "() => { with (a) b }",
    "() => {",
    "a) } b() { (c",
    "}) ; (class {"
  ])("refuses what is not one function of strict code: %s", (source) => {
    assert.throws(() => capturedVariables(source), TypeError, /not one function of strict code/)
  })

  it.prop(
    "finds exactly the free variables of a random program",
    [choices],
    ([numbers]) => {
      const { source, free } = program(new Choices(numbers))
      assert.deepStrictEqual(
        capturedVariables(source)
          .map(({ name }) => name)
          .toSorted(),
        [...free].toSorted(),
        source
      )
    },
    { arbitrary: { runs: 1000, size: 150 } }
  )
})

/** Names that nest: a name declared outside is often declared again inside, in another way. */
const pool = ["a", "b", "c", "d", "e", "f"]
const globals = ["Math", "process", "undefined", "Array"]

/** What is declared around a place, and whether `this` and its kind are those of the place where the source is. */
interface Around {
  readonly declared: ReadonlySet<string>
  readonly outerThis: boolean
  readonly depth: number
}

/**
 * A function that parses, and the names that it captures. The names a scope declares are chosen before its text, so
 * that hoisting is known.
 */
const program = (choices: Choices): { readonly source: string; readonly free: ReadonlySet<string> } => {
  const free = new Set<string>()
  const some = (count: number, from = pool) => [...new Set(choices.list(count, () => choices.of(from)))]
  const plus = (around: Around, names: Iterable<string>): Around => ({
    ...around,
    declared: new Set([...around.declared, ...names])
  })
  const inner = (around: Around): Around => ({ ...around, depth: around.depth - 1 })

  const name = (around: Around): string => {
    const name = choices.of([...pool, ...globals])
    if (!around.declared.has(name) && !globals.includes(name)) free.add(name)
    return name
  }
  const place = (around: Around): string => {
    const word = choices.of(["this", "new.target", "arguments", "import.meta"])
    if (around.outerThis || word === "import.meta") free.add(word)
    return word
  }

  const expression = (around: Around): string => {
    const deeper = inner(around)
    const more = () => expression(deeper)
    return choices.of<() => string>([
      () => name(around),
      () => "1",
      () => `typeof ${name(around)}`,
      () => `${name(around)}.a`,
      () => `({ ${name(around)} })`,
      () => place(around),
      ...(around.depth > 0
        ? [
            () => `(${more()} + ${more()})`,
            () => `(${more()})[${more()}]`,
            () => `(${more()})?.b(${more()})`,
            () => `\`x \${${more()}} a\``,
            () => `({ a: ${more()}, [${more()}]: ${more()}, ...${more()} })`,
            () => `(${name(around)} = ${more()})`,
            () => `({ a: ${name(around)}, b: [${name(around)} = ${more()}] } = ${more()})`,
            () => `(${arrow(deeper)})`,
            () => `(${classText(deeper, "")})`,
            () => named(deeper),
            () => `({ ${method(deeper)} })`
          ]
        : [])
    ])()
  }

  /** Patterns for `names` and the text of their defaults, which see the other parameters and not the body. */
  const pattern = (name: string, around: Around): string =>
    choices.of<() => string>([
      () => name,
      () => `${name} = ${expression(inner(around))}`,
      () => `{ ${name} }`,
      () => `{ a: ${name} = ${expression(inner(around))} }`,
      () => `[, ${name}]`,
      () => `{ [${expression(inner(around))}]: [...${name}] }`
    ])()

  const parameters = (around: Around): readonly [text: string, within: Around, names: ReadonlyArray<string>] => {
    const names = some(3)
    const within = plus(around, names)
    return [names.map((name) => pattern(name, within)).join(", "), within, names]
  }

  /** A function's body: its block may declare neither its vars nor its parameters again. */
  const body = (around: Around, parameters: ReadonlyArray<string>): string => {
    const vars = some(2)
    return `{\n${block(plus(around, vars), parameters, vars)}}`
  }

  const arrow = (around: Around): string => {
    const [text, within, names] = parameters(around)
    return choices.below(2) === 0 || around.depth <= 0
      ? `(${text}) => ${body(within, names)}`
      : `async (${text}) => [${expression(inner(within))}]`
  }
  /** The rest of a function after its name: it has its own `this`. */
  const rest = (around: Around): string => {
    const [text, within, names] = parameters({ ...around, outerThis: false })
    return `(${text}) ${body(within, names)}`
  }
  const named = (around: Around): string => {
    const own = choices.of(pool)
    return `(${choices.of(["function", "async function", "function*"])} ${own}${rest(plus(around, [own]))})`
  }
  const method = (around: Around, key = () => expression(inner(around))): string =>
    choices.of<() => string>([() => `${choices.of(pool)}${rest(around)}`, () => `async *[${key()}]${rest(around)}`])()
  const classText = (around: Around, own: string): string => {
    const within = plus(around, own === "" ? [] : [own])
    const own_ = { ...inner(within), outerThis: false }
    const members = choices.list(2, () =>
      choices.of<() => string>([
        () => method(inner(within)),
        () => `[${expression(inner(within))}] = 1`,
        // A field has neither arguments nor, here, a `this` to confuse them with.
        () => `a = [${name(own_)}]`,
        () => `static { ${name(own_)} }`
      ])()
    )
    return `class ${own} extends (${expression(inner(within))}) { ${members.join("; ")} }`
  }

  /** Statements that declare some names, none of those `taken`, and the `vars` of the function. */
  const block = (around: Around, taken: ReadonlyArray<string> = [], vars: ReadonlyArray<string> = []): string => {
    const lexical = some(2).filter((name) => !taken.includes(name) && !vars.includes(name))
    const within = plus(around, lexical)
    const declarations = lexical.map((name) =>
      choices.of<() => string>([
        () => `let ${name} = ${expression(inner(within))}`,
        () => `const { a: ${name} } = ${expression(inner(within))}`,
        () => `function ${name}${rest(inner(within))}`,
        () => classText(inner(within), name)
      ])()
    )
    const hoisted = vars.map((name) =>
      choices.of([`var ${name}`, `{ var ${name} = 1 }`, `for (var ${name} in {});`, `try {} catch { var ${name} }`])
    )
    const statements = around.depth <= 0 ? [] : choices.list(3, () => statement(inner(within)))
    return [...statements, ...declarations, ...hoisted].map((line) => `${line};\n`).join("")
  }

  const statement = (around: Around): string => {
    const own = choices.of(pool)
    const within = plus(around, [own])
    // One label for a depth: labels do not nest in themselves.
    const label = pool[around.depth]!
    return choices.of<() => string>([
      () => `void ${expression(around)}`,
      () => `{ ${block(around)} }`,
      () => `${label}: for (;;) { ${block(around)} break ${label} }`,
      () => `for (const ${own} of [${expression(within)}]) { ${block(within)} }`,
      () => `for (let { ${own} } = ${expression(within)}; ${expression(within)};) break`,
      () => `try { ${block(around)} } catch (${own}) { ${block(within, [own])} }`,
      () => `try { ${block(around)} } catch ({ a: ${own} = ${expression(within)} }) { ${block(within, [own])} }`,
      () => `switch (${expression(around)}) { case ${expression(around)}: { ${block(around)} } }`
    ])()
  }

  const top: Around = { declared: new Set(), outerThis: true, depth: 5 }
  const source = choices.of<() => string>([
    () => arrow(top),
    () => named(top).slice(1, -1),
    // the name of a method is not a part of it
    () => method(top, () => "a + arguments"),
    () => classText(top, choices.of(["", ...pool]))
  ])()
  return { source, free }
}
