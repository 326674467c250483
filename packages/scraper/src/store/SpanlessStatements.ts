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

/** Of Effect's statements what those of one client have in common; their streams, say, are made of it. */
type Common = Readonly<Record<"acquirer" | "compiler" | "spanAttributes" | "transformRows" | "borrower", unknown>>

/** What else Effect's statements can do: they have a prototype, and no class that is exported. */
const Base = function () {} as unknown as new () => Omit<Statement.Statement<any>, "raw" | "segments">
Base.prototype = Object.getPrototypeOf(
  Statement.statement(Effect.never, Statement.makeCompilerSqlite(), [""] as never, [], [], undefined)
)

/** One shape, whatever the client is. */
class Spanless extends Base {
  readonly acquirer: unknown
  readonly compiler: unknown
  readonly spanAttributes: unknown
  readonly transformRows: unknown
  readonly borrower: unknown
  readonly segments: ReadonlyArray<Statement.Segment>
  readonly execute: Execute
  constructor(segments: ReadonlyArray<Statement.Segment>, common: Common, execute: Execute) {
    super()
    this.acquirer = common.acquirer
    this.compiler = common.compiler
    this.spanAttributes = common.spanAttributes
    this.transformRows = common.transformRows
    this.borrower = common.borrower
    this.segments = segments
    this.execute = execute
  }
  get raw() {
    return Effect.withFiber((fiber) => this.execute(fiber, "raw", ...compiled(this)))
  }
}
// what it returns, the prototype, is an effect by its type, and not one to run
void Object.assign(
  Spanless.prototype,
  Effectable.Prototype<Spanless>({
    label: "Statement",
    evaluate(fiber) {
      return this.execute(fiber, "rows", ...compiled(this))
    }
  })
)

/** Most are one text as they are: the compiler, which remembers what it made of each, costs more than those do. */
const compiled = (statement: Spanless): readonly [sql: string, params: ReadonlyArray<unknown>] => {
  const { segments } = statement
  const [only] = segments
  return only?._tag === "Literal" && segments.length === 1 ? [only.value, only.params ?? []] : statement.compile()
}

/** The text of a template whose values are all bound, made once: what is prepared for it is found by it. */
const texts = new WeakMap<TemplateStringsArray, string>()
const textOf = (template: TemplateStringsArray): string => {
  let text = texts.get(template)
  if (text === undefined) texts.set(template, (text = template.join("?")))
  return text
}
/** Fragments and what is like them are parts of the text. */
const isBound = (value: unknown): boolean => typeof value !== "object" || value === null || value instanceof Uint8Array

/** The client, with such statements; their streams are as they were. */
export const of = (client: SqlClient, execute: Execute): SqlClient => {
  const common = client.unsafe("") as unknown as Common
  const whole = (text: string, params?: ReadonlyArray<unknown>) =>
    new Spanless([Statement.literal(text, params)], common, execute)
  const construct = (text: TemplateStringsArray | string, ...values: ReadonlyArray<any>) => {
    if (typeof text === "string") return client(text)
    if (values.every(isBound)) return whole(textOf(text), values)
    return new Spanless(client(text, ...values).segments, common, execute)
  }
  const self: SqlClient = Object.assign(construct as unknown as SqlClient, client, {
    unsafe: whole,
    withoutTransforms: () => self
  })
  return Object.assign(self, { safe: self })
}
