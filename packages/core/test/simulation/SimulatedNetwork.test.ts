import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { Faults, Simulation, SimulatedNetwork } from "../../src/simulation/index.ts"

const encode = (text: string) => new TextEncoder().encode(text)

/** All that a connection gives until its end. */
const drain = (connection: SimulatedNetwork.Connection) =>
  Effect.gen(function* () {
    let text = ""
    let pieces = 0
    for (;;) {
      const next = yield* connection.receive
      if (Option.isNone(next)) return { text, pieces }
      text += new TextDecoder().decode(next.value)
      pieces++
    }
  })

/** A host that answers each connection with what it got, in capitals. */
const shouting = Effect.fnUntraced(function* (network: SimulatedNetwork.Network["Service"], host: string) {
  const accept = yield* network.listen(host, 80)
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.flatMap(accept, (connection) =>
        Effect.forkScoped(
          Effect.ignore(
            Effect.gen(function* () {
              const { text } = yield* drain(connection)
              yield* connection.send(encode(text.toUpperCase()))
              yield* connection.end
            })
          )
        )
      )
    )
  )
})

const ask = (network: SimulatedNetwork.Network["Service"], host: string, text: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* network.connect(host, 80)
      yield* connection.send(encode(text))
      yield* connection.end
      return yield* drain(connection)
    })
  )

const simulated = <A, E>(
  options: SimulatedNetwork.Options,
  program: (network: SimulatedNetwork.Network["Service"]) => Effect.Effect<A, E>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.make(options)
      yield* shouting(network, "a.example")
      return yield* program(network)
    })
  )

