/** What came out: whether the reader was right, theory beside measurement, and what it teaches. */
import { measuredOf, type Played, type Scenario } from "@simul/core/scenario/Scenario"
import { remarks, verdict } from "@simul/core/scenario/ScenarioText"
import * as Guess from "../Guess.ts"
import { Checks, valueOf } from "./Checks.tsx"
import { Prose } from "./Prose.tsx"

export interface Props {
  readonly scenario: Scenario
  readonly shown: Played
  readonly virtual: Played | undefined
  readonly real: Played | undefined
  /** What the reader said, if it was of these values. */
  readonly guess: string | undefined
  /** Another run is under way. */
  readonly isLive: boolean
}

export const Reveal = ({ scenario, shown, virtual, real, guess, isLive }: Props) => {
  const { corrections = [], model, question } = scenario
  const asked = shown.checks.find(({ key }) => key === question.answer)
  const said = guess === undefined || asked === undefined ? undefined : Guess.judge(guess, asked)
  return (
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
                text={asked.measured === undefined ? `Only a ${asked.only} run can tell.` : `It is ${valueOf(asked)}.`}
              />
            </p>
          )
        )}
        {!isLive && <p class="verdict">{verdict(shown)}.</p>}
      </div>
      <Checks virtual={virtual} real={real} answer={scenario.question.answer} guess={said?.number} />
      {remarks(shown).map((remark) => (
        <p class="dim" key={remark}>
          <Prose text={remark} />
        </p>
      ))}
      <div class="prose">
        {scenario.prose(shown.parameters, measuredOf(shown)).map((text) => (
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
  )
}
