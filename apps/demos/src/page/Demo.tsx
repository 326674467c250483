/** One demo: its question, its run, theory beside measurement, what it teaches, its source. */
import * as Parameter from "@simul/core/scenario/Parameter"
import type { Scenario } from "@simul/core/scenario/Scenario"
import { remarks, verdict } from "@simul/core/scenario/ScenarioText"
import type { StageEvent } from "@simul/core/scenario/Stage"
import { duration } from "@simul/core/TimelineLayout"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { measured, type Recording } from "../Recording.ts"
import * as Guess from "../Guess.ts"
import { Checks, valueOf } from "./Checks.tsx"
import { Code } from "./Code.tsx"
import * as Picture from "./Picture.ts"
import { endOf, Pictures } from "./Pictures.tsx"
import { Prose } from "./Prose.tsx"
import { usePlayer } from "./Player.ts"
import { turned } from "./Route.ts"
import * as Runs from "./Runs.ts"
import { Sliders } from "./Sliders.tsx"

/** A slider that moves sends many values: wait until it rests so long. */
const restMs = 120

const frameMs = 50

/** The virtual run at these values: from a file at the defaults, simulated otherwise. */
const useVirtual = (scenario: Scenario, values: Recording["parameters"]) => {
  const [state, setState] = useState<{
    readonly recording?: Recording
    readonly isBusy: boolean
    readonly fault?: string
  }>({
    isBusy: true
  })
  useEffect(() => {
    const ended = new AbortController()
    const { signal } = ended
    const isDefault = turned(scenario.name, values).length === 0
    setState(({ recording }) => ({ ...(recording === undefined ? {} : { recording }), isBusy: true }))
    const get = () =>
      (isDefault
        ? Runs.recorded(scenario.name, signal)
        : Runs.simulated({ name: scenario.name, parameters: values }, signal)
      ).then(
        (recording) => signal.aborted || setState({ recording, isBusy: false }),
        (error: unknown) => signal.aborted || setState({ isBusy: false, fault: String(error) })
      )
    const timer = setTimeout(get, isDefault ? 0 : restMs)
    return () => {
      clearTimeout(timer)
      ended.abort()
    }
  }, [scenario, values])
  return state
}

/** A real run, while it goes on and afterwards. */
const useReal = (scenario: Scenario, values: Recording["parameters"]) => {
  const [events, setEvents] = useState<ReadonlyArray<StageEvent>>()
  const [recording, setRecording] = useState<Recording>()
  const [fault, setFault] = useState<string>()
  const current = useRef<AbortController>(undefined)
  const stop = () => {
    current.current?.abort()
    setEvents(undefined)
  }
  useEffect(() => {
    setRecording(undefined)
    setFault(undefined)
    return stop
  }, [scenario, values])
  const start = async () => {
    const ended = new AbortController()
    current.current = ended
    const heard: Array<StageEvent> = []
    let opened = { title: "", atMs: 0, variant: 0 }
    setFault(undefined)
    setRecording(undefined)
    setEvents([])
    // between two events time passes, too
    const timer = setInterval(() => {
      const { title, variant, atMs } = opened
      setEvents(
        heard.length === 0 ? [] : [...heard, { _tag: "Opened", title, variant, atMs: performance.now() - atMs }]
      )
    }, frameMs)
    const listen = (event: StageEvent) => {
      if (event._tag === "Opened") opened = { title: event.title, variant: event.variant, atMs: performance.now() }
      heard.push(event)
    }
    try {
      setRecording(await Runs.real({ name: scenario.name, parameters: values }, listen, ended.signal))
    } catch (error) {
      if (!ended.signal.aborted) setFault(error instanceof Error ? error.message : String(error))
    } finally {
      clearInterval(timer)
      if (current.current === ended) setEvents(undefined)
    }
  }
  return { events, recording, fault, start, stop }
}

/** Grows in steps, so that a picture that is being drawn stands still in between. */
const axisFor = (ms: number) => 100 * 1.5 ** Math.max(0, Math.ceil(Math.log(ms / 100) / Math.log(1.5)))

const views = { picture: "The picture", code: "The program" }
type View = keyof typeof views

export interface Props {
  readonly scenario: Scenario
  readonly values: Recording["parameters"]
  readonly onTurn: (values: Recording["parameters"]) => void
}

export const Demo = ({ scenario, values, onTurn }: Props) => {
  const { name, question, parameters, corrections = [], model } = scenario
  const virtual = useVirtual(scenario, values)
  const real = useReal(scenario, values)
  const pictures = useRef<HTMLDivElement>(null)
  /** What takes the place of what was pressed. */
  const next = useRef<HTMLButtonElement & HTMLInputElement>(null)
  const [text, setText] = useState("")
  /** What the reader said, of which values. */
  const [told, setTold] = useState<{ readonly guess: string | undefined; readonly values: Recording["parameters"] }>()
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
  const said = guess === undefined || asked === undefined ? undefined : Guess.judge(guess, asked)
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
                  <button
                    ref={next}
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
          <section class="reveal" aria-label="Result">
            <div role="status">
              {said !== undefined ? (
                <p class={`said ${said.isNear ? "near" : "off"}`}>
                  <Prose text={said.text} />.
                </p>
              ) : (
                asked !== undefined && (
                  <p class="said">
                    <Prose
                      text={
                        asked.measured === undefined ? `Only a ${asked.only} run can tell.` : `It is ${valueOf(asked)}.`
                      }
                    />
                  </p>
                )
              )}
              {!isLive && <p class="verdict">{verdict(shown)}.</p>}
            </div>
            <Checks virtual={virtual.recording} real={real.recording} answer={question.answer} guess={said?.number} />
            {remarks(shown).map((remark) => (
              <p class="dim" key={remark}>
                <Prose text={remark} />
              </p>
            ))}
            <div class="prose">
              {scenario.prose(shown.parameters, measured(shown)).map((text) => (
                <p key={text}>
                  <Prose text={text} />
                </p>
              ))}
            </div>
            {corrections.length > 0 && (
              <div class="corrections">
                {corrections.map((correction) => (
                  <dl key={correction.is}>
                    <dt>{"says" in correction ? "The tutorial says" : "In the tutorial"}</dt>
                    <dd>
                      <Prose text={"says" in correction ? correction.says : correction.does} />.
                    </dd>
                    <dt>It is so</dt>
                    <dd>
                      <b>
                        <Prose text={correction.is} />.
                      </b>
                    </dd>
                  </dl>
                ))}
              </div>
            )}
            {model !== undefined && shown.mode === "virtual" && (
              <p class="model">
                Modelled: <Prose text={model} />
              </p>
            )}
          </section>
        )}
        <p class="command">
          {Runs.isLive
            ? "In a terminal: "
            : "This run is virtual, in your browser. On your machine's clock, threads and processes: "}
          <code>{`pnpm --filter demos start ${name}${flags}`}</code>
        </p>
      </div>
      <Code name={name} />
    </>
  )
}
