/**
 * Options without what `Object.prototype` may have been given: a polluted one must not
 * choose a worker's flags or environment, which can start any program.
 */
export const own = <Options extends object>(options: Options): Options => Object.assign(Object.create(null), options)
