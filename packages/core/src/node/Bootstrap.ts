/**
 * The program of a worker as text, made of functions that refer to nothing outside
 * themselves.
 *
 * A file beside this one would be the ordinary way, and the usual reason why a
 * pool breaks when a program is bundled: the file is not in the bundle, or is
 * bundled at another place. Text travels with whatever it is bundled into.
 *
 * Functions print themselves as they were compiled, though, with what a minifier or
 * an old target made of them. So the package is published with the text itself in
 * place of the functions, minified: `build.ts`.
 */

/** An expression: `main` called with the other functions. Comments and indentation, two fifths of the text, stay behind. */
export const bootstrap = (main: Function, parts: ReadonlyArray<Function>): string =>
  // esbuild's `keepNames` wraps functions in a helper of this name
  `((__name) => (${String(main)})(${parts.map(String).join(", ")}))((it) => it)`
    .replaceAll(/^\s*\/[/*].*$/gm, "")
    .replaceAll(/\s*\n\s*/g, "\n")
    .replaceAll(/[ \t]{2,}/g, " ")

/**
 * As text, because bundlers and test runners rewrite `import()` where they see it, and would look for the module in the
 * bundle.
 */
export const importModule = "(url) => import(url)"
