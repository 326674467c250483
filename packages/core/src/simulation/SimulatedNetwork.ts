/**
 * A network in memory: hosts, ports, and connections that carry bytes in both directions, in virtual time.
 *
 * ```
 * listen(host, port) --> accept: connections     connect(host, port) --> connection
 *                         send --> [ segments, each with its time of arrival ] --> receive
 * ```
 *
 * 1. Bytes of one direction of a connection arrive in order, in segments whose borders mean nothing: `send` may be split.
 * 2. Each segment has a latency of its own, so what two connections carry overtakes each other.
 * 3. Not more than `window` bytes are under way in one direction; `send` waits for room.
 * 4. Faults strike by chance and are counted: no name (`dns`), nobody there (`refused`), a connection that never comes
 *    about (`blackhole`), broken for both sides (`reset`), ended early as if all had been sent (`cut`), nothing any more
 *    though nothing is broken (`stall`), ten times as late (`late`), in two segments (`split`).
 *
 * It is made of Effect's monotonic clock alone, so it also works under `TestClock`, and no wall clock that is set or wrong
 * moves what is under way.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Faults from "./Faults.ts"
import { below, make as makeRandomness, type Randomness } from "./Randomness.ts"
import { Current, streams } from "./World.ts"

/** The name of a host is not known. */
export class DnsFailure extends Schema.TaggedError<DnsFailure>()("DnsFailure", { host: Schema.String }) {
  override get message() {
    return `cannot resolve ${this.host}`
  }
}

/** Nobody listens there. */
export class ConnectionRefused extends Schema.TaggedError<ConnectionRefused>()("ConnectionRefused", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `${this.host}:${this.port} refused the connection`
  }
}

/** The connection is broken: by the other side, by a fault, or because this side ended it. */
export class ConnectionReset extends Schema.TaggedError<ConnectionReset>()("ConnectionReset", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `the connection with ${this.host}:${this.port} is broken`
  }
}

/** Somebody listens there already. */
export class AddressInUse extends Schema.TaggedError<AddressInUse>()("AddressInUse", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `${this.host}:${this.port} is taken`
  }
}

/** One side of a connection. One fiber may send while another receives. */
export interface Connection {
  /** Sends bytes, after waiting for room. */
  readonly send: (bytes: Uint8Array) => Effect.Effect<void, ConnectionReset>
  /** The next bytes, at least one; none when the other side has ended. */
  readonly receive: Effect.Effect<Option.Option<Uint8Array>, ConnectionReset>
  /** Sends no more; the other side receives what is under way, then the end. */
  readonly end: Effect.Effect<void>
  /** Breaks the connection for both sides. */
  readonly reset: Effect.Effect<void>
}

/** Hosts that connect, in virtual time. */
export class Network extends Context.Service<
  Network,
  {
    /** Connects. The connection is reset when the scope closes, unless both sides have ended it. */
    readonly connect: (
      host: string,
      port: number
    ) => Effect.Effect<Connection, DnsFailure | ConnectionRefused, Scope.Scope>
    /** Takes connections until the scope closes, in the order of their coming. From then on the host has a name. */
    readonly listen: (host: string, port: number) => Effect.Effect<Effect.Effect<Connection>, AddressInUse, Scope.Scope>
    /** How often each kind of fault has struck. */
    readonly struck: Faults.Faults<NetworkFault>["struck"]
  }
>()("@simul/core/simulation/SimulatedNetwork") {}

/** What can go wrong: with a name, a connection, or what is under way on one. */
export type NetworkFault = "dns" | "refused" | "blackhole" | "reset" | "cut" | "stall" | "late" | "split"

/** How slow a network is, and what goes wrong on it. */
export interface Options {
  /** Virtual milliseconds from one host to the other, from and to, or drawn for each segment; rounded [1 to 20]. */
  readonly latencyMs?: readonly [number, number] | ((host: string, random: Randomness) => number)
  /** Chances: the first three for each connection, the others for each `send` [none]. */
  readonly faults?: Faults.Chances<NetworkFault>
  /** Bytes under way in one direction at most [64 KiB]. */
  readonly window?: number
  /** For latencies and faults [of the seed of the simulation]. */
  readonly random?: Randomness
}

/** What is under way: bytes, the end, or that it is broken. */
interface Segment {
  readonly at: number
  readonly bytes: Uint8Array | "end" | "reset"
}

/** One direction. */
interface Direction {
  readonly segments: Array<Segment>
  /** Bytes under way. */
  size: number
  /** When the last segment arrives; `Infinity` once it is stalled. */
  lastAt: number
  /** Nothing can be sent any more. */
  isEnded: boolean
  /** Open while there is something to receive, or room to send. */
  readonly arrival: Latch.Latch
  readonly room: Latch.Latch
}

/** Whole milliseconds: a wait for a time of arrival ends at that time and not a rounding error before it. */
const wholeMs = (nanos: bigint) => Number(nanos / 1_000_000n)

