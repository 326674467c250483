/** Functions of Node's own modules by others, as a system that fails would have them. */
import * as Effect from "effect/Effect"
import { syncBuiltinESMExports } from "node:module"

/** Until the scope ends, for all who import them. `module`: as `process.getBuiltinModule` gives it. */
export const replaced = <Module extends object>(module: Module, functions: Partial<Module>) => {
  const put = (these: Partial<Module>) =>
    Effect.sync(() => {
      Object.assign(module, these)
      syncBuiltinESMExports()
    })
  const own = Object.fromEntries(Object.keys(functions).map((name) => [name, module[name as keyof Module]]))
  return Effect.acquireRelease(put(functions), () => put(own as Partial<Module>))
}
