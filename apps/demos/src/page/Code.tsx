/** The source of a demo, coloured. */
import typescript from "highlight.js/lib/languages/typescript"
import { createLowlight } from "lowlight"
import { useEffect, useMemo, useState } from "preact/hooks"
import * as Runs from "./Runs.ts"

const colouring = createLowlight({ typescript })

type Nodes = ReturnType<typeof colouring.highlight>["children"]

const Pieces = ({ nodes }: { readonly nodes: Nodes }) => (
  <>
    {nodes.map((node, index) =>
      node.type === "text" ? (
        node.value
      ) : node.type === "element" ? (
        <span key={index} class={(node.properties["className"] as ReadonlyArray<string>).join(" ")}>
          <Pieces nodes={node.children} />
        </span>
      ) : null
    )}
  </>
)

export const Code = ({ name }: { readonly name: string }) => {
  const [source, setSource] = useState<Runs.Source>()
  useEffect(() => {
    const ended = new AbortController()
    Runs.source(name, ended.signal).then(setSource, () => {})
    return () => ended.abort()
  }, [name])
  const nodes = useMemo(
    () => (source === undefined ? [] : colouring.highlight("typescript", source.text).children),
    [source]
  )
  return (
    <section class="code" aria-label="Source">
      <h2>
        The program <code>{source?.path}</code>
      </h2>
      {/* what scrolls must be reached by keyboard */}
      <pre tabIndex={0} aria-label="Source text">
        <Pieces nodes={nodes} />
      </pre>
    </section>
  )
}
