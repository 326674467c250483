import type { Differences } from "./Differences.ts"

const runtimes = ["worker_threads", "child_process"]
const isolations = ["isolated", "non-isolated"]

export const differences: Differences = {
  unfit: {},
  cases: [
    {
      reason: "Is about tinypool's package, not its pool: the name of its async resource.",
      cases: ["async-context: postTask() calls the correct async hooks"]
    },
    {
      reason:
        "Blocks the submitting thread (`Atomics.wait`) right after submitting. We send at the end of the turn, all tasks of the turn in one message, and to workers that are ready.",
      cases: [
        "atomic: coverage test for Atomics optimization",
        "task-queue: tasks can share a Worker if requested (both tests finish)"
      ]
    },
    {
      reason: "Gives all tasks a `process.argv`. Tasks of ours have typed parameters.",
      cases: ["simple: passing argv to workers works", "simple: passing argv to child process"]
    },
    {
      reason:
        "Numbers workers so that a new one takes the number of the one whose place it takes. Ours starts the successor before the old one leaves, so for a while there is one more.",
      cases: [
        "simple: workerId should never be more than maxThreads=1",
        "simple: workerId should never be more than maxThreads"
      ]
    },
    {
      reason:
        "Recycles on demand, idle workers at once and busy ones after their task. Ours are recycled by tasks, heap and age; an executor that is shut down keeps idle workers until the last task, which may submit others, has ended.",
      cases: runtimes.map(
        (runtime) => `isolation: ${runtime} > running workers can recycle after task execution finishes`
      )
    },
    {
      reason:
        "Gives a task a channel of its own, of which it hears when its worker leaves. A task of ours tells by `this.progress`, and a thread may be given a port.",
      cases: [
        ...runtimes.flatMap((runtime) =>
          isolations.map((isolation) => `runtime: ${runtime} > channel is closed when ${isolation}`)
        ),
        "runtime: child_process > can send messages to port",
        "runtime: child_process > can send complex messages to port"
      ]
    },
    {
      reason: "Brings a queue of its own. Ours orders by `priority`, and within one first come is first served.",
      cases: ["task-queue: custom task queue works"]
    },
    {
      reason:
        "Replaces a method of tinypool's own thread, and expects a failure when that does not end. Ours are counted as `stuck`, and nobody waits for them.",
      cases: ["termination: termination timeout throws when worker does not terminate in time"]
    },
    {
      reason:
        "Fails a task that posts to `parentPort`. What a task of ours says there is no reply, and is not listened to.",
      cases: ["uncaught-exception-from-handler: using parentPort is treated as an error"]
    },
    {
      reason:
        "Puts a spy in the place of `process.stdout.write` and expects what a task printed before its result. What ours print goes to the program's own output, that of processes directly.",
      cases: runtimes.map(
        (runtime) => `worker-stdio: worker's stdout and stderr are piped to main thread when { runtime: '${runtime}' }`
      )
    }
  ]
}