/** Makes a network without hosts. */
export const make = (options: Options = {}): Effect.Effect<Network["Service"]> =>
  Effect.gen(function* () {
    const world = yield* Current
    const { latencyMs = [1, 20], window = 65_536 } = options
    if (!(window >= 1)) throw new RangeError(`window must be at least 1 byte, got ${window}`)
    const random = options.random ?? makeRandomness(world?.settings.seed ?? 1, streams.faults)
    const faults = Faults.make(options.faults ?? {}, random)
    const names = new Set<string>()
    const listeners = new Map<string, Queue.Queue<Connection>>()

    const latency = (host: string) => {
      const ms =
        typeof latencyMs === "function"
          ? latencyMs(host, random)
          : latencyMs[0] + random() * (latencyMs[1] - latencyMs[0])
      return Math.round(faults.strikes("late") ? 10 * ms : ms)
    }

    const put = (direction: Direction, segment: Segment) => {
      direction.segments.push(segment)
      direction.lastAt = segment.at
      if (typeof segment.bytes === "object") direction.size += segment.bytes.length
    }

    const newDirection = (): Direction => ({
      segments: [],
      size: 0,
      lastAt: 0,
      isEnded: false,
      arrival: Latch.makeUnsafe(),
      room: Latch.makeUnsafe(true)
    })

    /** The side of `host` that sends on `out` and receives on `incoming`. */
    const side = (host: string, port: number, out: Direction, incoming: Direction): Connection => {
      const broken = Effect.fail(new ConnectionReset({ host, port }))
      /** Adds segments of now; whoever waits is told. */
      const deliver = (add: (arrive: (bytes: Segment["bytes"]) => void) => void) =>
        Effect.flatMap(Clock.monotonicTimeNanos, (nanos) => {
          const now = wholeMs(nanos)
          add((bytes) => put(out, { at: Math.max(out.lastAt, now + latency(host)), bytes }))
          return out.arrival.open
        })
      const close = (how: "end" | "reset") =>
        Effect.suspend(() => {
          if (out.isEnded) return Effect.void
          out.isEnded = true
          return Effect.andThen(
            deliver((arrive) => arrive(how)),
            out.room.open
          )
        })
      const reset = Effect.suspend(() => {
        incoming.isEnded = true
        incoming.segments.length = 0
        incoming.segments.push({ at: 0, bytes: "reset" })
        return Effect.andThen(Effect.andThen(incoming.arrival.open, incoming.room.open), close("reset"))
      })

      const sendSome = (bytes: Uint8Array): Effect.Effect<void, ConnectionReset> =>
        Effect.suspend(() => {
          if (out.isEnded) return broken
          if (bytes.length === 0) return Effect.void
          const room = window - out.size
          if (room <= 0) {
            // Closed in the step that looked, or a receiver in between would be missed.
            out.room.closeUnsafe()
            return Effect.andThen(out.room.await, sendSome(bytes))
          }
          if (faults.strikes("reset")) return Effect.andThen(reset, broken)
          if (faults.strikes("stall")) out.lastAt = Infinity
          const part = bytes.slice(0, room)
          const isCut = faults.strikes("cut")
          const kept = isCut ? part.subarray(0, below(random, part.length)) : part
          const middle = kept.length > 1 && faults.strikes("split") ? 1 + below(random, kept.length - 1) : 0
          const sent = deliver((arrive) => {
            if (middle > 0) arrive(kept.subarray(0, middle))
            if (kept.length > middle) arrive(kept.subarray(middle))
          })
          if (isCut) return Effect.andThen(sent, Effect.andThen(close("end"), broken))
          return Effect.andThen(sent, sendSome(bytes.subarray(part.length)))
        })

      const receive: Connection["receive"] = Effect.flatMap(Clock.monotonicTimeNanos, (nanos) => {
        const now = wholeMs(nanos)
        const segment = incoming.segments[0]
        if (segment === undefined) {
          incoming.arrival.closeUnsafe()
          return Effect.andThen(incoming.arrival.await, receive)
        }
        // Looked at, not taken: an interrupted wait loses nothing. It ends early when the connection breaks.
        if (segment.at > now) {
          incoming.arrival.closeUnsafe()
          return Effect.andThen(Effect.timeoutOption(incoming.arrival.await, segment.at - now), receive)
        }
        if (segment.bytes === "reset") return broken
        if (segment.bytes === "end") return Effect.succeedNone
        incoming.segments.shift()
        incoming.size -= segment.bytes.length
        return Effect.as(incoming.room.open, Option.some(segment.bytes))
      })

      return { send: sendSome, receive, end: close("end"), reset }
    }

    return {
      struck: faults.struck,
      listen: (host, port) =>
        Effect.gen(function* () {
          const address = `${host}:${port}`
          if (listeners.has(address)) return yield* new AddressInUse({ host, port })
          const waiting = yield* Queue.unbounded<Connection>()
          names.add(host)
          listeners.set(address, waiting)
          yield* Effect.addFinalizer(() => Effect.sync(() => listeners.delete(address)))
          return Queue.take(waiting)
        }),
      connect: (host, port) =>
        Effect.gen(function* () {
          if (faults.strikes("dns") || !names.has(host)) return yield* new DnsFailure({ host })
          if (faults.strikes("blackhole")) return yield* Effect.never
          yield* Effect.sleep(2 * latency(host))
          const listener = listeners.get(`${host}:${port}`)
          if (listener === undefined || faults.strikes("refused")) return yield* new ConnectionRefused({ host, port })
          const there = newDirection()
          const back = newDirection()
          const connection = side(host, port, there, back)
          yield* Effect.addFinalizer(() => (there.isEnded && back.isEnded ? Effect.void : connection.reset))
          yield* Queue.offer(listener, side(host, port, back, there))
          return connection
        })
    }
  })

/** Provides a network of one's own, without hosts. */
export const layer = (options?: Options): Layer.Layer<Network> => Layer.effect(Network, make(options))
