/**
 * The tree of live fibers at one moment: what each is doing, for how long, and
 * where in the source.
 *
 * 1. Fibers below one another that do the same at the same place are one line
 *    with a count, whatever their number.
 * 2. It takes time linear in the number of fibers, and the text is bounded. Of more than 4,096 calls the places are
 *    not read: they count as calls from where the first of the same function was called.
 * 3. Reading it changes nothing and runs nothing of the program.
 *
 * ```
 * 4 fibers: 0 running, 1 ready, 3 waiting
 *
 * main  waiting for callback 1.5 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
 *     at main (main.ts:12:21)
 * └ 3 × countdown  waiting for sleep 100 ms to 1.5 s  (age 1.5 s: busy 0, ready 0, waited 4.5 s)
 *       at countdown (main.ts:5:26)
 * ```
 */
import type { StackFrame } from "effect/References"
import { type Live, placeOf } from "./recorder/Life.ts"
import { duration } from "./TimelineLayout.ts"

/** Fibers of one parent group in one state, for one reason, at one place. */
export interface Group {
  readonly name: string
  readonly state: Live["state"]
  /** What they wait for; empty unless they wait. */
  readonly reason: string
  readonly fibers: number
  /** Ids of the first few. */
  readonly ids: ReadonlyArray<number>
  /** How long they have been in their state, the shortest and the longest, in milliseconds. */
  readonly sinceMs: readonly [number, number]
  readonly ageMs: readonly [number, number]
  /** Summed over its fibers, up to now. */
  readonly busyMs: number
  readonly readyMs: number
  readonly waitMs: number
  /** Their own functions, innermost first: the place of the innermost is where it is defined, of the others where they call. */
  readonly stack: ReadonlyArray<{ readonly name: string; readonly place: string }>
  /** Its parent is known and has ended. */
  readonly isOrphan: boolean
  readonly children: ReadonlyArray<Group>
}

/** The fibers alive at one time, in all and by what they do, in groups of those that are alike. */
export interface Dump {
  readonly fibers: number
  readonly running: number
  readonly ready: number
  readonly waiting: number
  readonly groups: ReadonlyArray<Group>
}

interface Draft extends Group {
  fibers: number
  ids: Array<number>
  sinceMs: [number, number]
  ageMs: [number, number]
  busyMs: number
  readyMs: number
  waitMs: number
  children: Array<Draft>
  readonly members: Map<string, Draft>
}

const mostFrames = 32
const mostIds = 4

/** What live fibers do at a time of their recorder: `dump(recorder.live(), recorder.nowMs())`. */
export const dump = (live: ReadonlyArray<Live>, nowMs: number): Dump => {
  const groupOf = new Map<number, Draft>()
  const roots: Pick<Draft, "children" | "members"> = { children: [], members: new Map() }
  const chains = makeChains()
  const counts = { running: 0, ready: 0, waiting: 0 }
  // a fiber has a smaller id than those it starts
  for (const fiber of live.toSorted((a, b) => a.id - b.id)) {
    counts[fiber.state]++
    const parent = groupOf.get(fiber.parent)
    const isOrphan = parent === undefined && fiber.parent !== 0
    const siblings = parent ?? roots
    const key = `${fiber.state} ${fiber.reason} ${isOrphan} ${chains.keyOf(fiber)}`
    let group = siblings.members.get(key)
    if (group === undefined) {
      group = {
        name: fiber.name,
        state: fiber.state,
        reason: fiber.reason,
        fibers: 0,
        ids: [],
        sinceMs: [Infinity, 0],
        ageMs: [Infinity, 0],
        busyMs: 0,
        readyMs: 0,
        waitMs: 0,
        stack: stackOf(fiber),
        isOrphan,
        children: [],
        members: new Map()
      }
      siblings.members.set(key, group)
      siblings.children.push(group)
    }
    groupOf.set(fiber.id, group)
    add(group, fiber, nowMs)
  }
  return { fibers: live.length, ...counts, groups: roots.children }
}

const add = (group: Draft, { id, state, startMs, sinceMs, busyMs, readyMs, waitMs }: Live, nowMs: number) => {
  const inState = nowMs - sinceMs
  group.fibers++
  if (group.ids.length < mostIds) group.ids.push(id)
  group.sinceMs = [Math.min(group.sinceMs[0], inState), Math.max(group.sinceMs[1], inState)]
  group.ageMs = [Math.min(group.ageMs[0], nowMs - startMs), Math.max(group.ageMs[1], nowMs - startMs)]
  group.busyMs += busyMs + (state === "running" ? inState : 0)
  group.readyMs += readyMs + (state === "ready" ? inState : 0)
  group.waitMs += waitMs + (state === "waiting" ? inState : 0)
}

/** A stack trace costs some 10 µs to read. */
const mostRead = 4096

/**
 * Chains of frames by what they say: the same for the same functions called at the same places. A frame that fibers
 * share is read once; of all beyond a bound only the names, as if they were called where the first of that name was.
 */
