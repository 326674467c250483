/** The runs of a demo, as state of the page: virtual ones whenever a value was turned, real ones when they are asked for. */
import type { Played, Scenario } from "@simul/core/scenario/Scenario"
import type { StageEvent } from "@simul/core/scenario/Stage"
import { useEffect, useRef, useState } from "preact/hooks"
import { turned } from "./Route.ts"
import * as Runs from "./Runs.ts"

/** A slider that moves sends many values: wait until it rests so long. */
const restMs = 120

const frameMs = 50

/** The virtual run at these values: from a file at the defaults, simulated otherwise. */
export const useVirtual = (scenario: Scenario, values: Played["parameters"]) => {
  const [state, setState] = useState<{
    readonly recording?: Played
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
export const useReal = (scenario: Scenario, values: Played["parameters"]) => {
  const [events, setEvents] = useState<ReadonlyArray<StageEvent>>()
  const [recording, setRecording] = useState<Played>()
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
