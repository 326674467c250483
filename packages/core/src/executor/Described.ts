/** What somebody gave where something else is wanted, as a message tells of it. */

export const isTask = (value: unknown): value is { readonly url: string; readonly name: string } => {
  const { url, name } = (value ?? {}) as { readonly url?: unknown; readonly name?: unknown }
  return typeof url === "string" && typeof name === "string"
}

/** Longer text is cut. */
const mostText = 100

/** A task or a function by its name, other objects by their kind: the text of their own may be all they hold, or none. */
export const described = (value: unknown): string => {
  if (isTask(value)) return `the task ${value.name}`
  if (typeof value === "function") return `the function ${value.name || "without a name"}`
  if (Array.isArray(value)) return `an array of length ${value.length}`
  const text = Object(value) === value ? Object.prototype.toString.call(value) : String(value)
  return text.length > mostText ? `${text.slice(0, mostText)}...` : text
}
