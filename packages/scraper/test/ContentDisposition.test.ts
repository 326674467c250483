import { assert, describe, it } from "@effect/vitest"
import { fileName } from "../src/ContentDisposition.ts"

/** The text as the bytes of its UTF-8, one character a byte: how a raw field value arrives. */
const raw = (text: string): string => Buffer.from(text).toString("latin1")

/** The cases that come out otherwise. */
const wrong = (cases: ReadonlyArray<readonly [header: string, name: string | undefined]>) =>
  cases.map(([header, name]) => [header, name, fileName(header)]).filter(([, expected, actual]) => expected !== actual)

describe("fileName", () => {
  it("reads a token and a quoted string, whatever the type", () => {
    const cases = [
      ["attachment; filename=plan.pdf", "plan.pdf"],
      ['attachment; filename="my plan.pdf"', "my plan.pdf"],
      ['inline;filename="a;b=c, \\"d\\" \\\\.pdf"', 'a;b=c, "d" \\.pdf'],
      ['Attachment ; FileName\t= "x"', "x"],
      ['form-data; size=3; filename="x"; name=y', "x"]
    ] as const
    assert.deepStrictEqual(wrong(cases), [])
  })

  it("gives nothing where no name is said", () => {
    const cases = [
      ["", undefined],
      ["inline", undefined],
      ["attachment;", undefined],
      ['attachment; filename=""', undefined],
      ["attachment; filename", undefined],
      ["attachment; filename=", undefined],
      ['attachment; name="x"; xfilename=y', undefined],
      ['attachment; other="; filename=x"', undefined],
      ["filename=x", undefined]
    ] as const
    assert.deepStrictEqual(wrong(cases), [])
  })

  it("lets filename* win, wherever it stands", () => {
    const cases = [
      ["attachment; filename*=UTF-8''%e2%82%ac%20rates.txt; filename=EURO.txt", "€ rates.txt"],
      ["attachment; filename*=utf8''%e2%82%ac; filename=EURO.txt", "€"],
      ["attachment; filename*=UTF-8''%e4; filename*=UTF-8''b; filename=a", "a"],
      ["attachment; filename=EURO.txt; filename*=utf-8'en'%e2%82%ac%20rates.txt", "€ rates.txt"],
      ["attachment; filename* = iso-8859-1''%A3%80", "£\u0080"]
    ] as const
    assert.deepStrictEqual(wrong(cases), [])
  })

  it("falls back to filename where filename* does not decode", () => {
    for (const value of [
      "UTF-8''%E9",
      "UTF-8''%e",
      "UTF-8''a%zz",
      "UTF-16''a",
      "''a",
      "UTF-8'a",
      "\"UTF-8''a\"",
      "UTF-8''",
      "",
      raw("UTF-8''é")
    ]) {
      assert.strictEqual(fileName(`attachment; filename*=${value}; filename=plain`), "plain", value)
      assert.isUndefined(fileName(`attachment; filename*=${value}`), value)
    }
  })

  it("does not decode escapes, encoded words or continuations in filename", () => {
    const cases = [
      ['attachment; filename="a%20b.txt"', "a%20b.txt"],
      ['attachment; filename="=?UTF-8?Q?a?="', "=?UTF-8?Q?a?="],
      ['attachment; filename*0="a"; filename*1="b"', undefined]
    ] as const
    assert.deepStrictEqual(wrong(cases), [])
  })

  it("reads raw bytes as UTF-8 where they are UTF-8, else as ISO-8859-1", () => {
    const cases = [
      [`attachment; filename="${raw("naïve €.txt")}"`, "naïve €.txt"],
      ['attachment; filename="na\xefve.txt"', "naïve.txt"],
      [`attachment; filename= ${raw("voilà")} ;`, "voilà"],
      ['attachment; filename="€.txt"', "€.txt"]
    ] as const
    assert.deepStrictEqual(wrong(cases), [])
  })

  it("reads on where the grammar is broken", () => {
    const cases = [
      ["attachment; filename=my plan.pdf", "my plan.pdf"],
      ["attachment;; ;filename=x;", "x"],
      ['attachment; filename="x".txt; a=b', "x"],
      ["attachment; filename=x; filename=y", "x"],
      ['attachment; filename="x', undefined],
      ['attachment; filename=x; other="y', "x"],
      ["attachment; a; filename=x", "x"]
    ] as const
    assert.deepStrictEqual(wrong(cases), [])
  })

  it("takes any text, in time proportional to its length", () => {
    for (const piece of [";", "=", '"', "\\", ";=", '="', ";a=", "'", "%", "\xff", " ", 'filename="\\']) {
      const text = piece.repeat(2_000_000 / piece.length)
      for (const header of [
        text,
        `${text}=`,
        `a; filename=${text}`,
        `a; filename="${text}"`,
        `a; filename*=UTF-8'${text}`
      ]) {
        assert.doesNotThrow(() => fileName(header))
      }
    }
  })
})
