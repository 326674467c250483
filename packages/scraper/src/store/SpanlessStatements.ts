/**
 * Statements that are one step of their fiber. With a span, as Effect gives each of them, they are ten: that costs more
 * than most of them do, and nobody looks at it.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"

/** Runs a statement at once. `raw`: gives what the driver gives. */
type Execute = (
  fiber: Fiber.Fiber<unknown, unknown>,
  mode: "rows" | "raw",
  sql: string,
  params: ReadonlyArray<unknown>
) => Effect.Effect<any, SqlError>

interface Spanless extends Statement.Statement<any> {
  readonly execute: Execute
}

/** As the compiler does it, which remembers what it made of each statement: that costs more, and few are run again. */
const compiled = (statement: Spanless): readonly [sql: string, params: ReadonlyArray<unknown>] => {
  let sql = ""
  const params: Array<unknown> = []
  for (const segment of statement.segments) {
    if (segment._tag === "Parameter") {
      sql += "?"
      params.push(segment.value)
    } else if (segment._tag === "Literal") {
      sql += segment.value
      if (segment.params !== undefined) params.push(...segment.params)
    } else return statement.compile()
  }
  return [sql, params]
}

/** For the statements of all clients: with one for each client, V8 would have a shape of statements for each. */
const prototype: Spanless = Object.create(
  Object.getPrototypeOf(
    Statement.statement(Effect.never, Statement.makeCompilerSqlite(), [""] as never, [], [], undefined)
  ),
  Object.assign(
    Object.getOwnPropertyDescriptors(
      Effectable.Prototype<Spanless>({
        label: "Statement",
        evaluate(fiber) {
          const [sql, params] = compiled(this)
          return this.execute(fiber, "rows", sql, params)
        }
      })
    ),
    {
      raw: {
        get(this: Spanless) {
          const [sql, params] = compiled(this)
          return Effect.withFiber((fiber) => this.execute(fiber, "raw", sql, params))
        }
      }
    }
  )
)

/** The client, with such statements; their streams are as they were. */
export const of = (client: SqlClient, execute: Execute): SqlClient => {
  const spanless = <A>(statement: Statement.Statement<A>): Statement.Statement<A> =>
    Object.assign(Object.create(prototype), statement, { execute })
  const construct = (text: TemplateStringsArray | string, ...values: ReadonlyArray<any>) =>
    typeof text === "string" ? client(text) : spanless(client(text, ...values))
  const self: SqlClient = Object.assign(construct as SqlClient, client, {
    unsafe: <A extends object>(text: string, params?: ReadonlyArray<unknown>) =>
      spanless(client.unsafe<A>(text, params)),
    withoutTransforms: () => self
  })
  return Object.assign(self, { safe: self })
}
