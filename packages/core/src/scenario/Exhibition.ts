/**
 * A chess master plays many opponents: one game after the other, or a move at each board in turn.
 *
 * The master thinks `move` minutes, an opponent `reply`, a game has `moves` moves of each.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Parameter from "./Parameter.ts"
import * as Scenario from "./Scenario.ts"
import * as Stage from "./Stage.ts"

const parameters = {
  opponents: Parameter.whole("boards", { default: 10, minimum: 1, maximum: 50 }),
  move: Parameter.number("the master's thinking for a move", { default: 3, minimum: 1, maximum: 60, unit: "min" }),
  reply: Parameter.number("an opponent's thinking for a move", { default: 5, minimum: 0, maximum: 60, unit: "min" }),
  moves: Parameter.whole("moves of each in a game", { default: 20, minimum: 1, maximum: 60 }),
  minute: Parameter.number("how long a minute takes in a real run", {
    default: 5,
    minimum: 1,
    maximum: 1000,
    unit: "ms"
  })
}
type Values = Parameter.Values<typeof parameters>

/** A minute of the model, in milliseconds of the clock: the picture then speaks of minutes and hours. */
const minuteMs = 60_000

const board = (index: number) => `board ${index + 1}`

/** Gives how long it took, and how long of that the master waited. */
const game = Effect.fnUntraced(function* (index: number, { move, reply, moves }: Values, unit: number) {
  const began = yield* Stage.now
  let idle = 0
  for (let turn = 1; turn <= moves; turn++) {
    yield* Stage.during("master", "running", Effect.sleep(move * unit), board(index))
    const moved = yield* Stage.now
    yield* Stage.during(board(index), "running", Effect.sleep(reply * unit), `reply ${turn}`)
    idle += (yield* Stage.now) - moved
  }
  return { took: (yield* Stage.now) - began, idle }
})

/** One game after the other. */
const inTurn = (values: Values, unit: number) =>
  Effect.forEach(Array.from({ length: values.opponents }), (_, index) => game(index, values, unit))

/**
 * A move at each board in turn; the opponents think at the same time. Gives when the master makes the last move, and
 * the time that the master waited.
 */
const simultaneous = Effect.fnUntraced(function* ({ opponents, move, reply, moves }: Values, unit: number) {
  const boards = yield* Effect.forEach(Array.from({ length: opponents }), (_, index) =>
    Effect.gen(function* () {
      const moved = yield* Queue.unbounded<number>()
      const replied = yield* Queue.unbounded<number>()
      const opponent = Effect.gen(function* () {
        for (let turn = 1; turn <= moves; turn++) {
          yield* Queue.take(moved)
          yield* Stage.during(board(index), "running", Effect.sleep(reply * unit), `reply ${turn}`)
          yield* Queue.offer(replied, turn)
        }
      })
      return { moved, replied, opponent: yield* Effect.forkChild(opponent) }
    })
  )
  let idle = 0
  for (let turn = 1; turn <= moves; turn++)
    for (const [index, { moved, replied }] of boards.entries()) {
      const came = yield* Stage.now
      if (turn > 1) yield* Queue.take(replied)
      idle += (yield* Stage.now) - came
      yield* Stage.during("master", "running", Effect.sleep(move * unit), board(index))
      yield* Queue.offer(moved, turn)
    }
  const lastMove = yield* Stage.now
  yield* Fiber.awaitAll(boards.map(({ opponent }) => opponent))
  return { lastMove, idle }
})

/** Real minutes would take a day: in a real run they are `minute` long. In virtual time they cost nothing. */
const unitOf = (values: Values, isVirtual: boolean) => (isVirtual ? minuteMs : values.minute)

const times = (ratio: number) => Number(ratio.toFixed(2))

