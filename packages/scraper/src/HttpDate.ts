/**
 * HTTP dates (RFC 9110 5.6.7). Of the three forms to be read that of C's
 * `asctime` names no zone: it means UTC all the same, and not this machine's.
 */

/** Seconds that the clock of the epoch does not have. `Date.parse` passes over them, or takes them for the year. */
const beyond = /(?<=\d:\d\d:)[6-9]\d\b/

/** Of a text with the name of a month, the day before it or after it. */
const dayIn = /(?<![:\d])(\d{1,2})[- ][a-z]{3}|[a-z]{3} +(\d{1,2})(?= )/i
const zoneIn = /[a-z]+$|[a-z]*[+-]\d{4}$/i

/** Of a day that its month does not have `Date.parse` makes one of the next month, and so of an hour past the last. */
const parseDay = (zoned: string): number => {
  const [, before, after] = dayIn.exec(zoned) ?? []
  const day = before ?? after
  const isOne = day === undefined || new Date(zoned.replace(zoneIn, "GMT")).getUTCDate() === Number(day)
  return isOne ? Date.parse(zoned) : NaN
}

/** A leap second is the instant after the 59th: the clock of the epoch has no other place for it. */
const parse = (text: string): number => {
  const zoned = zoneIn.test(text) ? text : `${text} GMT`
  const [second] = beyond.exec(zoned) ?? []
  if (second === undefined) return parseDay(zoned)
  return second === "60" ? parseDay(zoned.replace(beyond, "59")) + 1000 : NaN
}

/** To the end of a year of two digits, as RFC 850 has it. */
const shortYear = /^([a-z]+, *\d{1,2}[- ][a-z]{3}[- ])(\d\d)(?= )/i

/**
 * Milliseconds since the epoch; `NaN` where the text is no date. With two digits of a year it is the last such date that is
 * no more than 50 years after `nowMs`.
 */
export const httpDateMs = (text: string, nowMs = Date.now()): number => {
  const [before, start, digits] = shortYear.exec(text) ?? []
  if (before === undefined) return parse(text)
  const latest = new Date(nowMs)
  const year = latest.getUTCFullYear() + 50
  latest.setUTCFullYear(year)
  const inYear = (year: number) => parse(`${start}${year}${text.slice(before.length)}`)
  const found = year - ((year - Number(digits)) % 100)
  const at = inYear(found)
  return at > latest.getTime() ? inYear(found - 100) : at
}
