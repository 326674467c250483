/** Rows that decide before or around an answer: failures that pass, redirects, credentials, cookies, header fields. */
import * as Behaviour from "../Behaviour.ts"
import { status } from "./Whole.ts"

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make(
    "/flaky/K/CODE/rest",
    "CODE for the first K requests, then rest",
    (exchange, { values, path, rest, next }) =>
      exchange.visit(path) <= Behaviour.count(values.K)
        ? exchange.text(status(values.CODE), `status ${values.CODE}\n`)
        : next(rest)
  ),
  Behaviour.make(
    "/retry-after/WHEN/K/CODE/rest",
    "as /flaky, with Retry-After: WHEN, verbatim; `date-S` stands for the HTTP-date in S seconds",
    (exchange, { values, path, rest, next }) => {
      if (exchange.visit(path) > Behaviour.count(values.K)) return next(rest)
      const seconds = /^date-(\d+)$/.exec(values.WHEN)?.[1]
      const when = seconds === undefined ? values.WHEN : new Date(Date.now() + Number(seconds) * 1000).toUTCString()
      exchange.text(status(values.CODE), `status ${values.CODE}\n`, ["retry-after", when])
    }
  ),
  Behaviour.make("/redirect/N/rest", "N hops of 302, then rest", (exchange, { values, rest, next }) => {
    const hops = Behaviour.count(values.N)
    if (hops === 0) return next(rest)
    exchange.text(302, "moved\n", ["location", hops === 1 ? rest : `/redirect/${hops - 1}${rest}`])
  }),
  Behaviour.make("/redirect-loop", "302 to itself", (exchange) =>
    exchange.text(302, "moved\n", ["location", exchange.path])
  ),
  Behaviour.make("/redirect-to", "`?url=` verbatim as Location; `&code=` instead of 302", (exchange) => {
    const query = new Map(exchange.query)
    exchange.text(status(query.get("code") ?? "302"), "moved\n", ["location", query.get("url") ?? "/"])
  }),
  Behaviour.make(
    "/auth/USER/PASSWORD/rest",
    "401 unless the Basic credentials match, then rest",
    (exchange, { values, rest, next }) =>
      exchange.headers.authorization === basic(values.USER, values.PASSWORD)
        ? next(rest)
        : exchange.text(401, "who are you?\n", ["www-authenticate", 'Basic realm="site"'])
  ),
  Behaviour.make("/cookie/set", "Set-Cookie for each pair of the query, `Path=/`", (exchange) =>
    exchange.text(
      200,
      "cookie set\n",
      exchange.query.flatMap(([name, value]) => ["set-cookie", `${name}=${value}; Path=/`])
    )
  ),
  Behaviour.make(
    "/cookie/need/NAME/VALUE/rest",
    "403 unless the cookie is sent, then rest",
    (exchange, { values, rest, next }) =>
      (exchange.headers.cookie ?? "").split(/;\s*/).includes(`${values.NAME}=${values.VALUE}`)
        ? next(rest)
        : exchange.text(403, "no cookie\n")
  ),
  Behaviour.make(
    "/header/rest",
    "rest (or a line of text), each pair of the query as a further header field; %XX are raw bytes",
    (exchange, { rest, next }) => {
      for (const [name, value] of exchange.query) exchange.extraFields.push(name, value)
      return rest === "/" ? exchange.text(200, "plain\n") : next(rest)
    }
  ),
  Behaviour.make(
    "/disposition/rest",
    "as /header, with Content-Disposition: `?value=`, verbatim",
    (exchange, { rest, next }) => {
      exchange.extraFields.push("content-disposition", new Map(exchange.query).get("value") ?? "attachment")
      return rest === "/" ? exchange.text(200, "plain\n") : next(rest)
    }
  ),
  Behaviour.make("/echo/name", "the request as JSON: method, url, headers", (exchange) =>
    exchange.text(
      200,
      `${JSON.stringify({ method: exchange.method, url: exchange.url, headers: exchange.headers })}\n`,
      ["cache-control", "no-store"]
    )
  )
]
