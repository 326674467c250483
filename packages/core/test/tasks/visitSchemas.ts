/** The task `visit` with its schemas, for a program and for a task that runs it. */
import * as Schema from "effect/Schema"
import * as Task from "../../src/Task.ts"
import * as TaskSchema from "../../src/TaskSchema.ts"
import type * as Visits from "./visits.task.ts"

export const Visit = Schema.Struct({ url: Schema.URLFromString, at: Schema.DateFromMillis })
export const visits = Task.module<typeof Visits>(new URL("./visits.task.ts", import.meta.url))
export const withVisitSchemas = () =>
  TaskSchema.withSchemas(visits.visit, {
    parameters: Schema.Tuple([Schema.URLFromString, Schema.DateFromMillis]),
    result: Visit
  })
