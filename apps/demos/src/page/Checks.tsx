/** Theory beside what was measured, and beside what the reader said before. */
import type { Played, Check } from "@simul/core/scenario/Scenario"
import { shown } from "@simul/core/scenario/ScenarioText"

const relation = { equal: "", "at most": "≤ ", "at least": "≥ " } as const

/** What was measured, with its unit. */
export const valueOf = ({ measured, unit }: Check): string => shown(measured, unit)

const gaugeWidth = 124

/** Numbers on a line: the mark is theory, or what it allows; dots are what was measured; the triangle is the reader's. */
const Gauge = ({
  check,
  real,
  guess
}: {
  readonly check: Check
  readonly real: Check | undefined
  readonly guess: number | undefined
}) => {
  const { value, is = "equal" } = check
  const judged = (one: Check | undefined) =>
    one === undefined || (one.holds === undefined && !one.isBusy) ? undefined : one.measured
  const measured = judged(check)
  const measuredReally = judged(real)
  if (typeof value !== "number") return null
  const found = [measured, measuredReally].filter((one) => typeof one === "number")
  const known = Math.max(value, ...found)
  // a wild prediction stands at the end: it must not squeeze the rest
  const most = 1.12 * Math.max(known, Math.min(guess ?? 0, 2.5 * known))
  if (!(most > 0)) return null
  const x = (one: number) => 5 + (Math.min(Math.max(0, one), most) / most) * (gaugeWidth - 10)
  return (
    <svg class="gauge" width={gaugeWidth} height="22" aria-hidden="true">
      <line class="base" x1="5" x2={gaugeWidth - 5} y1="13" y2="13" />
      {is === "at most" && <rect class="allowed" x="5" width={x(value) - 5} y="9" height="8" rx="2" />}
      {is === "at least" && (
        <rect class="allowed" x={x(value)} width={gaugeWidth - 5 - x(value)} y="9" height="8" rx="2" />
      )}
      <line class="theory" x1={x(value)} x2={x(value)} y1="6" y2="20" />
      {typeof measured === "number" && (
        <circle class={`dot ${check.holds === false ? "bad" : ""}`} cx={x(measured)} cy="13" r="4" />
      )}
      {typeof measuredReally === "number" && (
        <circle class={`ring ${real?.holds === false ? "bad" : ""}`} cx={x(measuredReally)} cy="13" r="4.5" />
      )}
      {guess !== undefined && <path class="guess" d={`M${x(guess)} 6l-4-6h8z`} />}
    </svg>
  )
}

/** A number stays on its line, a text may be long. */
const Value = ({ value, unit }: { readonly value: Check["measured"]; readonly unit: string | undefined }) =>
  typeof value === "string" ? <span class="text">{value}</span> : <>{shown(value, unit)}</>

const isLong = ({ value }: Check) => typeof value === "string" && value.length > 12

const Cell = ({ check, label }: { readonly check: Check | undefined; readonly label: string }) => (
  <td class="number" data-label={label}>
    {check === undefined ? (
      ""
    ) : check.isBusy ? (
      <>
        <Value value={check.measured} unit={check.unit} />{" "}
        <span class="dim" role="img" aria-label="not judged: the machine was busy">
          ?
        </span>
      </>
    ) : check.holds === undefined ? (
      <span class="dim">{check.only} runs only</span>
    ) : (
      <>
        {isLong(check) && check.holds ? "the same" : <Value value={check.measured} unit={check.unit} />}{" "}
        <span class={check.holds ? "holds" : "fails"} role="img" aria-label={check.holds ? "holds" : "does not hold"}>
          {check.holds ? "✓" : "✗"}
        </span>
      </>
    )}
  </td>
)

export interface Props {
  readonly virtual: Played | undefined
  readonly real: Played | undefined
  readonly answer: string
  /** What the reader said, where it is a number. */
  readonly guess: number | undefined
}

export const Checks = ({ virtual, real, answer, guess }: Props) => {
  return (
    <table class="checks">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col" class="number">
            Theory
          </th>
          {virtual !== undefined && (
            <th scope="col" class="number">
              Virtual run
            </th>
          )}
          {real !== undefined && (
            <th scope="col" class="number">
              This machine
            </th>
          )}
          <th scope="col" class="wide">
            <span class="hidden">Picture</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {(virtual ?? real)!.checks.map((check, index) => (
          <tr key={check.key} class={check.key === answer ? "asked" : ""}>
            <th scope="row">
              {check.what} <span class="formula">{check.formula}</span>
            </th>
            <td class="number" data-label="theory">
              {relation[check.is ?? "equal"]}
              <Value value={check.value} unit={check.unit} />
            </td>
            {virtual !== undefined && <Cell check={check} label="virtual run" />}
            {real !== undefined && <Cell check={real.checks[index]} label="this machine" />}
            <td class="wide">
              <Gauge
                check={virtual === undefined ? { ...check, measured: undefined } : check}
                real={real?.checks[index]}
                guess={check.key === answer ? guess : undefined}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
