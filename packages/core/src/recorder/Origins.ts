/** Finds the function or the named child of a group that a fiber was started as, and where that stands. */
import type { StackFrame } from "effect/References"
import { ChildFrame } from "../ChildFrame.ts"
import { type Life, placeOf } from "./Life.ts"

/** How many functions deep a fiber's own one is looked for. */
const deepest = 256
/** Functions whose place is known, at most. */
const mostSources = 4096
const definition = " (definition)"

export class Origins {
  /** `file:line:column` by the name of a function. */
  readonly sources = new Map<string, string>()
  /** Children of task groups that were seen. */
  private readonly children = new WeakSet<ChildFrame>()

  /** A fiber under this frame is the first: the frame was made for it. */
  isFirstUnder(frame: StackFrame | undefined): boolean {
    if (!(frame instanceof ChildFrame) || this.children.has(frame)) return false
    this.children.add(frame)
    return true
  }

  /** Names a fiber that is in `top` now: by the outermost function that it did not inherit. */
  identify(life: Life, top: StackFrame | undefined) {
    if (top === life.inherited || top === undefined) return
    let own = top
    for (let depth = 0; depth < deepest && own.parent !== undefined && own.parent !== life.inherited; depth++)
      own = own.parent
    const name = own instanceof ChildFrame ? own.child : own.name
    life.name = name.endsWith(definition) ? name.slice(0, -definition.length) : name
    life.source = this.sources.get(life.name) ?? ""
    if (life.source !== "" || this.sources.size >= mostSources) return
    life.source = placeOf(own)
    this.sources.set(life.name, life.source)
  }
}
