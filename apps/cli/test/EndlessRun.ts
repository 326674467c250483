/** A program to spawn: `simul` on an engine whose run saves one URL after another and never ends by itself. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Engine } from "../src/Engine.ts"
import * as Process from "../src/Process.ts"
import { Records } from "../src/Records.ts"
import { make, saved } from "./FakeEngine.ts"

const stubborn = process.env["STUBBORN"] === "1"
const { engine } = make({
  outcomes: Stream.range(1, Number.MAX_SAFE_INTEGER).pipe(
    Stream.map((page) => saved(`https://a.example/${page}`)),
    // Told to stop, a stubborn run takes longer than anyone waits.
    Stream.ensuring(stubborn ? Effect.sleep("1 hour") : Effect.void)
  )
})

Process.start(process.argv.slice(2), Layer.merge(Layer.succeed(Engine, engine), Records.layer))
