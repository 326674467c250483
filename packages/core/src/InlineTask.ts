/**
 * A task from a function where it stands, for what is too small for a module:
 *
 *     const square = inline((n: number) => n ** 2) // Task<[n: number], number>
 *
 * 1. Only the function's text reaches a worker. So it may use its parameters, its own
 *    variables, globals, `this` as any task's, and what it imports by `import()` from
 *    Node or an absolute URL; a function that uses more is refused when it is made a
 *    task, by the name of what it captures.
 * 2. The worker needs nothing for it: it is parsed here.
 *
 * This module brings a parser, so it is not in the package's index: import it by name.
 */
import { capturedVariables } from "./executor/CapturedVariables.ts"
import { ExecutorError, VariablesCaptured } from "./executor/ExecutorError.ts"
import { functionText } from "./executor/FunctionText.ts"
import { inlineScheme } from "./executor/LoadModule.ts"
import type { TaskContext, TaskOf } from "./Task.ts"

/** What compilers put into functions and define beside them: esbuild's `keepNames`, which tsx sets, and vitest. */
const helpers = new Map([
  ["__name", "(it) => it"],
  ["__vite_ssr_dynamic_import__", "load"]
])

/**
 * The task of a function: a function, arrow function or method, that may be async or a
 * generator. Its text is parsed, which takes up to a millisecond: make it once. Throws an
 * `ExecutorError` with the reason `VariablesCaptured`, and a TypeError if the function
 * has no text because it is built in or bound.
 */
export const inline = <F extends (this: TaskContext, ...parameters: any) => unknown>(task: F): TaskOf<F> => {
  const name = task.name || "inline function"
  const source = String(task)
  const { expression, root } = functionText(source)
  if (root.type === "ClassExpression") throw new TypeError(`${name} is a class, which cannot be called`)
  const used = capturedVariables(source)
  const captured = used.filter(({ name }) => !helpers.has(name))
  if (captured.length > 0) throw new ExecutorError(new VariablesCaptured({ captured }), name)
  const defined = used.map(({ name }) => `const ${name} = ${helpers.get(name)};`)
  const key = JSON.stringify(name)
  // before the function and on its line, so that lines in a stack are its own
  const program = `(load) => {"use strict";${defined.join("")}return {[${key}]:${expression}}}\n//# sourceURL=inline-function`
  return { url: inlineScheme + program, name } as unknown as TaskOf<F>
}