const makeChains = () => {
  const numbers = new Map<StackFrame, number>()
  const byText = new Map<string, number>()
  const byName = new Map<string, number>()
  let read = 0
  const numberOf = (frame: StackFrame): number => {
    let number = numbers.get(frame) ?? (read >= mostRead ? byName.get(frame.name) : undefined)
    if (number !== undefined) return number
    read++
    const text = `${frame.name}@${frame.stack() ?? ""}`
    number = byText.get(text) ?? byText.size
    byText.set(text, number)
    numbers.set(frame, number)
    if (!byName.has(frame.name)) byName.set(frame.name, number)
    return number
  }
  return {
    keyOf: ({ frame, inherited, name }: Live): string => {
      let key = name
      let depth = 0
      for (let at = frame; at !== undefined && at !== inherited && depth < mostFrames; at = at.parent, depth++)
        key += ` ${numberOf(at)}`
      return key
    }
  }
}

const definition = " (definition)"

/** The own frames of a fiber. A function of `Effect.fn` has two, where it was called and where it is defined; a span has one. */
const stackOf = ({ frame, inherited }: Live): Group["stack"] => {
  const stack: Array<{ readonly name: string; readonly place: string }> = []
  let calledAt = ""
  let depth = 0
  for (let at = frame; at !== undefined && at !== inherited && depth < mostFrames; at = at.parent, depth++) {
    if (at.name.endsWith(definition)) continue
    const isFunction = at.parent?.name === at.name + definition
    // where the next inner one was called is in this one
    stack.push({ name: at.name, place: calledAt || placeOf(isFunction ? at.parent! : at) })
    calledAt = placeOf(at)
  }
  return stack
}

/** How a dump is written. */
export interface Options {
  /** Lines at most, but for the first and last [200]. */
  readonly lines?: number
  /** Characters beyond ASCII [true]. */
  readonly unicode?: boolean
  /**
   * Where in the source functions are [true]. Of a bundle that says nothing: then their names alone, where the fiber's
   * own is not all.
   */
  readonly places?: boolean
}

/** As text, largest groups first. */
export const render = (dump: Dump, { lines: most = 200, unicode = true, places = true }: Options = {}): string => {
  const { fibers, running, ready, waiting } = dump
  if (fibers === 0) return "no fiber is left\n"
  const head = `${fibers} fiber${fibers === 1 ? "" : "s"}: ${running} running, ${ready} ready, ${waiting} waiting`
  const lines: Array<string> = []
  let left = { groups: 0, fibers: 0 }
  const pending = bySize(dump.groups).map((group) => ({ group, depth: 0 }))
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { group, depth } = next
    const text = linesOf(group, depth, unicode, places)
    if (lines.length + text.length <= most) lines.push(...text)
    else left = { groups: left.groups + 1, fibers: left.fibers + group.fibers }
    pending.push(...bySize(group.children).map((group) => ({ group, depth: depth + 1 })))
  }
  const end = left.groups === 0 ? [] : ["", `and ${left.fibers} fibers more, in ${left.groups} groups`]
  const text = [head, "", ...lines, ...end, ""].join("\n")
  return unicode ? text : text.replaceAll("×", "x").replaceAll("└", "`").replaceAll("µ", "u")
}

/** The largest last. */
const bySize = (groups: ReadonlyArray<Group>) => groups.toSorted((a, b) => a.fibers - b.fibers || b.ids[0]! - a.ids[0]!)

const between = ([least, most]: readonly [number, number]) => {
  const texts = [duration(least), duration(most)]
  return texts[0] === texts[1] ? texts[0]! : texts.join(" to ")
}

const deepestIndent = 20

const linesOf = (group: Group, depth: number, unicode: boolean, places: boolean): ReadonlyArray<string> => {
  const { name, state, reason, fibers, ids, sinceMs, ageMs, busyMs, readyMs, waitMs, stack, isOrphan } = group
  const indent = "  ".repeat(Math.min(depth, deepestIndent))
  const branch = depth === 0 ? "" : `${indent.slice(2)}└ `
  const who = fibers === 1 ? `${name || "(no name)"} #${ids[0]}` : `${fibers} × ${name || "(no name)"}`
  const does = state === "waiting" ? `waiting for ${reason}` : state
  const isToldAbove = !places && stack.length === 1 && stack[0]!.name === name
  return [
    `${branch}${printable(who, unicode)}  ${printable(does, unicode)} ${between(sinceMs)}  (age ${between(ageMs)}: ` +
      `busy ${duration(busyMs)}, ready ${duration(readyMs)}, waited ${duration(waitMs)})${isOrphan ? ", its parent has ended" : ""}`,
    ...(isToldAbove ? [] : stack).map(
      ({ name, place }) =>
        `${indent}    at ${printable(place === "" || !places ? name : `${name} (${place})`, unicode)}`
    )
  ]
}

/** Text that cannot move the cursor. */
const printable = (text: string, unicode: boolean) =>
  text.replace(unicode ? /[\p{C}\u2028\u2029]/gu : /[^\x20-\x7e×]/gu, "?")
