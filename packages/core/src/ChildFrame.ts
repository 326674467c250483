/** The frame under which a named child of a task group runs: it says the name in stack traces, in dumps and in timelines. */
import type { StackFrame } from "effect/References"

/** Fibers that the child starts inherit it, as they do any frame: the first one that is seen under it is the child. */
export class ChildFrame implements StackFrame {
  readonly child: string
  readonly parent: StackFrame | undefined
  constructor(child: string, parent: StackFrame | undefined) {
    this.child = child
    this.parent = parent
  }
  get name(): string {
    return `child "${this.child}"`
  }
  stack(): undefined {}
}
