/**
 * The text of a function, as `String(f)` gives it, read by a parser: arrow, async,
 * generator, method, accessor or class. Text is read as strict code, which is what
 * modules and classes are.
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

const membersOf = (node: Node) => (node as ClassExpression).body.body

export interface FunctionText {
  /** Its first line is ours, the source begins with the second. */
  readonly program: Program
  /** The function or class; of a method what follows its name. */
  readonly root: AnyNode
  /** An expression of the same function: a method, an accessor too, becomes a `function`. */
  readonly expression: string
}

// Read in a constructor, for there an arrow function may say all that it may say anywhere, `super()` included.
const before = "(class extends Object { constructor() { ("
const after = ") } })"
/** Around a method or an accessor, which has no `function` of its own. */
const classAround = ["class extends Object {", "}"] as const

/**
 * Reads `String(f)`. Throws a TypeError if that is no source, because the function is built in or bound, or not one
 * function of strict code.
 */
export const functionText = (source: string): FunctionText => {
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
        if (!/^(ArrowFunction|Function|Class)Expression$/.test(root.type)) continue
        return { program, root, expression: source.slice(root.start - start, root.end - start) }
      }
      const [method, ...methods] = membersOf(root)
      if (methods.length > 0 || method?.type !== "MethodDefinition") continue
      const { value } = method
      const kind = `${value.async ? "async " : ""}function${value.generator ? "*" : ""}`
      const expression = `${kind} ${source.slice(value.start - start, value.end - start)}`
      return { program, root: value, expression }
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
