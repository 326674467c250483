import type { Differences } from "./Differences.ts"

export const differences: Differences = {
  unfit: {
    "console-log.test.ts": "starts a program of its own, which our hooks do not reach",
    "fixed-queue.test.ts": "piscina's own data structure",
    "nice.test.ts": "needs a native addon; a thread has the niceness of its process",
    "queues.test.ts": "piscina's own data structures"
  },
  cases: [
    {
      reason:
        "Checks options and arguments in piscina's words. Ours have other names: sizes are refused with `InvalidOption`, other types by the compiler.",
      cases: [
        ...[
          "filename cannot be non-null/non-string",
          "name cannot be non-null/non-string",
          "minThreads must be non-negative integer",
          "maxThreads must be positive integer",
          "concurrentTasksPerWorker must be positive integer",
          "idleTimeout must be non-negative integer",
          "maxQueue must be non-negative integer",
          "atomics must be valid",
          "resourceLimits must be an object",
          "taskQueue must be a TaskQueue object",
          "niceIncrement must be non-negative integer on Unix",
          "trackUnmanagedFds must be a boolean"
        ].map((name) => `option-validation: ${name}`),
        ...["transferList", "filename", "name", "abortSignal"].map((name) => `post-task: postTask() validates ${name}`),
        "post-task: Piscina.run options is correct type",
        "histogram: opts.workerHistogram should be a boolean value",
        "stricter-fifo: stricterFIFO must be a boolean",
        "thread-count: conflicting min/max threads is error"
      ]
    },
    {
      reason:
        "Blocks the submitting thread (`Atomics.wait`) right after submitting. We send at the end of the turn, all tasks of the turn in one message, and to workers that are ready.",
      cases: [
        "abort-task: tasks can be aborted through AbortController while running",
        "abort-task: tasks can be aborted through EventEmitter while running",
        "atomics-optimization: coverage test for Atomics optimization (sync mode)",
        "atomics-optimization: enable async mode",
        "task-queue: tasks can share a Worker if requested (both tests finish)"
      ]
    },
    {
      reason:
        "Expects that a task with a signal has its worker for itself, because piscina kills the thread. Ours shares it; if the worker has to be killed, the others on it are run again (`idempotent`) or fail with `CollateralKill`.",
      cases: [
        "abort-task: abortable tasks will not share workers (abortable posted second)",
        "abort-task: abortable tasks will not share workers (abortable posted first)",
        "abort-task: abortable tasks will not share workers (on worker available)"
      ]
    },
    {
      reason:
        "Decides which worker takes a task (`loadBalancer`), or expects the same order of workers again. Our engine decides: the worker of the same `key`, else an idle one.",
      cases: [
        "idle-timeout: idle timeout will not let go of threads if Infinity is used as the value",
        "histogram: workers has histogram",
        "histogram: workers does not have histogram if disabled",
        "pool: workerCreate/workerDestroy should be emitted while managing worker lifecycle",
        "workers: workers are marked as destroyed if destroyed"
      ]
    },
    {
      reason: "Brings a queue of its own. Ours orders by `priority`, and within one first come is first served.",
      cases: ["task-queue: custom task queue works"]
    },
    {
      reason:
        "Counts a task as running while its worker starts. Ours waits until the worker is ready, so a shutdown that cancels what waits cancels it.",
      cases: [
        "pool-close: force: queued tasks waits for all tasks already running and aborts tasks that are not started yet"
      ]
    },
    {
      reason:
        "Listens to `parentPort`. A task of ours tells by `this.progress`, and whoever submitted that task hears it.",
      cases: ["messages: Pool receive message from workers"]
    },
    {
      reason: "Gives all tasks a `process.argv`. Tasks of ours have typed parameters.",
      cases: ["simple-test: passing argv to workers works"]
    },
    {
      reason:
        "Asks for minimum, standard deviation and a reset of the times. Ours give count, mean, maximum, quantiles and buckets since the start.",
      cases: [
        "histogram: pool will maintain run and wait time histograms by default",
        "histogram: pool will maintain reset histograms upon call"
      ]
    },
    {
      reason:
        "Is about piscina's package, not its pool: the names that it exports, and the name of its async resource.",
      cases: [
        "async-context: postTask() calls the correct async hooks",
        "load-with-esm: Exports match own property names"
      ]
    }
  ]
}
