/** The head of a response, as far as it names links or speaks to crawlers. */
import type { ResponseHead } from "../Session.ts"
import * as Url from "../Url.ts"
import * as LinkHeader from "./LinkHeader.ts"
import * as Links from "./Links.ts"
import * as Reference from "./Reference.ts"
import * as Refresh from "./Refresh.ts"
import * as RobotsDirectives from "./RobotsDirectives.ts"

/** The links that a response names in its head, and what it says to crawlers. */
export const read = (
  head: Pick<ResponseHead, "status" | "header" | "fields">,
  { url: base, token }: { readonly url: string; readonly token: string }
): { readonly links: ReadonlyArray<Links.Link>; readonly robots: RobotsDirectives.RobotsDirectives } => {
  const links: Array<Links.Link> = []
  const add = (reference: string | undefined, kind: Links.Kind, source: string, rel = "") => {
    const url = reference === undefined ? undefined : Reference.resolve(Url.inField(reference), base)
    if (url !== undefined) links.push({ url, kind, source: `header ${source}`, rel, nofollow: Links.isNofollow(rel) })
  }
  const { status } = head
  // of a redirect and of what was made; elsewhere it means nothing (RFC 9110 10.2.2)
  if (status === 201 || (status >= 300 && status <= 399)) add(head.header("location"), "navigation", "location")
  add(head.header("content-location"), "reference", "content-location")
  // asked for first: few heads have these, and each page has a head
  const refresh = head.header("refresh")
  if (refresh !== undefined) add(Refresh.target(Url.inField(refresh)), "navigation", "refresh")
  const named = head.header("link")
  if (named !== undefined)
    for (const { target, rel } of LinkHeader.parse(Url.inField(named)))
      add(target, Links.kindOf(Links.words(rel)), "link", rel)
  const joined = head.header("x-robots-tag")
  if (joined === undefined) return { links, robots: RobotsDirectives.none }
  const lines = head.fields?.().flatMap(([name, value]) => (name.toLowerCase() === "x-robots-tag" ? [value] : []))
  return { links, robots: RobotsDirectives.fromHeader(lines ?? [joined], token) }
}
