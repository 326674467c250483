import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { drawing } from "../src/MapBounded.ts"

it.effect("draws three at a time, each begun when an earlier one ends", () =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(drawing)
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual(yield* Fiber.join(fiber), [
      "0 ####",
      "1 ##",
      "2 ######",
      "3   ###",
      "4     #",
      "5      #####",
      "6      ##",
      "7       ###",
      "10 pulled, 8 taken, 3 at a time"
    ])
  })
)
