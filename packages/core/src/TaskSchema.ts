/**
 * Schemas at a task's boundary: what it is given and what it gives are translated
 * and checked in the program that submits it.
 *
 *     const parse = TaskSchema.withSchemas(tasks.parse, {
 *       parameters: Schema.Tuple([Schema.URLFromString]),
 *       result: Article
 *     })
 *
 * 1. Parameters are encoded by their schema before they are sent; the result, or
 *    each value of a generator, is decoded by its schema. The task itself sees what
 *    is encoded, and needs neither schema nor Effect.
 * 2. What does not fit ends the task with `SchemaMismatch`: parameters before any
 *    worker has them, a result in place of the result. It says where, what was
 *    expected, and what was there; in a `map` or a stream also which item.
 */
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { propertyStep } from "./executor/CloneFailure.ts"
import type { StreamTask, Task, TaskCodec } from "./Task.ts"

/** For all parameters together, a tuple. */
type ParametersSchema<Parameters> = Schema.ConstraintCodec<ReadonlyArray<any>, Parameters>
/** Reads all that the task gives, or, where the task's type is wider (`unknown`), some of it. */
type ResultSchema<A, R extends Schema.ConstraintCodec<any, any>> = [A] extends [R["Encoded"]]
  ? R
  : [R["Encoded"]] extends [A]
    ? R
    : Schema.ConstraintCodec<unknown, A>

/** Either may be left out, and needs no services. */
export interface TaskSchemas<P, R> {
  readonly parameters?: P
  readonly result?: R
}

// what no schema is given for stays as it is
type Decoded<S extends Schema.ConstraintCodec<any, any>, Otherwise> = [S] extends [never] ? Otherwise : S["Type"]

/** `argument 0.user.name` */
const place = (root: "argument" | "result", path: ReadonlyArray<PropertyKey>): string => {
  const steps = path.map((key) => (typeof key === "symbol" ? `[${String(key)}]` : propertyStep(String(key))))
  if (root === "result") return root + steps.join("")
  return path.length === 0 ? "arguments" : [`argument ${String(path[0])}`, ...steps.slice(1)].join("")
}

const flatten = SchemaIssue.makeFormatterStandardSchemaV1()
/** A value that does not fit may be of any size; of what is said of it, so much is shown. */
const longest = 500

const checked = <A>(root: "argument" | "result", translate: (value: unknown) => A) => {
  return (value: unknown): A => {
    try {
      return translate(value)
    } catch (error) {
      if (!Schema.isSchemaError(error)) throw error
      const facts = flatten(error.issue).issues.map(({ path, message }) => {
        const fact = message.length > longest ? `${message.slice(0, longest)}…` : message
        return `${place(root, (path ?? []) as ReadonlyArray<PropertyKey>)}: ${fact}`
      })
      throw new Error(facts.join("; "), { cause: error })
    }
  }
}

/**
 * The task with its boundary checked: its parameters become those of `schemas.parameters`,
 * its result, or each of its values, that of `schemas.result`. All mismatches of a value
 * are told, not the first alone. Fails, when it is run, with `SchemaMismatch`.
 */
export const withSchemas: {
  <
    Parameters extends ReadonlyArray<any>,
    A,
    P extends ParametersSchema<Parameters> = never,
    R extends Schema.ConstraintCodec<any, any> = never
  >(
    task: Task<Parameters, A>,
    schemas: TaskSchemas<P, R & ResultSchema<A, R>>
  ): Task<Readonly<Decoded<P, Parameters>>, Decoded<R, A>>
  <
    Parameters extends ReadonlyArray<any>,
    A,
    P extends ParametersSchema<Parameters> = never,
    R extends Schema.ConstraintCodec<any, any> = never
  >(
    task: StreamTask<Parameters, A>,
    schemas: TaskSchemas<P, R & ResultSchema<A, R>>
  ): StreamTask<Readonly<Decoded<P, Parameters>>, Decoded<R, A>>
} = (
  task: object,
  { parameters, result }: TaskSchemas<Schema.ConstraintCodec<any, any>, Schema.ConstraintCodec<any, any>>
) => {
  const options = { errors: "all", reportInput: true } as const
  const same = (value: any) => value
  const codec: TaskCodec = {
    encode: parameters ? checked("argument", Schema.encodeUnknownSync(parameters, options)) : same,
    decode: result ? checked("result", Schema.decodeUnknownSync(result, options)) : same
  }
  return { ...task, codec } as never
}
