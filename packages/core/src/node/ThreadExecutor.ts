/** An executor on threads. */
import { availableParallelism } from "node:os"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import { Executor, make as makeExecutor } from "../Executor.ts"
import type { ExecutorError } from "../executor/ExecutorError.ts"
import type { ExecutorOptions } from "../executor/ExecutorOptions.ts"
import type { ThreadOptions } from "./ThreadWorker.ts"
import { threadSpawn } from "./ThreadWorker.ts"

/** Those of every executor, and those of threads. */
export interface ThreadExecutorOptions extends ExecutorOptions<Duration.Input>, ThreadOptions {}

/** An executor on threads, until the scope closes. */
export const make = (options?: ThreadExecutorOptions) =>
  makeExecutor(threadSpawn(options?.name ?? "thread", options), options, "thread", availableParallelism())

/** Threads share this process, its working directory and its permissions; each has a heap of its own (some 8 MiB when idle). */
export const layer = (options?: ThreadExecutorOptions): Layer.Layer<Executor, ExecutorError> =>
  Layer.effect(Executor, make(options))
