/**
 * What a function takes from where it was written.
 *
 * The text of an inline function is all that reaches a worker. A variable of
 * the module around it is not there, and would fail at its first use, far from
 * its cause; so the function is refused before it is sent, by the name.
 *
 * 1. Text is read as strict code, which is what modules and classes are.
 * 2. A name that JavaScript or Node defines is not captured; one that the
 *    program itself put on `globalThis` is.
 * 3. What follows the place and is no variable counts too: `this`, `arguments`
 *    and `new.target` of an arrow function, `super`, a private name,
 *    `import.meta`.
 *
 * This module brings a parser: import it when there is a function to read.
 */
import {
  type AnyNode,
  type ClassExpression,
  type ExpressionStatement,
  type MethodDefinition,
  type Node,
  parse,
  type Program
} from "acorn"
import { analyze, type Scope } from "eslint-scope"

/** One captured name and the place of its first use: line and column of the source, both from 1. */
export interface CapturedVariable {
  readonly name: string
  readonly line: number
  readonly column: number
}

/** Globals of Node that are enumerable, as is what a program adds; the others, and all of JavaScript's, are not. */
const enumerableGlobals = new Set(
  (
    "global performance fetch crypto navigator localStorage sessionStorage structuredClone queueMicrotask atob btoa " +
    "setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate"
  ).split(" ")
)

const isGlobal = (name: string): boolean =>
  enumerableGlobals.has(name) || Object.getOwnPropertyDescriptor(globalThis, name)?.enumerable === false

const membersOf = (node: Node) => (node as ClassExpression).body.body

interface Parsed {
  readonly program: Program
  /** Where the source begins in the text read, after one line of ours. */
  readonly start: number
  /** The function or class; for a method its name before it, where that is computed. */
  readonly roots: ReadonlyArray<AnyNode>
}

// Read in a constructor, for there an arrow function may say all that it may say anywhere, `super()` included.
const before = "(class extends Object { constructor() { ("
const after = ") } })"
/** Around a method or an accessor, which has no `function` of its own. */
const classAround = ["class extends Object {", "}"] as const

const parsed = (source: string): Parsed => {
  let failure: unknown
  for (const [open, close] of [["", ""], classAround])
    try {
      const prefix = `${before}${open}\n`
      const program = parse(`${prefix}${source}\n${close}${after}`, {
        ecmaVersion: "latest",
        sourceType: "module",
        locations: true,
        ranges: true,
        checkPrivateFields: false
      })
      const [constructor, ...members] = membersOf((program.body[0] as ExpressionStatement).expression)
      const [statement, ...statements] = (constructor as MethodDefinition).value.body.body
      if (program.body.length > 1 || members.length > 0 || statements.length > 0) continue
      const root = (statement as ExpressionStatement).expression
      const start = prefix.length
      if (open === "") {
        if (/^(ArrowFunction|Function|Class)Expression$/.test(root.type)) return { program, start, roots: [root] }
        continue
      }
      const [method, ...methods] = membersOf(root)
      if (methods.length === 0 && method?.type === "MethodDefinition")
        return { program, start, roots: method.computed ? [method.key, method.value] : [method.value] }
    } catch (error) {
      failure ??= error
    }
  throw new TypeError(
    /\{\s*\[native code\]\s*\}\s*$/.test(source)
      ? "a built-in or bound function has no source: write a function that calls it, with what was bound as arguments"
      : `not one function of strict code: ${source.slice(0, 100)}`,
    { cause: failure }
  )
}

const isNode = (value: unknown): value is AnyNode => typeof (value as AnyNode | null)?.type === "string"

const childrenOf = (node: Node): ReadonlyArray<AnyNode> => Object.values(node).flat().filter(isNode)

/** What is bound where the walk is: `this` and what goes with it, `super`, and private names. */
interface Bound {
  readonly this: boolean
  readonly super: boolean
  readonly privates: ReadonlySet<string>
}

/** Calls `found` for every part that follows the place of the source and is no variable. */
const walkPlace = (node: AnyNode, bound: Bound, found: (name: string, node: Node) => void): void => {
  const walk = (child: AnyNode | null | undefined, more: Partial<Bound> = {}) => {
    if (child) walkPlace(child, { ...bound, ...more }, found)
  }
  switch (node.type) {
    case "ThisExpression":
      if (!bound.this) found("this", node)
      return
    case "Super":
      if (!bound.super) found("super", node)
      return
    case "MetaProperty":
      if (node.meta.name === "import") found("import.meta", node)
      else if (!bound.this) found("new.target", node)
      return
    case "PrivateIdentifier":
      if (!bound.privates.has(node.name)) found(`#${node.name}`, node)
      return
    case "ClassBody": {
      const own = node.body.flatMap((member) =>
        "key" in member && member.key.type === "PrivateIdentifier" ? [member.key.name] : []
      )
      const privates = new Set([...bound.privates, ...own])
      for (const member of node.body) walk(member, { privates })
      return
    }
    case "MethodDefinition":
    case "PropertyDefinition":
      walk(node.key)
      walk(node.value, { this: true, super: true })
      return
    case "Property":
      walk(node.key)
      walk(node.value, node.method || node.kind !== "init" ? { super: true } : {})
      return
    case "StaticBlock":
      for (const statement of node.body) walk(statement, { this: true, super: true })
      return
    case "FunctionExpression":
    case "FunctionDeclaration":
      for (const child of childrenOf(node)) walk(child, { this: true })
      return
    default:
      for (const child of childrenOf(node)) walk(child)
  }
}

/** Whose `arguments` are meant in a scope. In default values of parameters eslint-scope resolves that name to nothing. */
const functionOf = (scope: Scope): Scope =>
  scope.type === "function" && scope.block.type !== "ArrowFunctionExpression" ? scope : functionOf(scope.upper!)

/**
 * The free variables of a function's source that are no globals, each once, in
 * the order of their first use. `source` is the text of any kind of function,
 * `String(f)`: arrow, async, generator, method, accessor or class.
 *
 * Throws a TypeError if there is no source to read, because the function is
 * built in or bound, and if the text is not one function of strict code.
 */
export const capturedVariables = (source: string): ReadonlyArray<CapturedVariable> => {
  const { program, start, roots } = parsed(source)
  const uses: Array<readonly [name: string, node: Node]> = []
  const use = (name: string, node: Node) => void uses.push([name, node])

  const unbound = { this: false, super: false, privates: new Set<string>() }
  for (const root of roots) walkPlace(root, unbound, use)

  // Without ignoreEval, one call of eval would leave every name unresolved.
  const options = { ecmaVersion: 2025, sourceType: "module", ignoreEval: true } as const
  for (const scope of analyze(program as Parameters<typeof analyze>[0], options).scopes)
    for (const { identifier, resolved } of scope.references) {
      const node = identifier as typeof identifier & Node
      const declaredIn = node.name === "arguments" ? functionOf(scope) : resolved?.scope
      const isOutside = declaredIn === undefined || (declaredIn.block as unknown as Node).start < start
      if (node.start >= start && isOutside && !isGlobal(node.name)) use(node.name, node)
    }

  const first = new Map<string, CapturedVariable>()
  for (const [name, { loc }] of uses.toSorted(([, one], [, other]) => one.start - other.start))
    // The line before the source is ours.
    if (!first.has(name)) first.set(name, { name, line: loc!.start.line - 1, column: loc!.start.column + 1 })
  return [...first.values()]
}