describe("SimulatedNetwork", () => {
  it.effect("carries bytes both ways, in order, in virtual time, the same for the same seed", () =>
    Effect.gen(function* () {
      const program = simulated({ latencyMs: [10, 10] }, (network) => ask(network, "a.example", "hello"))
      const { exit, elapsedMs } = yield* Simulation.assertDeterministic(program)
      assert.isTrue(exit._tag === "Success")
      if (exit._tag === "Success") assert.deepStrictEqual(exit.value, { text: "HELLO", pieces: 1 })
      // there and back to connect, there and back to ask
      assert.strictEqual(elapsedMs, 40)
    })
  )

  it.effect("keeps what is sent within the window, and loses nothing when it is split", () =>
    Effect.gen(function* () {
      const text = "abcdefghij".repeat(20)
      const program = simulated({ window: 16, faults: { split: 0.5 } }, (network) => ask(network, "a.example", text))
      const { runs } = yield* Simulation.explore(program, {
        seeds: 50,
        invariants: {
          "all bytes arrive in order": ({ text: got }) => got === text.toUpperCase(),
          "no segment is larger than the window": ({ pieces }) => pieces >= text.length / 16
        }
      })
      assert.strictEqual(runs, 50)
    })
  )

  it.effect("lets what two connections carry overtake each other", () =>
    Effect.gen(function* () {
      const program = simulated({}, (network) =>
        Effect.suspend(() => {
          const order: Array<string> = []
          return Effect.as(
            Effect.forEach(
              ["one", "two"],
              (text) =>
                Effect.map(ask(network, "a.example", text), () => {
                  order.push(text)
                }),
              { concurrency: 2, discard: true }
            ),
            order
          )
        })
      )
      const orders = new Set<string>()
      for (let seed = 1; seed <= 30; seed++) {
        const { exit } = yield* Simulation.run(program, { seed })
        if (exit._tag === "Success") orders.add(exit.value.join())
      }
      assert.deepStrictEqual(
        [...orders].toSorted((a, b) => a.localeCompare(b)),
        ["one,two", "two,one"]
      )
    })
  )

  it.effect("knows no host that never listened, and refuses a port that nobody listens on", () =>
    Effect.gen(function* () {
      const dns = yield* Simulation.run(simulated({}, (network) => Effect.flip(ask(network, "b.example", "x"))))
      assert.isTrue(dns.exit._tag === "Success" && dns.exit.value instanceof SimulatedNetwork.DnsFailure)
      const refused = yield* Simulation.run(
        simulated({}, (network) => Effect.flip(Effect.scoped(network.connect("a.example", 81))))
      )
      assert.isTrue(refused.exit._tag === "Success" && refused.exit.value instanceof SimulatedNetwork.ConnectionRefused)
      const taken = yield* Simulation.run(
        simulated({}, (network) => Effect.flip(Effect.scoped(Effect.asVoid(network.listen("a.example", 80)))))
      )
      assert.isTrue(taken.exit._tag === "Success" && taken.exit.value instanceof SimulatedNetwork.AddressInUse)
    })
  )

  it.effect("breaks a connection for both sides at once when it is reset, also while one waits", () =>
    Effect.gen(function* () {
      const program = Effect.scoped(
        Effect.gen(function* () {
          const network = yield* SimulatedNetwork.make({ latencyMs: [5, 5] })
          const accept = yield* network.listen("a", 1)
          const client = yield* network.connect("a", 1)
          const server = yield* accept
          yield* client.send(encode("x"))
          const waiting = yield* Effect.forkChild(Effect.flip(client.receive), { startImmediately: true })
          yield* client.reset
          const own = yield* Effect.flip(client.send(encode("y")))
          const waited = yield* Fiber.join(waiting)
          const first = yield* server.receive
          const other = yield* Effect.flip(server.receive)
          return [own._tag, waited._tag, Option.isSome(first), other._tag, yield* Clock.currentTimeMillis]
        })
      )
      const { exit } = yield* Simulation.run(program)
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value : exit, [
        "ConnectionReset",
        "ConnectionReset",
        true,
        "ConnectionReset",
        15
      ])
    })
  )

  it.effect("strikes with every fault; each ends the exchange in its own way, none hangs but those that say so", () =>
    Effect.gen(function* () {
      const kinds = ["dns", "refused", "blackhole", "reset", "cut", "stall", "late", "split"] as const
      const struck: Partial<Record<SimulatedNetwork.NetworkFault, number>> = {}
      const ends: Record<string, Set<string>> = {}
      for (const kind of kinds) {
        const program = simulated({ faults: { [kind]: 0.3 } }, (network) =>
          Effect.gen(function* () {
            const end = yield* ask(network, "a.example", "hello").pipe(
              Effect.map(({ text }) => (text === "HELLO" ? "whole" : "short")),
              Effect.timeoutOption("1 hour"),
              Effect.map(Option.getOrElse(() => "nothing")),
              Effect.catch(({ _tag }) => Effect.succeed(_tag))
            )
            return { end, struck: network.struck }
          })
        )
        for (let seed = 1; seed <= 60; seed++) {
          const { exit } = yield* Simulation.run(program, { seed })
          assert.isTrue(exit._tag === "Success", `${kind}, seed ${seed}`)
          if (exit._tag !== "Success") continue
          ;(ends[kind] ??= new Set()).add(exit.value.end)
          Faults.add(struck, exit.value.struck)
        }
      }
      for (const kind of kinds) assert.isAtLeast(struck[kind] ?? 0, 10, kind)
      const sorted = Object.fromEntries(
        Object.entries(ends).map(([kind, seen]) => [kind, [...seen].toSorted((a, b) => a.localeCompare(b))])
      )
      assert.deepStrictEqual(sorted, {
        dns: ["DnsFailure", "whole"],
        refused: ["ConnectionRefused", "whole"],
        blackhole: ["nothing", "whole"],
        reset: ["ConnectionReset", "whole"],
        cut: ["ConnectionReset", "short", "whole"],
        stall: ["nothing", "whole"],
        late: ["whole"],
        split: ["whole"]
      })
    })
  )

  it.effect("loses no bytes when a wait for them is interrupted", () =>
    Effect.gen(function* () {
      const program = Effect.scoped(
        Effect.gen(function* () {
          const network = yield* SimulatedNetwork.make({ latencyMs: [10, 10] })
          const accept = yield* network.listen("a", 1)
          const client = yield* network.connect("a", 1)
          const server = yield* accept
          yield* client.send(encode("hello"))
          yield* client.end
          let interrupted = 0
          for (;;) {
            const next = yield* Effect.timeoutOption(drain(server), 3)
            if (Option.isSome(next)) return { ...next.value, interrupted }
            interrupted++
          }
        })
      )
      const { exit } = yield* Simulation.run(program)
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value : exit, { text: "hello", pieces: 1, interrupted: 3 })
    })
  )
})
