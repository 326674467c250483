/** Points in time as people are told of them, in UTC: `2026-11-28T11:24:50Z`. Inside the program they are milliseconds since the epoch. */

/** To the second, cut and not rounded. */
export const format = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z")
