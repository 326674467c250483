/**
 * Options without what `Object.prototype` may have been given: a polluted one must not
 * choose a worker's flags or environment, which can start any program. Without those that are `null`, too.
 */
export const own = <Options extends object>(options: Options | undefined): Options => {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== null)
  return Object.assign(Object.create(null), Object.fromEntries(given))
}
