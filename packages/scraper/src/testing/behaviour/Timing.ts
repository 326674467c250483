/**
 * Responses that take their time. `hold` and its kin wait for the test instead of a clock, so no machine is too slow
 * for them.
 */
import * as Behaviour from "../Behaviour.ts"
import * as Content from "../Content.ts"

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make("/slow/MS/rest", "waits MS milliseconds, then rest", (exchange, { values, rest, next }) =>
    exchange.after(Behaviour.count(values.MS), () => next(rest))
  ),
  Behaviour.make("/hold/GATE/rest", "waits until GATE is released, then rest", (exchange, { values, rest, next }) =>
    exchange.whenReleased(values.GATE, () => next(rest))
  ),
  Behaviour.make(
    "/hold-body/N/AT/GATE/name",
    "head and AT of N bytes; the others when GATE is released",
    (exchange, { values, path }) => {
      const size = Behaviour.count(values.N)
      const at = Math.min(Behaviour.count(values.AT), size)
      const content = Content.generate(path, size)
      exchange.stream(200, ["content-length", String(size)], (response) => {
        response.write(content.read(0, at))
        exchange.whenReleased(values.GATE, () => response.end(content.read(at, size)))
      })
    }
  ),
  Behaviour.make("/release/GATE", "releases GATE, answers 204", (exchange, { values }) => {
    exchange.release(values.GATE)
    exchange.send({ status: 204 })
  }),
  Behaviour.make(
    "/drip/N/MS/name",
    "N bytes, one every MS milliseconds, the first with the head",
    (exchange, { values, path }) => {
      const content = Content.generate(path, Behaviour.count(values.N))
      const pause = Behaviour.count(values.MS)
      exchange.stream(200, ["content-length", values.N], (response) => {
        const drop = (at: number): void => {
          if (at >= content.size) return void response.end()
          response.write(content.read(at, at + 1))
          exchange.after(pause, () => drop(at + 1))
        }
        drop(0)
      })
    }
  ),
  Behaviour.make("/stall/N/AT/name", "head and AT of N bytes, then silence", (exchange, { values, path }) =>
    exchange.send({
      status: 200,
      content: Content.generate(path, Behaviour.count(values.N)),
      cutAt: Behaviour.count(values.AT),
      cutBy: "silence"
    })
  ),
  Behaviour.make("/silent", "takes the request and never answers", (exchange) => exchange.cut("silence"))
]
