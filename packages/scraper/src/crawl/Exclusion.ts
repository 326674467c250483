/** Why the rules of a crawl leave a target out, as its outcome says it. */
import type { Decision } from "./Scope.ts"
import type { Evidence } from "./Traps.ts"

export interface Exclusion {
  readonly reason: "TooDeep" | "TooManySitemaps" | "Excluded" | "NotIncluded" | "OutOfScope"
  readonly message: string
}

/** `undefined` for what is in scope. */
export const of = (decision: Decision): Exclusion | undefined => {
  switch (decision._tag) {
    case "InScope":
      return undefined
    case "TooDeep":
      return { reason: "TooDeep", message: `${decision.depth} links from a seed, of ${decision.maxDepth} at most` }
    case "TooManySitemaps":
      return { reason: "TooManySitemaps", message: "sitemaps from here on: too many in a row" }
    case "Excluded":
      return { reason: "Excluded", message: `excluded by ${decision.pattern.replaceAll("\\/", "/")}` }
    case "NotIncluded":
      return { reason: "NotIncluded", message: "matches none of the patterns to include" }
    case "Outside":
      return { reason: "OutOfScope", message: `outside of the ${nouns[decision.within]} of the seeds` }
  }
}

/** The same for a target of a pattern that has no end. */
export const ofTrap = ({ pattern, pages, contents }: Pick<Evidence, "pattern" | "pages" | "contents">) => ({
  reason: "Trap",
  message: `${pattern} has no end: ${pages} pages of it had ${contents} different contents, and led to more of them`
})

const nouns = { host: "hosts", domain: "domains", path: "folders" } as const
