import { assert, describe, it } from "@effect/vitest"
import * as ContentType from "../src/ContentType.ts"

describe("ContentType", () => {
  for (const [told, type] of [
    ["text/html; charset=utf-8", "text/html; charset=utf-8"],
    ["text/html, text/html", "text/html"],
    ["TEXT/HTML; charset=koi8-r,text/html", "TEXT/HTML; charset=koi8-r"],
    ["text/html; charset=koi8-r, text/html; charset=utf-8", "text/html; charset=utf-8"],
    ["text/html; charset=koi8-r, text/css", "text/css"],
    ["text/html; charset=koi8-r, text/css, text/html", "text/html"],
    [", text/html ,", "text/html"],
    ["text/html, */*; charset=koi8-r", "text/html"],
    ["text/html; name=a,b", "text/html; name=a"],
    ['text/html; name="a,b"', 'text/html; name="a,b"'],
    ['text/css; name="\\",text/html"', 'text/css; name="\\",text/html"'],
    ['text/css; name=", text/html', 'text/css; name=", text/html'],
    ['text/css; name=", text/html\\', 'text/css; name=", text/html\\'],
    ["html, page", "html, page"]
  ] as const)
    it(`takes ${JSON.stringify(told)} for ${JSON.stringify(type)}`, () => {
      assert.strictEqual(ContentType.of(told), type)
    })

  it("tells the type itself, in whatever case and with whatever behind it", () => {
    for (const told of ["text/html", " Text/HTML ;charset=utf-8", "text/html\t; a=b; c"])
      assert.strictEqual(ContentType.essence(told), "text/html")
    assert.strictEqual(ContentType.essence(undefined), "")
  })
})
