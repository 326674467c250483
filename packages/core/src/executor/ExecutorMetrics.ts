/** An executor's statistics as Effect metrics, brought up to date each second. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { Engine } from "./Engine.ts"
import type { ExecutorStatistics } from "./Statistics.ts"

const gauges: ReadonlyArray<readonly [name: string, description: string, of: (now: ExecutorStatistics) => number]> = [
  ["submitted", "tasks since the start", (now) => now.submitted],
  ["succeeded", "tasks that gave a result", (now) => now.succeeded],
  ["failed", "tasks that gave none", (now) => now.failed],
  ["cancelled", "tasks that were given up", (now) => now.cancelled],
  ["crashes", "workers that died by themselves", (now) => now.crashes],
  ["kills", "workers that were killed for a task", (now) => now.kills],
  ["queued", "tasks that wait for a worker", (now) => now.queued + now.suspended],
  ["running", "tasks that run", (now) => now.running],
  ["queue_age_ms", "how long the oldest waiting task has waited", (now) => now.queueAgeMs],
  ["wait_p99_ms", "99 of 100 tasks began within this time", (now) => now.wait.p99Ms],
  ["run_p99_ms", "99 of 100 tasks ran no longer", (now) => now.run.p99Ms],
  ["workers", "workers that live", (now) => now.workers.length],
  [
    "utilisation",
    "share of the time that the workers' loops were busy",
    (now) => now.workers.reduce((sum, worker) => sum + worker.utilisation, 0) / Math.max(1, now.workers.length)
  ],
  ["heap_bytes", "heap in use in all workers", (now) => now.workers.reduce((sum, worker) => sum + worker.heapBytes, 0)],
  ["cpu_ms", "CPU time of all live workers", (now) => now.workers.reduce((sum, worker) => sum + worker.cpuMs, 0)]
]

/** Keeps the gauges `simul_executor_*`, with the executor's name as attribute, until the scope closes. */
export const recordMetrics = (engine: Engine): Effect.Effect<void, never, Scope.Scope> => {
  const attributes = { executor: engine.options.name }
  const metrics = gauges.map(
    ([name, description, of]) => [Metric.gauge(`simul_executor_${name}`, { description, attributes }), of] as const
  )
  const update = Effect.contextWith((context: Context.Context<never>) =>
    Effect.sync(() => {
      const now = engine.statistics()
      for (const [gauge, of] of metrics) gauge.updateUnsafe(of(now), context)
    })
  )
  return Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.andThen(update, Effect.sleep("1 second")))))
}
