/** The cover: what this is, a first picture, the contents. */
import { measuredOf, type Played } from "@simul/core/scenario/Scenario"
import * as Parameter from "@simul/core/scenario/Parameter"
import { shown } from "@simul/core/scenario/ScenarioText"
import { useEffect, useState } from "preact/hooks"
import { chapters, scenarios } from "../Chapters.ts"
import { Prose } from "./Prose.tsx"
import { endOf, Pictures } from "./Pictures.tsx"
import { usePlayer } from "./Player.ts"
import * as Runs from "./Runs.ts"

/** The picture of the cover: these variants of this demo. */
const cover = { name: "countdown", variants: 2 }

export const Home = () => {
  const [recording, setRecording] = useState<Played>()
  const events = recording?.events.filter(({ variant }) => variant < cover.variants) ?? []
  const endMs = endOf(events)
  const player = usePlayer(endMs)
  useEffect(() => {
    const ended = new AbortController()
    Runs.recorded(cover.name, ended.signal).then(setRecording, () => {})
    return () => ended.abort()
  }, [])
  useEffect(() => {
    if (recording !== undefined) player.play()
  }, [recording])
  const numbers = recording === undefined ? undefined : measuredOf(recording)
  const number = (key: string) => shown(numbers?.[key], recording?.checks.find((one) => one.key === key)?.unit)
  return (
    <div class="home">
      <p class="lead">
        {scenarios.length} experiments on concurrency. Each asks you for a number first; then it runs, and holds your
        number, theory and measurement side by side.
      </p>
      {recording !== undefined && (
        <section aria-label="An example" class="cover">
          <Pictures events={events} endMs={endMs} playheadMs={player.headMs} />
          <p class="dim">
            Three countdowns: {number("inTurn")} one after the other, {number("atOnce")} at once. Nothing became faster;
            the waiting overlaps.
          </p>
        </section>
      )}
      {chapters.map(({ title, scenarios }) => (
        <section key={title}>
          <h2>{title}</h2>
          <ol class="entries">
            {scenarios.map(({ name, title, question, parameters }) => (
              <li key={name}>
                <a href={`#/${name}`}>{title}</a>
                <p>
                  <Prose text={question.text(Parameter.defaults(parameters))} />
                </p>
              </li>
            ))}
          </ol>
        </section>
      ))}
    </div>
  )
}