export const exhibition = Scenario.make({
  name: "chess",
  title: "A chess master plays many opponents",
  question: {
    text: ({ opponents, move, reply, moves }) =>
      `${opponents} games in turn take ${opponents * moves * (move + reply)} minutes. How many from the first move to the last for a master who goes from board to board?`,
    answer: "simultaneous"
  },
  parameters,
  theory: ({ opponents: G, move: m, reply: o, moves: N }) => {
    const sequential = G * N * (m + o)
    const simultaneous = (N - 1) * Math.max(G * m, m + o) + G * m
    return {
      game: { what: "one game", formula: "N (m + o)", value: N * (m + o), unit: "min", real: 0.3 },
      away: {
        what: "of it, the master waits",
        formula: "o / (m + o)",
        value: (100 * o) / (m + o),
        unit: "%",
        real: 0.1
      },
      sequential: {
        what: "one game after the other",
        formula: "G N (m + o)",
        value: sequential,
        unit: "min",
        real: 0.3
      },
      simultaneous: {
        what: "board to board, last move",
        formula: "(N - 1) max(G m, m + o) + G m",
        value: simultaneous,
        unit: "min",
        real: 0.3
      },
      lastReply: {
        what: "board to board, last reply",
        formula: "the same + o",
        value: simultaneous + o,
        unit: "min",
        real: 0.3
      },
      moving: {
        what: "times as fast, to the last move",
        formula: "in turn / board to board",
        value: sequential / simultaneous,
        real: 0.2
      },
      faster: {
        what: "times as fast, to the last reply",
        formula: "the same",
        value: sequential / (simultaneous + o),
        real: 0.2
      },
      idle: {
        what: "the master waits at boards",
        formula: "(N - 1) max(0, m + o - G m)",
        value: (N - 1) * Math.max(0, m + o - G * m),
        unit: "min",
        only: "virtual"
      }
    }
  },
  lasts: ({ opponents: G, move: m, reply: o, moves: N, minute }) =>
    minute * (G * N * (m + o) + (N - 1) * Math.max(G * m, m + o) + G * m + o),
  program: Effect.fnUntraced(function* (values) {
    const unit = unitOf(values, (yield* Scenario.CurrentMode) === "virtual")
    const minutes = (ms: number) => ms / unit
    const { games, sequential } = yield* Stage.variant(
      "one game after the other",
      Effect.gen(function* () {
        const games = yield* inTurn(values, unit)
        return { games, sequential: minutes(yield* Stage.now) }
      })
    )
    const { took, idle: away } = games[0]!
    const { lastMove, idle, lastReply } = yield* Stage.variant(
      "a move at each board in turn",
      Effect.gen(function* () {
        const { lastMove, idle } = yield* simultaneous(values, unit)
        return { lastMove: minutes(lastMove), idle: minutes(idle), lastReply: minutes(yield* Stage.now) }
      })
    )
    return {
      game: minutes(took),
      away: (100 * away) / took,
      sequential,
      simultaneous: lastMove,
      lastReply,
      moving: sequential / lastMove,
      faster: sequential / lastReply,
      idle
    }
  }),
  prose: ({ opponents: G, move: m, reply: o }, { game, away, sequential, simultaneous, lastReply, idle }) => [
    `In one game of ${times(game)} minutes the master waits ${times(away)} % of the time, and in ${G} games one after the other as much: ${times(sequential / 60)} hours.`,
    `From board to board the master moves as often and thinks as long. What goes away is waiting: ${times(sequential)} minutes became ${times(simultaneous)} to the last move, ${times(sequential / simultaneous)} times as fast, and ${times(lastReply)} to the last reply, ${times(sequential / lastReply)} times.`,
    `Back at the first board the master has been away for (G - 1) m = ${times((G - 1) * m)} minutes; a reply takes ${o}. ${
      idle > 0.5
        ? `That is too early: the master waited ${times(idle)} minutes in all. From ${Math.ceil(o / m) + 1} boards on nobody waits for a reply.`
        : `So the master never waits; that is so from ${Math.ceil(o / m) + 1} boards on. More boards then take more time: the master's thinking is what there is too little of.`
    }`
  ],
  corrections: [
    { says: "ten games one after the other take about 27 hours", is: "1600 minutes, 26.67 hours" },
    {
      says: "600 minutes is the end",
      is: "600 is the master's last move; the last reply comes at 605. 1600 / 605 is 2.64, 1600 / 600 is 2.67"
    },
    {
      says: "a 270 % speed-up",
      is: "2.67 times as fast, which is 167 % faster, or 62.5 % less time"
    },
    {
      says: "no waiting where (10 - 1) m is more than the reply",
      is: "equal is enough: (G - 1) m >= o. With 3 and 5 minutes that is from 3 boards on"
    }
  ]
})
