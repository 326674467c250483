import { assert, it } from "@effect/vitest"
import { isPrintable } from "../../src/sink/PrintableCharacter.ts"

const printable: Array<string> = []
for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
  const character = String.fromCodePoint(codePoint)
  if (isPrintable(character)) printable.push(character)
}

/** As `FileName` folds. */
const fold = (text: string) => text.normalize("NFKD").toLowerCase().toUpperCase().toLowerCase().normalize("NFKC")

it("has the letters of living scripts, and pictographs", () => {
  for (const character of "éßñøœΩжאبहিதமிழ์中あア한😀€“”—") assert.isTrue(isPrintable(character), character)
  assert.isAbove(printable.length, 122_000)
})

it("has nothing invisible and nothing that turns the direction of text", () => {
  const visible = /^(?!\p{Default_Ignorable_Code_Point}|\p{Bidi_Control})[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u
  assert.deepStrictEqual(
    printable.filter((character) => !visible.test(character)),
    []
  )
})

it("has nothing that turns into ASCII punctuation when it is normalised", () => {
  const punctuation = /[\0-/:-@[-`{-\x7f]/
  for (const form of ["NFC", "NFD", "NFKC", "NFKD"]) {
    assert.deepStrictEqual(
      printable.filter((character) => punctuation.test(character.normalize(form))),
      []
    )
  }
})

it("folds to one and the same, whatever a file system does to it", () => {
  const changes = [
    (text: string) => text.toUpperCase(),
    (text: string) => text.toLowerCase(),
    (text: string) => text.normalize("NFC"),
    (text: string) => text.normalize("NFD").toUpperCase().normalize("NFD"),
    (text: string) => text.normalize("NFD").toLowerCase().normalize("NFC"),
    (text: string) => text.normalize("NFKC")
  ]
  for (const change of changes) {
    assert.deepStrictEqual(
      printable.filter((character) => fold(change(character)) !== fold(character)),
      []
    )
  }
})
