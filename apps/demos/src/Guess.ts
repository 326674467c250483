/** What the reader's prediction was worth: beside what a run measured, in words. */
import type { Check } from "@simul/core/scenario/Scenario"
import { shown } from "@simul/core/scenario/ScenarioText"

interface Judged {
  readonly text: string
  /** What was said, where it is a number. */
  readonly number: number | undefined
  /** Within 5 %. */
  readonly isNear: boolean
}

/** How far a number is off: by a share up to twice or half of it, by a factor beyond. */
const off = (said: number, measured: number): string => {
  if (measured === 0 || said === 0 || said / measured < 0) return `off by ${shown(Math.abs(said - measured))}`
  const factor = said / measured
  if (factor >= 2) return `${shown(factor)} times too much`
  if (factor <= 0.5) return `${shown(1 / factor)} times too little`
  return `off by ${(100 * Math.abs(factor - 1)).toFixed(0)} %`
}

/** Without a full stop. `measured` is absent where this kind of run cannot tell. */
export const judge = (guess: string, { measured, unit, only }: Check): Judged => {
  const text = guess.trim()
  const said = text === "" ? "You said nothing" : `You said ${text}`
  // a comma before three digits parts thousands, any other is that of a decimal
  const parsed = Number.parseFloat(text.replace(/,(?=\d{3}\b)/g, "").replace(",", "."))
  const number = Number.isNaN(parsed) ? undefined : parsed
  if (measured === undefined) return { text: `${said}; only a ${only ?? "real"} run can tell`, number, isNear: false }
  if (typeof measured !== "number")
    return { text: `${said}; it is ${measured}`, number, isNear: text.toLowerCase() === measured.toLowerCase() }
  if (number === undefined) return { text: `${said}; it is ${shown(measured, unit)}`, number, isNear: false }
  const isNear = Math.abs(number - measured) <= 0.05 * Math.abs(measured)
  const verdict = isNear ? "right" : off(number, measured)
  return { text: `You said ${shown(number, unit)}; it is ${shown(measured, unit)}: ${verdict}`, number, isNear }
}
