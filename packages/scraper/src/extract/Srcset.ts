const isBlank = (character: string) => /[\t\n\f\r ]/.test(character)

/**
 * Where the URLs stand in a `srcset` (HTML 4.8.4.2.1, parsing a srcset attribute). A comma may be part of a URL, and one in
 * parentheses divides nothing.
 */
export const places = (srcset: string): ReadonlyArray<{ readonly start: number; readonly end: number }> => {
  const found: Array<{ readonly start: number; readonly end: number }> = []
  let at = 0
  while (true) {
    while (at < srcset.length && (srcset[at] === "," || isBlank(srcset[at]!))) at++
    if (at === srcset.length) return found
    const start = at
    while (at < srcset.length && !isBlank(srcset[at]!)) at++
    let end = at
    while (srcset[end - 1] === ",") end--
    found.push({ start, end })
    // a comma at the end of the URL: no descriptors
    if (end < at) continue
    let depth = 0
    for (; at < srcset.length; at++) {
      const character = srcset[at]
      if (character === "(") depth = 1
      else if (character === ")") depth = 0
      else if (character === "," && depth === 0) break
    }
  }
}

/** The URLs themselves. */
export const urls = (srcset: string): ReadonlyArray<string> =>
  places(srcset).map(({ start, end }) => srcset.slice(start, end))
