/** Writes down what the workers of executors say that they do. */
import type { WorkerSink } from "../WorkerEvent.ts"
import { ends, type EventRing, kind } from "./EventRing.ts"
import type { Names } from "./Names.ts"

/** @param timeOf the time of an event by the recorder's clock, from milliseconds since the epoch or, without, now */
export const workerSink =
  (ring: EventRing, names: Names, timeOf: (epochMs: number | undefined) => number): WorkerSink =>
  (event) => {
    const atMs = timeOf(event.atMs)
    switch (event.kind) {
      case "submit":
        return ring.put(kind.submit, atMs, event.task, event.fiber ?? 0, names.numberOf(event.name))
      case "dequeue":
        return ring.put(kind.dequeue, atMs, event.task, event.worker, 0)
      case "run":
        return ring.put(kind.runTask, atMs, event.task, event.worker, 0)
      case "done":
        return ring.put(
          kind.done,
          atMs,
          event.task,
          event.worker,
          ends.indexOf(event.end) + ends.length * names.numberOf(event.reason ?? "")
        )
      case "kill":
        return ring.put(kind.kill, atMs, event.task, event.worker, names.numberOf(event.reason ?? ""))
      case "spawn":
        return ring.put(kind.spawn, atMs, 0, event.worker, names.numberOf(event.name ?? "worker"))
      case "exit":
        return ring.put(kind.exit, atMs, 0, event.worker, ends.indexOf(event.end ?? "ok"))
    }
  }
