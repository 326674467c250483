/**
 * URLs of inline functions: this scheme, then a function that is given `import` and
 * gives what a module would export. A `data:` URL would need none of this, but would
 * stand in every line of a stack, whole.
 */
export const inlineScheme = "inline:"

/** The exports of an inline function's URL; nothing for the URL of a module. */
export const inlineExports = (url: string): Readonly<Record<string, unknown>> | undefined =>
  url.startsWith(inlineScheme)
    ? // oxlint-disable-next-line no-eval -- the user's own function, of this very program; indirect, so that nothing of this package is in scope
      (0, eval)(url.slice(inlineScheme.length))((url: string) => import(/* @vite-ignore */ url))
    : undefined
