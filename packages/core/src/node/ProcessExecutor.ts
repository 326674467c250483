/** An executor on processes. */
import { availableParallelism } from "node:os"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import { Executor, make as makeExecutor } from "../Executor.ts"
import type { ExecutorError } from "../executor/ExecutorError.ts"
import type { ExecutorOptions } from "../executor/ExecutorOptions.ts"
import type { ProcessOptions } from "./ProcessWorker.ts"
import { processSpawn } from "./ProcessWorker.ts"

/** Those of every executor, and those of processes. */
export interface ProcessExecutorOptions extends ExecutorOptions<Duration.Input>, ProcessOptions {}

/** An executor on processes, until the scope closes. */
export const make = (options?: ProcessExecutorOptions) =>
  makeExecutor(processSpawn(options?.name ?? "process", options), options, "process", availableParallelism())

/**
 * A process survives no crash of another, and may have an environment, a folder, flags and permissions of its own;
 * parameters are always copied.
 */
export const layer = (options?: ProcessExecutorOptions): Layer.Layer<Executor, ExecutorError> =>
  Layer.effect(Executor, make(options))
