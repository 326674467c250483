/** What a picture is played with: start and pause, its time, its speed. */
import { duration } from "@simul/core/TimelineLayout"
import type { Ref } from "preact"
import type { usePlayer } from "./Player.ts"

export interface Props {
  readonly player: ReturnType<typeof usePlayer>
  readonly endMs: number
  readonly start: Ref<HTMLButtonElement>
}

export const Transport = ({ player, endMs, start }: Props) => {
  const { headMs, isPlaying } = player
  return (
    <>
      <button
        ref={start}
        type="button"
        class="round"
        aria-label={isPlaying ? "Pause" : "Play"}
        onClick={isPlaying ? player.pause : player.play}
      >
        <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
          <path d={isPlaying ? "M2 1h4v12H2zM8 1h4v12H8z" : "M3 1l10 6-10 6z"} />
        </svg>
      </button>
      <input
        type="range"
        class="scrub"
        aria-label="Time"
        min="0"
        max="1000"
        value={endMs === 0 ? 1000 : (Math.min(headMs, endMs) / endMs) * 1000}
        aria-valuetext={duration(Math.min(headMs, endMs))}
        onInput={({ currentTarget }) => player.seek((Number(currentTarget.value) / 1000) * endMs)}
      />
      <select
        aria-label="Speed"
        value={player.speed}
        onChange={({ currentTarget }) => player.setSpeed(Number(currentTarget.value))}
      >
        <option value="0.2">slow motion</option>
        <option value="1">normal</option>
        <option value="3">fast</option>
      </select>
    </>
  )
}
