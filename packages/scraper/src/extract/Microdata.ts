/**
 * Microdata as JSON (HTML 5.5.1, "Converting HTML to other formats: JSON"):
 * items with their types, identifier and properties, items within items.
 *
 * 1. An item that contains itself is told as `"ERROR"`, as the standard has it.
 * 2. What `itemref` names is found once for a page, not once for an item.
 * 3. Beyond the standard, a `content` on any element is its value: schema.org
 *    has it so in its examples, and search engines read it.
 */
import type { Element } from "domhandler"
import type { Page } from "./Page.ts"
import * as Selector from "./Selector.ts"
import * as Text from "./Text.ts"

/** An item of microdata with all within it. */
export interface Item {
  readonly type?: ReadonlyArray<string>
  /** `itemid`, absolute. */
  readonly id?: string
  readonly properties: Readonly<Record<string, ReadonlyArray<string | Item>>>
}

const tops = Selector.make("[itemscope]:not([itemprop])")
const withId = Selector.make("[id]")
const withNames = Selector.make("[itemprop]")

const words = (text: string | undefined): ReadonlyArray<string> =>
  (text ?? "").split(/\s+/).filter((word) => word !== "")

/** Which attribute has the value of a property (HTML 5.2.4). */
const valueAttribute: Readonly<Record<string, string>> = {
  meta: "content",
  audio: "src",
  embed: "src",
  iframe: "src",
  img: "src",
  source: "src",
  track: "src",
  video: "src",
  a: "href",
  area: "href",
  link: "href",
  object: "data",
  data: "value",
  meter: "value"
}

/** For what a reader sees a `content` may stand: `$13` for `13.00`. */
const shown = (element: Element): string => element.attribs["content"] ?? Text.inline(element)

const valueOf = (element: Element, base: string | undefined): string => {
  if (element.name === "time") return element.attribs["datetime"] ?? shown(element)
  const attribute = valueAttribute[element.name]
  if (attribute === undefined) return shown(element)
  const value = element.attribs[attribute]
  if (value === undefined || attribute === "content" || attribute === "value") return value ?? ""
  return Selector.absolute(value, base)
}

/** Items within items that are followed. A page can name one item from many places by `itemref`. */
const mostItems = 10_000
/** By `itemref` items may be deeper within one another than elements are in any page. */
const mostDepth = 1024

/** The items at the top of a page, in its order. */
export const of = (page: Page): ReadonlyArray<Item> => {
  const roots = tops.find(page)
  if (roots.length === 0) return []
  const ids = new Map<string, Element>()
  for (const element of withId.find(page))
    if (!ids.has(element.attribs["id"]!)) ids.set(element.attribs["id"]!, element)
  const places = new Map(withNames.find(page).map((element, place) => [element, place]))
  let left = mostItems

  /** The elements that have properties of an item (5.2.5), in the order of the page. */
  const propertiesOf = (item: Element): ReadonlyArray<Element> => {
    const referred = words(item.attribs["itemref"]).flatMap((id) => ids.get(id) ?? [])
    const pending = [...item.children, ...referred].toReversed()
    const seen = new Set<unknown>([item])
    const found: Array<Element> = []
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (!("attribs" in node) || seen.has(node)) continue
      seen.add(node)
      if (words(node.attribs["itemprop"]).length > 0) found.push(node)
      if (node.attribs["itemscope"] !== undefined) continue
      for (let index = node.children.length - 1; index >= 0; index--) pending.push(node.children[index]!)
    }
    return referred.length === 0 ? found : found.toSorted((one, other) => places.get(one)! - places.get(other)!)
  }

  const itemOf = (element: Element, around: ReadonlyArray<Element>): Item => {
    const inside = [...around, element]
    const properties: Record<string, Array<string | Item>> = Object.create(null)
    left -= 1
    for (const property of propertiesOf(element)) {
      const isItem = property.attribs["itemscope"] !== undefined
      const value = !isItem
        ? valueOf(property, page.base)
        : inside.length >= mostDepth || inside.includes(property) || left <= 0
          ? "ERROR"
          : itemOf(property, inside)
      for (const name of words(property.attribs["itemprop"])) (properties[name] ??= []).push(value)
    }
    const type = words(element.attribs["itemtype"])
    const id = element.attribs["itemid"]
    return {
      ...(type.length > 0 ? { type } : {}),
      ...(id === undefined ? {} : { id: Selector.absolute(id.trim(), page.base) }),
      properties
    }
  }
  return roots.map((root) => itemOf(root, []))
}
