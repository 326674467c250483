import { assert, describe, it } from "@effect/vitest"
import * as XmlStylesheet from "../../src/extract/XmlStylesheet.ts"

const hrefOf = (text: string) => {
  const found = XmlStylesheet.place(text)
  return found && `${found.quote}${text.slice(found.start, found.end)}${found.quote}`
}

describe("XmlStylesheet", () => {
  it("finds the reference among what else the instruction tells", () => {
    for (const [text, expected] of [
      ['xml-stylesheet href="a.css"?', '"a.css"'],
      ["xml-stylesheet\n type = \"text/css\"\ttitle='href=\"no\"' href\n=\n'a b.css' media='x'?", "'a b.css'"],
      ['xml-stylesheet href=""?', '""'],
      ['xml-stylesheet hrefs="a"?', undefined],
      ["xml-stylesheet href=a?", undefined],
      ['xml-stylesheet href="a', undefined],
      ['xml-stylesheet type href="a"?', undefined],
      ['xml-stylesheets href="a"?', undefined],
      ['xml href="a"?', undefined],
      ["xml-stylesheet?", undefined]
    ] as const)
      assert.strictEqual(hrefOf(text), expected, text)
  })

  it("takes any text, in time proportional to its length", () => {
    for (const piece of [" ", "a", "=", " a=''", ' a="', "' ", " href", " href=", "\n="])
      for (const text of [piece.repeat(65_536 / piece.length), ` a${piece.repeat(65_536 / piece.length)}`])
        assert.doesNotThrow(() => XmlStylesheet.place(`xml-stylesheet${text}`))
  })
})
