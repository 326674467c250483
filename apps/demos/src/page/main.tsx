/** The page: contents, one demo at a time, the way between them. In a worker the same script simulates. */
import { render } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { chapters, scenarios } from "../Chapters.ts"
import { Demo } from "./Demo.tsx"
import { Home } from "./Home.tsx"
import * as Route from "./Route.ts"
import * as Simulation from "./Simulation.ts"
import * as Theme from "./Theme.ts"

const useRoute = () => {
  const [route, setRoute] = useState(() => Route.read(location.hash))
  useLayoutEffect(() => {
    const follow = () => setRoute(Route.read(location.hash))
    addEventListener("hashchange", follow)
    return () => removeEventListener("hashchange", follow)
  }, [])
  const turn = (parameters: Route.Route["parameters"]) => {
    // a slider that moves is no page that was visited
    history.replaceState(undefined, "", Route.write(route.name!, parameters))
    setRoute({ name: route.name!, parameters })
  }
  return { route, turn }
}

/** What takes arrow keys itself. */
const takesArrows = "input, select, textarea, pre, [contenteditable]"

const Contents = ({ name }: { readonly name: string }) => (
  <nav aria-label="Contents">
    <a href="#/">Contents</a>
    {chapters.map(({ title, scenarios }) => (
      <section key={title}>
        <h2>{title}</h2>
        <ol>
          {scenarios.map((one) => (
            <li key={one.name}>
              <a href={`#/${one.name}`} aria-current={one.name === name ? "page" : undefined}>
                {one.title}
              </a>
            </li>
          ))}
        </ol>
      </section>
    ))}
  </nav>
)

const App = () => {
  const { route, turn } = useRoute()
  const [theme, setTheme] = useState(Theme.read)
  const [isMenuOpen, setMenuOpen] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  const contents = useRef<HTMLDivElement>(null)
  const isFirst = useRef(true)
  const { name, fault } = route
  const index = scenarios.findIndex((one) => one.name === name)
  const scenario = scenarios[index]
  const [before, after] = [scenarios[index - 1], scenarios[index + 1]]

  useEffect(() => {
    document.title = `${scenario === undefined ? "Simul" : scenario.title}: experiments on concurrency`
    setMenuOpen(false)
    const place = contents.current?.querySelector<HTMLElement>("[aria-current]")
    if (place != null) contents.current!.scrollTop = place.offsetTop - contents.current!.clientHeight / 2
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [name])
  useEffect(() => {
    const go = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
      if (event.target instanceof Element && event.target.matches(takesArrows)) return
      const next = event.key === "ArrowLeft" ? before : event.key === "ArrowRight" ? after : undefined
      if (next !== undefined) location.hash = `#/${next.name}`
    }
    addEventListener("keydown", go)
    return () => removeEventListener("keydown", go)
  }, [index])

  const part = chapters.find(({ scenarios }) => scenarios.some((one) => one.name === name))
  return (
    <>
      <a
        class="skip"
        href={location.hash === "" ? "#/" : location.hash}
        onClick={(event) => {
          event.preventDefault()
          heading.current?.focus()
        }}
      >
        To the text
      </a>
      <header class="top">
        {scenario !== undefined && (
          <button
            type="button"
            class="menu"
            aria-expanded={isMenuOpen}
            aria-controls="contents"
            onClick={() => setMenuOpen(!isMenuOpen)}
          >
            Contents
          </button>
        )}
        <a class="brand" href="#/">
          <img src="icon.svg" width="22" height="22" alt="" /> Simul
        </a>
        <button type="button" class="theme" onClick={() => setTheme(Theme.next(theme))}>
          {Theme.words[theme]}
        </button>
      </header>
      <div class={`page ${scenario === undefined ? "alone" : ""}`}>
        {scenario !== undefined && (
          <div id="contents" class={isMenuOpen ? "open" : ""} ref={contents}>
            <Contents name={scenario.name} />
          </div>
        )}
        <main>
          <p class="part">
            {part === undefined ? "Predict, run, compare" : `${part.title} · ${index + 1} of ${scenarios.length}`}
          </p>
          <h1 ref={heading} tabIndex={-1}>
            {scenario?.title ?? "Experiments on concurrency"}
          </h1>
          {fault !== undefined && (
            <p class="fault" role="alert">
              {fault}
            </p>
          )}
          <div class={scenario === undefined ? "" : "demo"}>
            {scenario === undefined ? (
              <Home />
            ) : (
              <Demo key={name} scenario={scenario} values={route.parameters} onTurn={turn} />
            )}
          </div>
          {scenario !== undefined && (
            <nav class="ways" aria-label="Before and after">
              {before === undefined ? <span /> : <a href={`#/${before.name}`}>{`←\u00a0${before.title}`}</a>}
              {after === undefined ? <span /> : <a href={`#/${after.name}`}>{`${after.title}\u00a0→`}</a>}
            </nav>
          )}
        </main>
      </div>
    </>
  )
}

if (typeof document === "undefined") Simulation.listen()
else render(<App />, document.body)
