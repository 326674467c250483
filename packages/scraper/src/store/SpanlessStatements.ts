/**
 * Statements that are one step of their fiber. With a span, as Effect gives each of them, they are ten: that costs more
 * than most of them do, and nobody looks at it.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Statement } from "effect/sql/Statement"

/** Runs a statement at once. `raw`: gives what the driver gives. */
type Execute = (
  fiber: Fiber.Fiber<unknown, unknown>,
  mode: "rows" | "raw",
  sql: string,
  params: ReadonlyArray<unknown>
) => Effect.Effect<any, SqlError>

/** The client, with such statements; those of its streams are as they were. */
export const of = (client: SqlClient, execute: Execute): SqlClient => {
  const effect = Effectable.Prototype<Statement<any>>({
    label: "Statement",
    evaluate(fiber) {
      return execute(fiber, "rows", ...this.compile())
    }
  })
  const prototype = Object.create(Object.getPrototypeOf(client``), Object.getOwnPropertyDescriptors(effect))
  Object.defineProperty(prototype, "raw", {
    get(this: Statement<any>) {
      return Effect.withFiber((fiber) => execute(fiber, "raw", ...this.compile()))
    }
  })
  const spanless = <A>(statement: Statement<A>): Statement<A> => Object.assign(Object.create(prototype), statement)
  const construct = (text: TemplateStringsArray | string, ...values: ReadonlyArray<any>) =>
    typeof text === "string" ? client(text) : spanless(client(text, ...values))
  const self: SqlClient = Object.assign(construct as SqlClient, client, {
    unsafe: <A extends object>(text: string, params?: ReadonlyArray<unknown>) =>
      spanless(client.unsafe<A>(text, params)),
    withoutTransforms: () => self
  })
  return Object.assign(self, { safe: self })
}
