/** Where a page leads a reader: its `<a>` and `<area>`, with their words. Not what it is made of, such as images and scripts. */
import type { Page } from "./Page.ts"
import * as Selector from "./Selector.ts"
import * as Text from "./Text.ts"

/** Where a page leads, and in which words. */
export interface Hyperlink {
  /** Absolute where the page's own address is known, with its fragment. Any scheme: `mailto:` too. */
  readonly url: string
  readonly text: string
  /** `nofollow` and the like. */
  readonly rel?: string
}

const anchors = Selector.make("a[href], area[href]")

/** The links of a page in its order, as often as they stand there. */
export const of = (page: Page): ReadonlyArray<Hyperlink> =>
  anchors.find(page).map((element) => ({
    url: Selector.absolute(element.attribs["href"]!, page.base),
    text: Text.inline(element) || (element.attribs["alt"] ?? ""),
    ...(element.attribs["rel"] ? { rel: element.attribs["rel"] } : {})
  }))
