/** Quotes what a shell would take apart. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** A path, which no command takes for a flag. */
export const pathWord = (path: string): string => shellWord(path.startsWith("-") ? `./${path}` : path)
