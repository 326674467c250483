/**
 * How the module of a task is loaded, the same for all workers; to threads and
 * processes it is sent as text, as `Serve.ts` is.
 *
 * 1. One that is named `.ts` but was compiled is found as `.js` or `.mjs`.
 * 2. The URL of an inline function is a scheme and then a function that is given
 *    `import` and gives what a module would export. A `data:` URL would need none of
 *    this, but would stand in every line of a stack, whole.
 */
type Exports = Readonly<Record<string, unknown>>

export const inlineScheme = "inline:"

export async function loadModule(url: string, importModule: (url: string) => Promise<Exports>): Promise<Exports> {
  if (url.startsWith("inline:"))
    // oxlint-disable-next-line no-eval -- the user's own function, of this very program; indirect, so that nothing of this package is in scope
    return (0, eval)(url.slice("inline:".length))(importModule)
  try {
    return await importModule(url)
  } catch (error: any) {
    if (!url.endsWith(".ts") || error?.code !== "ERR_MODULE_NOT_FOUND" || error.url !== url) throw error
    for (const compiled of [".js", ".mjs"].map((ending) => url.slice(0, -".ts".length) + ending))
      try {
        return await importModule(compiled)
      } catch (other: any) {
        if (other?.code !== "ERR_MODULE_NOT_FOUND" || other.url !== compiled) throw other
      }
    throw error
  }
}
