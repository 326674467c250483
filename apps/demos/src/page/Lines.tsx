/** What lanes said, a line each: where there is no place for it in the picture. */
import type { StageEvent } from "@simul/core/scenario/Stage"
import { duration } from "@simul/core/TimelineLayout"

export type Said = Extract<StageEvent, { readonly _tag: "Said" }>

export const Lines = ({ said, isTimeless }: { readonly said: ReadonlyArray<Said>; readonly isTimeless: boolean }) =>
  said.length === 0 ? null : (
    <ul class="lines">
      {said.map(({ lane, text, atMs }, index) => (
        <li key={index}>
          {!isTimeless && <span class="at">{duration(atMs)}</span>}
          <b>{lane}</b> {text}
        </li>
      ))}
    </ul>
  )
