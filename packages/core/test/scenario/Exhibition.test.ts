import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { exhibition } from "../../src/scenario/Exhibition.ts"
import * as Parameter from "../../src/scenario/Parameter.ts"
import { measuredOf, playVirtually } from "../../src/scenario/Scenario.ts"

const played = (given: Readonly<Record<string, string>>) =>
  Effect.map(playVirtually(exhibition, Parameter.parse(exhibition.parameters, given)), measuredOf)

describe("the exhibition", () => {
  it.effect("takes 1600 minutes in turn, 600 to the last move and 605 to the last reply board by board", () =>
    Effect.gen(function* () {
      const measured = yield* played({})
      assert.deepStrictEqual(measured, {
        game: 160,
        away: 62.5,
        sequential: 1600,
        simultaneous: 600,
        lastReply: 605,
        moving: 1600 / 600,
        faster: 1600 / 605,
        idle: 0
      })
    })
  )

  it.effect("has the last moves and replies of the table: 1, 2, 3, 4 boards", () =>
    Effect.gen(function* () {
      const found = yield* Effect.forEach([1, 2, 3, 4], (opponents) => played({ opponents: String(opponents) }))
      assert.deepStrictEqual(
        found.map((measured) => [measured["simultaneous"], measured["lastReply"], measured["idle"] === 0]),
        [
          [155, 160, false],
          [158, 163, false],
          [180, 185, true],
          [240, 245, true]
        ]
      )
    })
  )

  // two moves show what more would: the first round and one that follows
  it.effect("is what the formula says from 1 to 50 boards, for thinking times from 1 to 20 minutes", () =>
    Effect.gen(function* () {
      for (const opponents of [1, 2, 3, 5, 10, 50])
        for (const move of [1, 2, 3, 7, 20])
          for (const reply of [1, 2, 5, 6, 20]) {
            const given = { opponents, move, reply, moves: 2 }
            const { checks } = yield* playVirtually(exhibition, {
              ...Parameter.defaults(exhibition.parameters),
              ...given
            })
            for (const { what, holds } of checks) assert.isTrue(holds, `${what} for ${JSON.stringify(given)}`)
          }
    })
  )
})
