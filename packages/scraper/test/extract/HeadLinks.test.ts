import { assert, describe, it } from "@effect/vitest"
import * as HeadLinks from "../../src/extract/HeadLinks.ts"

const url = "http://h/a/b"

describe("the head of a response", () => {
  const head = (status: number, fields: Readonly<Record<string, string>>) =>
    HeadLinks.read({ status, header: (name) => fields[name] }, { url, token: "simul" })

  it("names links", () => {
    const of = (status: number, fields: Readonly<Record<string, string>>) =>
      head(status, fields).links.map((link) => `${link.kind} ${link.source} ${link.url} ${link.rel}`)
    assert.deepStrictEqual(of(301, { location: "x" }), ["navigation header location http://h/a/x "])
    assert.deepStrictEqual(of(200, { location: "x", refresh: "0;url=y", "content-location": "z" }), [
      "reference header content-location http://h/a/z ",
      "navigation header refresh http://h/a/y "
    ])
    assert.deepStrictEqual(of(200, { link: '</s.css>; rel="preload"; as=style, <2>; rel=next' }), [
      "resource header link http://h/s.css preload",
      "navigation header link http://h/a/2 next"
    ])
    assert.deepStrictEqual(
      of(200, { "content-location": "\u00c3\u00a0", refresh: "0;url=\u00e4\u00a0", link: "<\u00c3\u00a0>" }),
      [
        "reference header content-location http://h/a/%C3%A0 ",
        "navigation header refresh http://h/a/%E4%A0 ",
        "reference header link http://h/a/%C3%A0 "
      ]
    )
    assert.deepStrictEqual(of(200, {}), [])
  })

  it("says to crawlers what is to be done", () => {
    assert.deepStrictEqual(head(200, { "x-robots-tag": "none" }).robots, { noindex: true, nofollow: true })
    const fields = [
      ["X-Robots-Tag", "otherbot: noindex"],
      ["x-robots-tag", "nofollow"]
    ] as const
    const header = (name: string) => (name === "x-robots-tag" ? "otherbot: noindex, nofollow" : undefined)
    const { robots } = HeadLinks.read({ status: 200, header, fields: () => fields }, { url, token: "simul" })
    assert.deepStrictEqual(robots, { noindex: false, nofollow: true })
  })
})
