/**
 * The pictures of a run as one SVG file, for a slide.
 *
 * What the style sheet says of each shape is written at the shape: programs for slides know no style sheet of ours.
 */

const margin = 24
const captionHeight = 26
const titleHeight = 40

/** What is written at a shape, by its initial value, which is not. */
const lines = {
  stroke: "none",
  "stroke-width": "1px",
  "stroke-dasharray": "none",
  "stroke-linecap": "butt",
  "stroke-linejoin": "miter"
}
const texts = {
  "paint-order": "normal",
  "font-family": "",
  "font-size": "",
  "font-weight": "400",
  "dominant-baseline": "auto"
}
const shapes = { fill: "", opacity: "1" }

const made = (name: string, attributes: Readonly<Record<string, string | number>>, text?: string) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  if (text !== undefined) element.textContent = text
  return element
}

/** A copy that looks the same alone. */
const copied = (svg: SVGSVGElement): SVGSVGElement => {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const copies = copy.querySelectorAll("*")
  for (const [index, element] of svg.querySelectorAll("*").entries()) {
    const style = getComputedStyle(element)
    const isSeen = element.tagName !== "g" && element.closest("clipPath") === null
    const written = {
      ...(isSeen ? shapes : {}),
      ...(isSeen && style.stroke !== "none" ? lines : {}),
      ...(element.tagName === "text" ? texts : {})
    }
    for (const [property, initial] of Object.entries(written)) {
      const value = style.getPropertyValue(property)
      if (value !== initial) copies[index]!.setAttribute(property, value)
    }
    copies[index]!.removeAttribute("class")
  }
  return copy
}

/** All pictures below an element, with a title and their captions. */
export const svgOf = (pictures: HTMLElement, title: string): string => {
  const { fontFamily, color } = getComputedStyle(document.body)
  const body: Array<Element> = []
  const write = (text: string, x: number, y: number, size: number, anchor: string) =>
    body.push(
      made(
        "text",
        { x, y, fill: color, "font-family": fontFamily, "font-size": size, "font-weight": 600, "text-anchor": anchor },
        text
      )
    )
  let width = 0
  let y = margin + titleHeight
  for (const figure of pictures.querySelectorAll("figure")) {
    const svg = figure.querySelector("svg")
    if (svg === null) continue
    width = svg.clientWidth
    write(figure.querySelector(".variant")!.textContent, margin, y + 14, 15, "start")
    write(figure.querySelector(".took")!.textContent, margin + width, y + 14, 15, "end")
    const copy = copied(svg)
    copy.setAttribute("x", String(margin))
    copy.setAttribute("y", String(y + captionHeight))
    body.push(copy)
    y += captionHeight + svg.clientHeight + margin / 2
  }
  write(title, margin, margin + 18, 21, "start")
  const size = { width: width + 2 * margin, height: y + margin / 2 }
  const root = made("svg", { ...size, viewBox: `0 0 ${size.width} ${size.height}` })
  root.append(made("rect", { ...size, fill: getComputedStyle(document.body).backgroundColor }), ...body)
  return new XMLSerializer().serializeToString(root)
}

/** Hands text to the reader as a file. */
export const save = (name: string, text: string): void => {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }))
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
