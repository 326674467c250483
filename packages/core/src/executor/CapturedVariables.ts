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
 *    `import.meta`, and an `import()` of what is no absolute URL and not Node's.
 *
 * This module brings a parser: import it when there is a function to read.
 */
import type { AnyNode, Node } from "acorn"
import { analyze, type Scope } from "eslint-scope"
import { functionText } from "./FunctionText.ts"

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

/** Whether it depends on the importing module what a specifier means. */
const isRelative = (specifier: string): boolean => {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?: (name: string) => unknown } }
  return !URL.canParse(specifier) && process?.getBuiltinModule?.(specifier) === undefined
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
    case "ImportExpression": {
      const { source } = node
      if (source.type === "Literal" && isRelative(String(source.value))) found(`import(${source.raw})`, node)
      for (const child of childrenOf(node)) walk(child)
      return
    }
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
  const { program, root } = functionText(source)
  const { start } = root
  const uses: Array<readonly [name: string, node: Node]> = []
  const use = (name: string, node: Node) => void uses.push([name, node])

  walkPlace(root, { this: false, super: false, privates: new Set() }, use)

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
