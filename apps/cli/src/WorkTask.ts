/** Where workers find their tasks: beside this file, in the sources and in the bundle. */
export const workTask = new URL("./work.task.ts", import.meta.url)
