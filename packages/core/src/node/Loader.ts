import { inlineScheme } from "../executor/InlineScheme.ts"

/**
 * How a module of tasks is loaded, as the text of a function: bundlers and test runners
 * rewrite `import()` where they see it, and would look for the module in the bundle.
 * One that is named `.ts` but was compiled is found as `.js`. The URL of an inline function is its program.
 */
export const loader = `async (url) => {
  if (url.startsWith("${inlineScheme}")) return (0, eval)(url.slice(${inlineScheme.length}))((url) => import(url))
  try {
    return await import(url)
  } catch (error) {
    if (!url.endsWith(".ts") || error?.code !== "ERR_MODULE_NOT_FOUND" || error.url !== url) throw error
    try {
      return await import(url.slice(0, -3) + ".js")
    } catch (other) {
      throw other?.code === "ERR_MODULE_NOT_FOUND" ? error : other
    }
  }
}`
