/** The source of a demo, coloured. */
import { useEffect, useMemo, useState } from "preact/hooks"
import { parse } from "sugar-high/core"
import * as Runs from "./Runs.ts"

export const Code = ({ name }: { readonly name: string }) => {
  const [source, setSource] = useState<Runs.Source>()
  useEffect(() => {
    const ended = new AbortController()
    Runs.source(name, ended.signal).then(setSource, () => {})
    return () => ended.abort()
  }, [name])
  const lines = useMemo(() => (source === undefined ? [] : parse(source.text, { typescript: true }).lines), [source])
  return (
    <section class="code" aria-label="Source">
      <h2>
        The program <code>{source?.path}</code>
      </h2>
      {/* what scrolls must be reached by keyboard */}
      <pre tabIndex={0} aria-label="Source text">
        {lines.map(({ index, tokens }) => (
          <span key={index} class="line">
            {tokens.map(({ type, value }, at) =>
              type === "space" || type === "break" ? (
                value
              ) : (
                <span key={at} class={`t-${type}`}>
                  {value}
                </span>
              )
            )}
            {"\n"}
          </span>
        ))}
      </pre>
    </section>
  )
}
