/** One page, its first thousand characters, and whose word is taken for who sent it. */
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Stage from "@simul/core/scenario/Stage"
import * as Extraction from "@simul/scraper/extract/Extraction"
import * as Page from "@simul/scraper/extract/Page"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { front, latencyMs, Web } from "../Web.ts"

const parameters = {
  characters: Parameter.whole("characters shown", { default: 1000, minimum: 10, maximum: 1800 })
}

/** What is wanted of the page. */
const Wanted = Extraction.make({ title: "title", paragraphs: "p[]" })

export const getHtml = Scenario.make({
  name: "get-html",
  title: "One page, and the certificate that nobody checked",
  question: {
    text: () =>
      "A site's certificate is signed by nobody you know. With verification switched off: answered or refused?",
    answer: "off"
  },
  parameters,
  theory: ({ characters }) => ({
    status: { what: "status", formula: "RFC 9110 15.3.1", value: 200 },
    type: { what: "type", formula: "what it says it is", value: "text/html; charset=utf-8" },
    shown: { what: "characters shown", formula: "min(asked for, all)", value: Math.min(characters, front.length) },
    title: { what: "its title, extracted", formula: "what stands in <title>", value: "Simul" },
    paragraphs: { what: "its paragraphs, extracted", formula: "as many as <p>", value: front.split("<p>").length - 1 },
    on: { what: "unknown authority, verified", formula: "refused", value: "refused" },
    off: { what: "unknown authority, ssl=False", formula: "anybody may answer", value: "answered" },
    named: { what: "its authority named", formula: "answered", value: "answered" }
  }),
  lasts: () => 4 * latencyMs,
  program: Effect.fnUntraced(function* ({ characters }) {
    const web = yield* yield* Web
    const page = yield* Stage.variant("a page", Stage.lane("get", Stage.during("get", "worker", web.page)))
    const trusted = yield* Stage.variant(
      "a certificate of an unknown authority (CA)",
      Effect.all({
        on: Stage.lane("verified", Stage.during("verified", "worker", web.secure("system"))),
        off: Stage.lane("ssl=False", Stage.during("ssl=False", "worker", web.secure("anybody"))),
        named: Stage.lane("CA named", Stage.during("CA named", "worker", web.secure("authority")))
      })
    )
    const { status, type, text } = page
    const [found] = yield* Effect.orDie(
      Effect.fromResult(Result.flatMap(Page.fromText(text), (page) => Extraction.records(Wanted, page)))
    )
    return {
      status,
      type,
      shown: text.slice(0, characters).length,
      title: found!.title,
      paragraphs: found!.paragraphs.length,
      ...trusted
    }
  }),
  prose: (_, { on, off, named, shown, title, paragraphs }) => [
    `The first ${shown} characters are one request. Scraping begins after it: of the page one wants its title, ${title}, and its ${paragraphs} paragraphs, and not the text that they stand in.`,
    `Behind the request is a question that one line of the tutorial answers silently: who sent the page? Verified, the stranger was ${on}; with \`ssl=False\` it was ${off}, and so would anyone in between be.`,
    `The right repair is to name the authority: then it was ${named}. Here that is \`--cacert FILE\`; \`--insecure\` exists, and says so loudly.`
  ],
  corrections: [
    {
      says: "scraping is automating requests and extracting specific information",
      is: "the second half is missing there: it extracts nothing, but prints 1000 characters of whatever came. Here 2 selectors say what is wanted"
    },
    {
      says: "`session.get(url, ssl=False)`",
      is: "that turns certificate verification off for 1 of 1 requests, silently"
    },
    {
      says: "with `async with` the whole block will also be treated as a coroutine",
      is: "it awaits 2 things, the entry and the exit; the block is the same function's code"
    }
  ],
  model:
    "an answer takes 50 ms; whether a certificate is taken follows from the rule alone. The real run asks a site on loopback with a certificate of its own."
})
