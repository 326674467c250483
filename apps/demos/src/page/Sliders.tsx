/** What can be turned: a slider and a number each. Where the bounds are far apart the slider is logarithmic. */
import type { Played } from "@simul/core/scenario/Scenario"
import type { Parameter, Parameters } from "@simul/core/scenario/Parameter"

const steps = 1000

const isLogarithmic = ({ minimum, maximum }: Parameter) => minimum > 0 && maximum / minimum >= 100

/** As few digits as the slider is exact to. */
const rounded = (value: number, { whole, minimum, maximum }: Parameter) => {
  const digits = whole && value < 100 ? Math.round(value) : Number(value.toPrecision(2))
  return Math.min(maximum, Math.max(minimum, whole ? Math.round(digits) : digits))
}

const positionOf = (value: number, parameter: Parameter) => {
  const { minimum, maximum } = parameter
  return isLogarithmic(parameter)
    ? (steps * Math.log(value / minimum)) / Math.log(maximum / minimum)
    : (steps * (value - minimum)) / (maximum - minimum)
}

const valueAt = (position: number, parameter: Parameter) => {
  const { minimum, maximum } = parameter
  const share = position / steps
  return rounded(
    isLogarithmic(parameter) ? minimum * (maximum / minimum) ** share : minimum + share * (maximum - minimum),
    parameter
  )
}

export interface Props {
  readonly parameters: Parameters
  readonly values: Played["parameters"]
  readonly onTurn: (values: Played["parameters"]) => void
}

export const Sliders = ({ parameters, values, onTurn }: Props) => {
  const turn = (name: string, value: number) => {
    const { minimum, maximum, whole } = parameters[name]!
    if (!Number.isFinite(value) || value < minimum || value > maximum || (whole && !Number.isInteger(value))) return
    if (value !== values[name]) onTurn({ ...values, [name]: value })
  }
  return (
    <div class="sliders">
      {Object.entries(parameters).map(([name, parameter]) => {
        const { description, unit, minimum, maximum, whole } = parameter
        const value = values[name]!
        const isFine = isLogarithmic(parameter) || !whole
        return (
          <label key={name}>
            <span class="about">
              <code>{name}</code> {description}
            </span>
            <input
              type="range"
              min={isFine ? 0 : minimum}
              max={isFine ? steps : maximum}
              step={isFine ? 5 : 1}
              value={isFine ? positionOf(value, parameter) : value}
              aria-label={`${name}, ${description}`}
              aria-valuetext={`${value} ${unit}`}
              onInput={({ currentTarget }) => {
                const position = Number(currentTarget.value)
                turn(name, isFine ? valueAt(position, parameter) : position)
              }}
            />
            <span class="exact">
              <input
                type="number"
                min={minimum}
                max={maximum}
                step={whole ? 1 : "any"}
                value={value}
                aria-label={`${name}, exactly`}
                onChange={({ currentTarget }) => turn(name, currentTarget.valueAsNumber)}
              />
              <span class="unit">{unit}</span>
            </span>
          </label>
        )
      })}
    </div>
  )
}
