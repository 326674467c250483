/** One demo: its question, its run, theory beside measurement, what it teaches, its source. */
import * as Parameter from "@simul/core/scenario/Parameter"
import type { Played, Scenario } from "@simul/core/scenario/Scenario"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { Code } from "./Code.tsx"
import * as Picture from "./Picture.ts"
import { endOf, Pictures } from "./Pictures.tsx"
import { Prose } from "./Prose.tsx"
import { usePlayer } from "./Player.ts"
import { useReal, useVirtual } from "./Playing.ts"
import { Reveal } from "./Reveal.tsx"
import { turned } from "./Route.ts"
import * as Runs from "./Runs.ts"
import { Sliders } from "./Sliders.tsx"
import { Transport } from "./Transport.tsx"

/** Grows in steps, so that a picture that is being drawn stands still in between. */
const axisFor = (ms: number) => 100 * 1.5 ** Math.max(0, Math.ceil(Math.log(ms / 100) / Math.log(1.5)))

const views = { picture: "The picture", code: "The program" }
type View = keyof typeof views

interface Props {
  readonly scenario: Scenario
  readonly values: Played["parameters"]
  readonly onTurn: (values: Played["parameters"]) => void
}

export const Demo = ({ scenario, values, onTurn }: Props) => {
  const { name, question, parameters } = scenario
  const virtual = useVirtual(scenario, values)
  const real = useReal(scenario, values)
  const pictures = useRef<HTMLDivElement>(null)
  /** What takes the place of what was pressed. */
  const next = useRef<HTMLButtonElement & HTMLInputElement>(null)
  const [text, setText] = useState("")
  /** What the reader said, of which values. */
  const [told, setTold] = useState<{ readonly guess: string | undefined; readonly values: Played["parameters"] }>()
  const [isOpen, setOpen] = useState(false)
  /** It is to play as soon as it is there. */
  const [isStarting, setStarting] = useState(false)
  const [isRevealed, setRevealed] = useState(false)
  const [isRealShown, setRealShown] = useState(false)
  /** Where there is no room for both beside each other. */
  const [view, setView] = useState<View>("picture")

  const isLive = real.events !== undefined
  const shown = isRealShown && real.recording !== undefined ? real.recording : virtual.recording
  const events = real.events ?? shown?.events ?? []
  const endMs = isLive ? axisFor(endOf(events)) : endOf(events)
  const player = usePlayer(endMs)
  const { headMs, isPlaying } = player

  const open = (said: string | undefined) => {
    setTold({ guess: said, values })
    setOpen(true)
    setStarting(true)
  }
  // before it is painted: the end must not be seen first
  useLayoutEffect(() => {
    if (!isStarting || virtual.isBusy) return
    setStarting(false)
    player.play()
  }, [isStarting, virtual.isBusy])
  // what was pressed is gone: who has no mouse must not begin at the top again
  useLayoutEffect(() => {
    if (told !== undefined && document.activeElement === document.body) next.current?.focus({ preventScroll: true })
  }, [isOpen, isLive])
  useEffect(() => {
    if (isOpen && !isStarting && !isPlaying && headMs === Infinity && shown !== undefined) setRevealed(true)
  }, [isOpen, isStarting, isPlaying, headMs, shown])
  useEffect(() => {
    if (real.recording !== undefined) setRealShown(true)
  }, [real.recording])

  const asked = shown?.checks.find(({ key }) => key === question.answer)
  const guess = told?.values === values ? told.guess : undefined
  const runReal = () => {
    setOpen(true)
    player.seek(Infinity)
    setRealShown(true)
    void real.start()
  }
  const flags = turned(name, values)
    .map(([key, value]) => ` --${key} ${value}`)
    .join("")

  return (
    <>
      <div class="views choice" role="group" aria-label="What is shown" data-view={view}>
        {Object.entries(views).map(([one, word]) => (
          <button key={one} type="button" aria-pressed={view === one} onClick={() => setView(one as View)}>
            {word}
          </button>
        ))}
      </div>
      <div class="story">
        <section class={`question ${isOpen ? "asked" : ""}`} aria-label="Prediction">
          <p class="asks">
            <Prose text={question.text(values)} />
          </p>
          {isOpen ? (
            <p class="dim">
              {guess !== undefined && `You said ${guess}. `}
              <button
                type="button"
                onClick={() => {
                  setText("")
                  setOpen(false)
                  setRevealed(false)
                }}
              >
                Predict {told?.values === values ? "again" : "this one"}
              </button>
            </p>
          ) : (
            <form
              onSubmit={(event) => {
                event.preventDefault()
                open(text.trim() === "" ? undefined : text.trim())
              }}
            >
              <label>
                Your prediction
                <input
                  ref={next}
                  type="text"
                  autocomplete="off"
                  inputMode={typeof asked?.value === "number" ? "decimal" : "text"}
                  value={text}
                  onInput={({ currentTarget }) => setText(currentTarget.value)}
                />
                <span class="unit">{asked?.unit ?? ""}</span>
              </label>
              <button type="submit" class="primary">
                {text.trim() === "" ? "Just run it" : "Predict and run"}
              </button>
            </form>
          )}
        </section>

        {/* on a phone the picture comes first */}
        <details class="turn" open={isOpen && matchMedia("(min-width: 641px)").matches}>
          <summary>What can be turned</summary>
          <Sliders parameters={parameters as Parameter.Parameters} values={values} onTurn={onTurn} />
          {flags !== "" && (
            <button type="button" onClick={() => onTurn(Parameter.defaults(parameters as Parameter.Parameters))}>
              Back to the defaults
            </button>
          )}
        </details>

        {isOpen && (
          <section class="run" aria-label="Run" aria-busy={virtual.isBusy}>
            <div class="bar">
              {isLive ? (
                <>
                  <span class="live">{events.length === 0 ? "starting" : "running on this machine"}</span>
                  <button ref={next} type="button" onClick={real.stop}>
                    Stop
                  </button>
                </>
              ) : (
                <>
                  <Transport player={player} endMs={endMs} start={next} />
                  {real.recording !== undefined && (
                    <span class="choice" role="group" aria-label="Which run">
                      <button type="button" aria-pressed={!isRealShown} onClick={() => setRealShown(false)}>
                        Virtual
                      </button>
                      <button type="button" aria-pressed={isRealShown} onClick={() => setRealShown(true)}>
                        This machine
                      </button>
                    </span>
                  )}
                  {Runs.isLive && (
                    <button
                      type="button"
                      class="real"
                      title="With the clock, threads, processes and files of this machine"
                      onClick={runReal}
                    >
                      Run it for real
                    </button>
                  )}
                </>
              )}
            </div>
            {(virtual.fault ?? real.fault) !== undefined && <p class="fault">{virtual.fault ?? real.fault}</p>}
            <div ref={pictures}>
              <Pictures events={events} endMs={endMs} playheadMs={headMs} />
            </div>
            {isRevealed && endMs > 0 && !isLive && (
              <button
                type="button"
                class="save"
                onClick={() => Picture.save(`${name}.svg`, Picture.svgOf(pictures.current!, scenario.title))}
              >
                Save the picture as SVG
              </button>
            )}
          </section>
        )}

        {isRevealed && shown !== undefined && (
          <Reveal {...{ scenario, shown, guess, isLive }} virtual={virtual.recording} real={real.recording} />
        )}
        <p class="command">
          {Runs.isLive
            ? "In a terminal: "
            : "This run is virtual, in your browser. On your machine's clock, threads and processes: "}
          <code>{`npx -y pnpm@12 --filter demos start ${name}${flags}`}</code>
        </p>
      </div>
      <Code name={name} />
    </>
  )
}
