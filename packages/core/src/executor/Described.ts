/** What somebody gave where something else is wanted, as a message tells of it. */

/** Longer text is cut. */
const mostText = 100

/**
 * A function by its name, other objects by their kind: the text of their own may be all they hold, or none. Anything can
 * be given, also what throws when it is looked at.
 */
export const described = (value: unknown): string => {
  try {
    const text = textOf(value)
    return text.length > mostText ? `${text.slice(0, mostText)}...` : text
  } catch {
    return "something that cannot be shown"
  }
}

const textOf = (value: unknown): string => {
  if (typeof value === "function") return `the function ${value.name || "without a name"}`
  if (Array.isArray(value)) return `an array of length ${value.length}`
  return Object(value) === value ? Object.prototype.toString.call(value) : String(value)
}
