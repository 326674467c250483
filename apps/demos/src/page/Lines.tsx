/** What lanes said, a line each: where there is no place for it in the picture. */
import type { StageEvent } from "@simul/core/scenario/Stage"
import { duration } from "@simul/core/TimelineLayout"
import { Prose } from "./Prose.tsx"

export type Said = Extract<StageEvent, { readonly _tag: "Said" }>

/** Beside the lane's name, the name before what it said is too much. */
export const withoutLane = ({ lane, text }: Said): string =>
  text.startsWith(`${lane} `) ? text.slice(lane.length + 1) : text

export const Lines = ({ said, isTimeless }: { readonly said: ReadonlyArray<Said>; readonly isTimeless: boolean }) =>
  said.length === 0 ? null : (
    <ul class={isTimeless ? "lines" : "lines timed"}>
      {said.map((one, index) => (
        <li key={index}>
          {!isTimeless && <span class="at">{duration(one.atMs)}</span>}
          <b>{one.lane}</b> <Prose text={withoutLane(one)} />
        </li>
      ))}
    </ul>
  )
